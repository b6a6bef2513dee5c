package datacmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/validator/check"
)

// finding is what was found of rows in order, first of a partition, then of all.
type finding struct {
	state   *check.State
	columns *check.Profile // nil: nobody asks
	failing int64          // rows that fail at least one expectation
	refused []ingestor.Refused
	more    int64 // refused records beside them

	result *check.Result
	title  string
	schema *arrowio.Schema
}

// shownRefused is how many refused records are kept to be shown.
const shownRefused = 5

func (f *finding) refuse(rs []ingestor.Refused) {
	for _, r := range rs {
		if len(f.refused) < shownRefused {
			f.refused = append(f.refused, r)
		} else {
			f.more++
		}
	}
}

func (f *finding) refusals() int64 { return int64(len(f.refused)) + f.more }

// asked is what is asked of rows.
type asked struct {
	plan    *check.Plan
	columns bool // what is in them, too
}

func (a *asked) begin(state *check.State, schema *arrowio.Schema) (f *finding, err error) {
	f = &finding{state: state}
	if a.columns {
		f.columns, err = check.NewProfile(schema)
	}
	return f, err
}

// add takes the next rows.
func (f *finding) add(b *arrowio.Batch) error {
	rows, err := f.state.Add(b)
	if away := rows.Any(); away != nil {
		f.failing += int64(away.Count())
	}
	if err != nil || f.columns == nil {
		return err
	}
	return f.columns.Add(b)
}

// join takes what was found of the rows that follow.
func (f *finding) join(next *finding) error {
	f.failing += next.failing
	f.refuse(next.refused)
	f.more += next.more
	if f.columns != nil {
		if err := f.columns.Merge(next.columns); err != nil {
			return err
		}
	}
	return f.state.Merge(next.state)
}

// validate reads everything, and once more where what it remembered of long texts took more memory than it may. Which core read what does not show
// in what it found.
func validate(ctx context.Context, in *input, a *asked, errOut io.Writer) (*finding, error) {
	f, err := a.read(ctx, in, a.plan.NewTotal(), errOut)
	if errors.Is(err, check.ErrOutgrown) {
		fmt.Fprintln(errOut, "there are more different texts than memory holds: everything is read once more, with scratch space")
		f, err = a.read(ctx, in, a.plan.NewState(), errOut)
	}
	return f, err
}

// read adds everything to a state of no rows, which is closed where that fails.
func (a *asked) read(ctx context.Context, in *input, state *check.State, errOut io.Writer) (*finding, error) {
	bar := barOf(in, errOut)
	defer bar.end()
	all, err := a.begin(state, in.plan.Schema)
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	err = each(ctx, in.plan.Parts, func(ctx context.Context, p ingestor.SourcePart) (*finding, error) {
		own, err := a.begin(a.plan.NewState(), in.plan.Schema)
		if err != nil {
			return nil, err
		}
		return own, in.part(ctx, p, func(b *arrowio.Batch, refused []ingestor.Refused) error {
			own.refuse(refused)
			if b == nil {
				return nil
			}
			bar.add(b.Rows())
			return own.add(b)
		})
	}, all.join)
	if err != nil {
		return nil, errors.Join(err, state.Close())
	}
	return all, nil
}
