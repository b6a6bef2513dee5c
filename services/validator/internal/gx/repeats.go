package gx

import (
	"errors"

	"github.com/leathq/leat/services/validator/internal/distinct"
)

func valuesUnique(b *builder) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	return b.repeats(&rowCheck{columns: []int{c}, counts: "column"})
}

// repeats registers a check that fails all rows of a value that occurs more than once.
func (b *builder) repeats(r *rowCheck) error {
	if err := b.rows(r); err != nil {
		return err
	}
	limit := max(r.format.indexes(), r.format.values())
	if r.format.indexes() < 0 {
		limit = distinct.AllRows
	}
	s := b.tallySpec(*r, limit)
	s.extras = len(r.index) > 0 || r.format.IncludeRows
	s.repeats = true
	b.plan.starters[b.item.part] = s
	b.item.finish = func(p part, e *ending) outcome { return p.(*tally).repeated(e, limit) }
	return nil
}

// repeated lists the rows whose value occurs more than once, the first of them up to the limit.
func (t *tally) repeated(e *ending, limit int) outcome {
	if len(t.spec.columns) > 1 && t.Present > 0 {
		for _, c := range t.spec.columns {
			if e.class(c) == isObject {
				return failed(errors.New("unhashable type: 'numpy.ndarray'"))
			}
		}
	}
	if err := t.extra.err(); err != nil {
		return failed(err)
	}
	d, err := t.state.Duplicates(limit)
	if err != nil {
		return failed(err)
	}
	rows, values := make([]int64, len(d.First)), make(map[int64][]any, len(d.First))
	for i, row := range d.First {
		rows[i] = int64(row.Number)
		if i < t.spec.format.values() {
			values[rows[i]] = t.cells(row.Value)
		}
	}
	counts := rowPart{check: &t.spec.rowCheck, Elements: t.Elements, Considered: t.Present}
	s := counts.listed(rows, values, t.extra.rows)
	s.Unexpected = int64(d.Rows)
	return s.finish(e)
}
