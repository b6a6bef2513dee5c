package validator

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// arrived hands on all rows that came to the stage, in their order: valid and quarantined ones lie in shards of their own, and the latter say where they stood.
func (j *judging) arrived(ctx context.Context) func(each func(*arrowio.Batch) error) error {
	return func(each func(*arrowio.Batch) error) error {
		for _, partition := range j.in.Segments {
			first := uint64(0)
			for _, segment := range partition {
				rows := segment.GetCounts().GetRowsIn()
				if err := j.rowsOf(ctx, segment, first, rows, each); err != nil {
					return err
				}
				first += rows
			}
		}
		return nil
	}
}

// rowsOf hands on the rows of a segment, which begins with row first of its partition.
func (j *judging) rowsOf(ctx context.Context, segment *datav1.SegmentDone, first, rows uint64, each func(*arrowio.Batch) error) error {
	one := [][]*datav1.SegmentDone{{segment}}
	var names []string
	for _, f := range j.schema.Fields {
		names = append(names, f.Name)
	}
	valid := newCursor(j.batches(ctx, kept(one, "valid"), names))
	defer valid.stop()
	away := newCursor(j.batches(ctx, kept(one, "quarantine"), slices.Concat(names, []string{rowColumn})))
	defer away.stop()
	for at := first; at < first+rows; {
		from, most := valid, first+rows-at
		if away.more() {
			stood := away.rest().Column(len(names)).Uint64s()
			if most = stood[0] - at; most == 0 { // as many as stood beside each other
				from = away
				for most < uint64(len(stood)) && stood[most] == at+most {
					most++
				}
			}
		}
		if away.err != nil {
			return away.err
		}
		b, err := from.take(most)
		if err == nil && b == nil {
			err = &flow.Error{Code: "books", Message: fmt.Sprintf("row %d of partition %d is not in the shards of segment %d: please report this", at, segment.GetPartition(), segment.GetSegment())}
		}
		if err == nil {
			err = each(b)
		}
		if err != nil {
			return err
		}
		at += uint64(b.Rows())
	}
	return nil
}

// batches are those of shards, in turn.
func (j *judging) batches(ctx context.Context, shards []dataset.Shard, columns []string) iter.Seq2[*arrowio.Batch, error] {
	return func(yield func(*arrowio.Batch, error) bool) {
		for _, s := range shards {
			over := false
			err := j.sets.Read(ctx, s, columns, func(b *arrowio.Batch) error {
				if over = !yield(b, nil); over {
					return context.Canceled // whoever reads has what it needs
				}
				return nil
			})
			if over {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read rows for SQL: %w", err))
				return
			}
		}
	}
}

// cursor stands before the next of some rows.
type cursor struct {
	next  func() (*arrowio.Batch, error, bool)
	stop  func()
	batch *arrowio.Batch // nil: none is read, or none is left
	at    int            // within batch
	err   error
}

func newCursor(all iter.Seq2[*arrowio.Batch, error]) *cursor {
	next, stop := iter.Pull2(all)
	return &cursor{next: next, stop: stop}
}

// more says whether there are rows; not so where reading them failed, which take says.
func (c *cursor) more() bool {
	for c.err == nil && (c.batch == nil || c.at == c.batch.Rows()) {
		var ok bool
		if c.batch, c.err, ok = c.next(); !ok {
			return false
		}
		c.at = 0
	}
	return c.err == nil
}

// rest is what is left of the batch.
func (c *cursor) rest() *arrowio.Batch { return c.batch.Slice(c.at, c.batch.Rows()) }

// take returns the next rows, at least one and at most so many; nil where none are left.
func (c *cursor) take(most uint64) (*arrowio.Batch, error) {
	if !c.more() {
		return nil, c.err
	}
	from := c.at
	c.at = int(min(uint64(c.batch.Rows()), uint64(from)+most))
	return c.batch.Slice(from, c.at), nil
}
