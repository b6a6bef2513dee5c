package datacmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
)

const (
	refusedAtOnce = 1000    // records in memory
	refusedMost   = 1 << 20 // bytes of one: it has at most 64 KiB of the original, in base64
)

// readRefused is Datasets.Read for records that are no rows: pkg/flow keeps them as lines of JSON.
func (s *session) readRefused(ctx context.Context, shard dataset.Shard, columns []string, each func(*arrowio.Batch) error) (err error) {
	r, err := s.Open(ctx, shard.Path, shard.Digest)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, refusedMost)
	var held []flow.Refusal
	give := func() error {
		b := refusedRows(held)
		held = held[:0]
		if b.Rows() == 0 {
			return nil
		}
		return each(pick(b, columns))
	}
	for lines.Scan() {
		var x flow.Refusal
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			return fmt.Errorf("read %s: %w", shard.Path, err)
		}
		if held = append(held, x); len(held) == refusedAtOnce {
			if err := give(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", shard.Path, err)
	}
	return give()
}

// refusedRows are refused records as rows. What is no text in the original reads as U+FFFD.
func refusedRows(in []flow.Refusal) *arrowio.Batch {
	files, lines, reasons, raws := []string{}, []int64{}, []string{}, []string{}
	for _, x := range in {
		files, lines, reasons = append(files, x.File), append(lines, x.Line), append(reasons, x.Reason)
		raws = append(raws, strings.ToValidUTF8(string(x.Raw), "\ufffd"))
	}
	return arrowio.BatchOf(arrowio.Of("file", files), arrowio.Of("line", lines), arrowio.Of("reason", reasons), arrowio.Of("raw", raws))
}

// pick is some columns of a batch, by name; all where none is named.
func pick(b *arrowio.Batch, names []string) *arrowio.Batch {
	if len(names) == 0 {
		return b
	}
	at := make([]int, len(names))
	for i, n := range names {
		at[i] = slices.IndexFunc(b.Schema().Fields, func(f arrowio.Field) bool { return f.Name == n })
	}
	return b.Select(at...)
}
