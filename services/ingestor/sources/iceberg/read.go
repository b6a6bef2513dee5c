package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/apache/iceberg-go/table"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// cursor is a place in a partition: rows of a file that were read, of those that the filter and the deletes leave.
type cursor struct {
	File int   `json:"file"` // counted over the plan
	Rows int64 `json:"rows"`
}

// Read streams the rows of a partition's files, one file after the other.
func (l *lake) Read(ctx context.Context, part, at json.RawMessage, w *sdk.Writer) error {
	var sp spec
	if err := json.Unmarshal(part, &sp); err != nil {
		return sdk.Fail("bad_part", "the partition is not this source's: %v", err)
	}
	c := cursor{File: sp.From}
	if len(at) > 0 {
		if err := json.Unmarshal(at, &c); err != nil || c.File < sp.From || c.File > sp.To {
			return sdk.Fail("bad_cursor", "the cursor %.100s is not this partition's; start the run anew", at)
		}
	}
	t, tasks, err := l.again(ctx, sp)
	if err != nil {
		return err
	}
	for ; c.File < sp.To; c = (cursor{File: c.File + 1}) {
		if err := l.file(ctx, t, sp, tasks[c.File], &c, w); err != nil {
			return fmt.Errorf("%s: %w", tasks[c.File].File.FilePath(), err)
		}
	}
	return nil
}

// again makes the plan of a partition once more.
func (l *lake) again(ctx context.Context, sp spec) (*table.Table, []table.FileScanTask, error) {
	t, err := l.cfg.pinned(ctx, sp.Metadata)
	if err != nil {
		return nil, nil, err
	}
	tasks, err := l.tasks(ctx, t, sp)
	if err != nil {
		return nil, nil, err
	}
	if sp.To <= len(tasks) && digest(tasks[sp.From:sp.To]) == sp.Digest {
		return t, tasks, nil
	}
	return nil, nil, sdk.Fail(source.Changed, "snapshot %d of the table %s no longer has the files that were planned; start a new run", sp.Snapshot, t.Location())
}

// pinned is the table as the plan saw it. A REST catalog may hand out credentials with the table, so there its file access is kept.
func (c config) pinned(ctx context.Context, file string) (*table.Table, error) {
	if c.Catalog == nil || c.Catalog.Type != "rest" {
		return c.at(ctx, file)
	}
	now, err := c.table(ctx)
	if err != nil || now.MetadataLocation() == file {
		return now, err
	}
	return table.NewFromLocation(ctx, now.Identifier(), file, now.FS, nil)
}

func (l *lake) file(ctx context.Context, t *table.Table, sp spec, task table.FileScanTask, c *cursor, w *sdk.Writer) error {
	s, err := l.scan(t, sp)
	if err != nil {
		return err
	}
	_, batches, err := s.ReadTasks(ctx, []table.FileScanTask{task})
	if err != nil {
		return err
	}
	seen := int64(0)
	for rec, err := range batches {
		if err != nil {
			return err
		}
		b, err := arrowio.FromArrow(rec)
		if err != nil {
			return err
		}
		skip := min(max(c.Rows-seen, 0), int64(b.Rows()))
		seen += int64(b.Rows())
		if err := cut(b.Slice(int(skip), b.Rows()), c, w); err != nil {
			return err
		}
	}
	return nil
}

// cut writes rows in batches of about the right size.
func cut(b *arrowio.Batch, c *cursor, w *sdk.Writer) error {
	for b.Rows() > 0 {
		n := b.Rows()
		if size := b.Bytes(); size > 2*sdk.BatchBytes {
			n = max(1, int(int64(n)*sdk.BatchBytes/size))
		}
		c.Rows += int64(n)
		if err := w.Batch(b.Slice(0, n), *c); err != nil {
			return err
		}
		b = b.Slice(n, b.Rows())
	}
	return nil
}
