package columnar

import (
	"context"
	"errors"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// Open implements files.Format.
func (f *format) Open(_ context.Context, o files.File, u files.Unit, at files.Place, s *table.Sink) (files.Reader, error) {
	whole, err := f.open(o, f.options(nil))
	if err != nil {
		return nil, explain(u.File, o, err)
	}
	c, err := table.NewColumns(s.Layout(), whole.Schema())
	if err != nil {
		return nil, source.Errorf(source.CodeOf(err), "%s: %w", u.File, err)
	}
	opts := f.options(c.Needs())
	groups, skipped := behind(u.Groups, whole.groups, at.Row)
	opts.RowGroups = groups
	if err := whole.Close(); err != nil {
		return nil, err
	}
	if u.Groups != nil && len(opts.RowGroups) == 0 {
		return &reader{done: true, place: at}, nil
	}
	r, err := f.open(o, opts)
	if err != nil {
		return nil, explain(u.File, o, err)
	}
	return &reader{Reader: r, columns: c, name: u.File, file: o, first: u.Row, place: files.Place{Row: skipped}, skip: at.Row - skipped}, nil
}

// behind are the row groups that hold rows behind the first ones, and how many rows the others have. Within a group reading begins at its beginning,
// so that its batches are cut as they were the first time.
func behind(which []int, groups []file.RowGroup, rows int64) ([]int, int64) {
	skipped := int64(0)
	for len(which) > 0 && groups[which[0]].Rows <= rows-skipped {
		skipped += groups[which[0]].Rows
		which = which[1:]
	}
	return which, skipped
}

// reader reads a unit in pieces.
type reader struct {
	file.Reader
	columns *table.Columns
	name    string
	file    files.File
	first   int64 // rows of the file before the unit
	place   files.Place
	skip    int64 // rows still to be passed over
	pieces  []*arrowio.Batch
	done    bool
}

// Place implements files.Reader.
func (r *reader) Place() files.Place { return r.place }

// Close implements files.Reader.
func (r *reader) Close() error {
	if r.Reader == nil {
		return nil
	}
	return r.Reader.Close()
}

// Fill implements files.Reader.
func (r *reader) Fill(ctx context.Context, s *table.Sink) error {
	for !s.Full() {
		p, err := r.next(ctx, s)
		if err != nil {
			return err
		}
		n := int64(p.Rows())
		if r.skip >= n {
			r.skip -= n
			r.place.Row += n
			continue
		}
		out, err := r.columns.Map(s, p, r.first+r.place.Row+1)
		if err != nil {
			return err
		}
		s.Piece(out)
		r.place.Row += n
	}
	return nil
}

// next is the next piece of a batch.
func (r *reader) next(ctx context.Context, s *table.Sink) (*arrowio.Batch, error) {
	if len(r.pieces) == 0 {
		b, err := r.batch(ctx)
		if err != nil {
			return nil, err
		}
		r.pieces = s.Pieces(b)
	}
	p := r.pieces[0]
	r.pieces = r.pieces[1:]
	return p, nil
}

func (r *reader) batch(ctx context.Context) (*arrowio.Batch, error) {
	if r.done {
		return nil, io.EOF
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := r.Next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, explain(r.name, r.file, err)
	}
	return b, err
}
