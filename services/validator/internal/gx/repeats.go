package gx

import "errors"

// repeats remembers where each value of a column (or each row of several) was seen, to tell all rows of a value that
// occurs more than once.
type repeats struct {
	check  *rowCheck
	counts rowPart
	Seen   map[string]*occurrence
	Extra  map[int64]extra
}

// occurrence is where a value was seen.
type occurrence struct {
	Cells []any
	First int64
	More  []int64
}

// extra is what a result shows of a row beside its value, kept only where it is asked for.
type extra struct{ Keys, Row []any }

func valuesUnique(b *builder) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	return b.repeats(&rowCheck{columns: []int{c}, counts: "column"})
}

func (b *builder) repeats(r *rowCheck) error {
	if err := b.rows(r); err != nil {
		return err
	}
	b.plan.starters[b.item.part] = repeated{r}
	return nil
}

// repeated starts repeats in place of a check that decides row by row.
type repeated struct{ check *rowCheck }

func (r repeated) start() part {
	return &repeats{check: r.check, counts: rowPart{check: r.check}, Seen: map[string]*occurrence{}, Extra: map[int64]extra{}}
}

func (s *repeats) add(p *pass) (mask, error) {
	r := s.check
	rows := r.considered(p)
	s.counts.Elements += int64(p.keptN[r.condition])
	s.counts.Considered += int64(rows.count(p.n))
	wantExtra := len(r.index) > 0 || r.format.IncludeRows
	var buf []byte
	rows.each(p.n, func(i int) bool {
		row := p.first + int64(i)
		buf = rowKey(buf[:0], p, r.columns, i)
		if o, ok := s.Seen[string(buf)]; ok {
			o.More = append(o.More, row)
		} else {
			s.Seen[string(buf)] = &occurrence{Cells: cells(p, i, r.columns), First: row}
		}
		if wantExtra {
			e := extra{Keys: cells(p, i, r.columns, r.index)}
			if r.format.IncludeRows {
				e.Row = cells(p, i, every(len(p.views)))
			}
			s.Extra[row] = e
		}
		return true
	})
	return nil, nil
}

// rowKey writes the identity of a row's values; text goes in without a copy.
func rowKey(b []byte, p *pass, columns []int, row int) []byte {
	for _, c := range columns {
		v := p.view(c)
		if v.class == isText && v.present.get(row) {
			t := v.texts().At(row)
			b = append(b, 's', byte(len(t)), byte(len(t)>>8), byte(len(t)>>16), byte(len(t)>>24))
			b = append(b, t...)
			continue
		}
		b = append(appendKey(b, key(v.cell(row))), 0)
	}
	return b
}

func (s *repeats) merge(next part, shift int64) error {
	o := next.(*repeats)
	s.counts.Elements += o.counts.Elements
	s.counts.Considered += o.counts.Considered
	for k, seen := range o.Seen {
		mine, ok := s.Seen[k]
		if !ok {
			mine = &occurrence{Cells: seen.Cells, First: seen.First + shift}
			s.Seen[k] = mine
		} else {
			mine.More = append(mine.More, seen.First+shift)
		}
		for _, row := range seen.More {
			mine.More = append(mine.More, row+shift)
		}
	}
	for row, e := range o.Extra {
		s.Extra[row+shift] = e
	}
	return nil
}

func (s *repeats) finish(e *ending) outcome {
	if len(s.check.columns) > 1 && s.counts.Considered > 0 {
		for _, c := range s.check.columns {
			if e.class(c) == isObject {
				return failed(errors.New("unhashable type: 'numpy.ndarray'"))
			}
		}
	}
	at := map[int64][]any{}
	var rows []int64
	for _, o := range s.Seen {
		if len(o.More) == 0 {
			continue
		}
		for _, row := range append([]int64{o.First}, o.More...) {
			at[row] = o.Cells
			rows = append(rows, row)
		}
	}
	return s.counts.listed(rows, at, s.Extra).finish(e)
}
