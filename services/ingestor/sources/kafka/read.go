package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leathq/leat/services/ingestor/internal/source/record"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

var errEnough = errors.New("enough")

// patience is how long a broker may have nothing for us although the partition's end is not reached.
const patience = 45 * time.Second

type cursor struct {
	Offset int64 `json:"offset"` // the next one
}

// each calls f for every record of a partition, those that mark transactions included.
func (t *topic) each(ctx context.Context, sp spec, f func(*kgo.Record) error) error {
	at := map[string]map[int32]kgo.Offset{t.cfg.Topic: {sp.Partition: kgo.NewOffset().At(sp.From)}}
	// Without NoResetOffset a deleted offset would be skipped in silence.
	cl, err := t.cfg.client(kgo.ConsumePartitions(at), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxBytes(8<<20), kgo.MaxBufferedRecords(50000))
	if err != nil {
		return err
	}
	defer cl.Close()
	for next := sp.From; next < sp.To; {
		fs, err := t.poll(ctx, cl, sp, next)
		if err != nil {
			return err
		}
		for it := fs.RecordIter(); !it.Done(); {
			r := it.Next()
			if r.Offset >= sp.To {
				return nil
			}
			if err := f(r); err != nil {
				return err
			}
			next = r.Offset + 1
		}
	}
	return nil
}

func (t *topic) poll(ctx context.Context, cl *kgo.Client, sp spec, next int64) (kgo.Fetches, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	fs := cl.PollRecords(ctx, 5000)
	gone := func(err error) bool { // was deleted, before or while it was read
		lost := new(kgo.ErrDataLoss)
		return errors.As(err, &lost) || errors.Is(err, kerr.OffsetOutOfRange)
	}
	if slices.ContainsFunc(fs.Errors(), func(e kgo.FetchError) bool { return gone(e.Err) }) {
		return nil, sdk.Fail("input_changed", "partition %d of topic %s: records from offset %d on were deleted before they were read; run with --full to go on from what is there", sp.Partition, t.cfg.Topic, next)
	}
	if err := fs.Err0(); err != nil {
		return nil, fmt.Errorf("partition %d of topic %s: nothing came from offset %d on, though it ends at %d: %w", sp.Partition, t.cfg.Topic, next, sp.To, err)
	}
	if es := fs.Errors(); len(es) > 0 {
		e := es[0]
		return nil, fmt.Errorf("read partition %d of topic %s at offset %d: %w", e.Partition, t.cfg.Topic, next, e.Err)
	}
	return fs, nil
}

// Read streams a partition's records up to where it ended at the plan.
func (t *topic) Read(ctx context.Context, part, at json.RawMessage, w *sdk.Writer) error {
	var sp spec
	if err := json.Unmarshal(part, &sp); err != nil {
		return sdk.Fail("bad_part", "the partition is not this source's: %v", err)
	}
	c := cursor{sp.From}
	if len(at) > 0 {
		if err := json.Unmarshal(at, &c); err != nil {
			return sdk.Fail("bad_cursor", "the cursor %.100s is not this source's; start the run anew", at)
		}
	}
	sp.From = c.Offset
	rows, err := record.New(w.Schema, t.cfg.Schema != nil)
	if err != nil {
		return sdk.Fail("bad_schema", "%v", err)
	}
	flush := func() error {
		b, err := rows.Batch()
		if err != nil {
			return err
		}
		return w.Batch(b, c)
	}
	err = t.each(ctx, sp, func(r *kgo.Record) error {
		c.Offset = r.Offset + 1
		if err := t.add(rows, r, w); err != nil {
			return err
		}
		if rows.Bytes() >= sdk.BatchBytes || w.Pending() >= 1000 {
			return flush()
		}
		return nil
	})
	if err != nil || rows.Len() == 0 && w.Pending() == 0 {
		return err
	}
	return flush()
}

func (t *topic) add(rows *record.Rows, r *kgo.Record, w *sdk.Writer) error {
	if r.Attrs.IsControl() {
		return nil // the mark of a transaction's end
	}
	headers := make([]any, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = map[string]any{"name": h.Key, "value": bytesOrNil(h.Value)}
	}
	cols := map[string]any{
		"kafka_partition": int64(r.Partition), "kafka_offset": r.Offset, "kafka_timestamp": r.Timestamp.UTC(),
		"kafka_key": bytesOrNil(r.Key), "kafka_headers": headers,
	}
	var err error
	switch {
	case t.cfg.Value == "json":
		err = rows.Add(r.Value, cols)
	case t.cfg.Value == "text" && !utf8.Valid(r.Value):
		err = errors.New("the value is not UTF-8; read it with value: bytes")
	case t.cfg.Value == "text" && r.Value != nil:
		cols["value"] = string(r.Value)
		err = rows.Add(nil, cols)
	default:
		cols["value"] = bytesOrNil(r.Value)
		err = rows.Add(nil, cols)
	}
	if err != nil {
		return w.Reject(fmt.Sprintf("%s/%d", t.cfg.Topic, r.Partition), r.Offset+1, fmt.Sprintf("offset %d: %v", r.Offset, err), r.Value)
	}
	return nil
}

// bytesOrNil keeps what is absent apart from what is empty.
func bytesOrNil(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
