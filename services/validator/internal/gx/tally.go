package gx

import (
	"cmp"
	"slices"

	"github.com/leathq/leat/pkg/arrowio"
)

// tally counts how often each value of a column occurs. It holds every distinct value.
type tally struct {
	column    int
	condition int
	Ints      map[int64]int64
	Texts     map[string]int64
	Others    map[any]*tallied
	Present   int64
	Missing   int64
	Elements  int64
}

// tallied is a value that is neither an int64 nor a text, with its count.
type tallied struct {
	Cell  any
	Times int64
}

func (b *builder) tally(column int) int {
	t := &tally{column: column, condition: b.condition}
	return b.plan.share("tally "+place(column, b.condition), t)
}

func place(column, condition int) string {
	return string(appendJSON(appendJSON(nil, column), Object{{"if", condition}}))
}

func (t *tally) start() part {
	return &tally{column: t.column, condition: t.condition, Ints: map[int64]int64{}, Texts: map[string]int64{}, Others: map[any]*tallied{}}
}

func (t *tally) add(p *pass) (mask, error) {
	v, kept := p.view(t.column), p.kept[t.condition]
	rows := kept.and(v.present)
	n := int64(rows.count(p.n))
	t.Elements += int64(p.keptN[t.condition])
	t.Present += n
	t.Missing += int64(p.keptN[t.condition]) - n
	switch {
	case v.spelt():
		t.addTexts(v.texts(), rows, v.n)
	case v.column.Kind() == arrowio.Int64:
		ints := v.column.Int64s()
		rows.each(v.n, func(i int) bool { t.Ints[ints[i]]++; return true })
	default:
		rows.each(v.n, func(i int) bool { t.count(v.cell(i), 1); return true })
	}
	return nil, nil
}

// addTexts allocates a key only where a text is new.
func (t *tally) addTexts(s arrowio.Strings, rows mask, n int) {
	rows.each(n, func(i int) bool {
		text := s.At(i)
		if times, ok := t.Texts[string(text)]; ok {
			t.Texts[string(text)] = times + 1
			return true
		}
		t.Texts[string(text)] = 1
		return true
	})
}

func (t *tally) count(c any, times int64) {
	switch c := c.(type) {
	case int64:
		t.Ints[c] += times
	case string:
		t.Texts[c] += times
	default:
		k := key(c)
		if o, ok := t.Others[k]; ok {
			o.Times += times
			return
		}
		t.Others[k] = &tallied{c, times}
	}
}

func (t *tally) merge(next part, _ int64) error {
	o := next.(*tally)
	for k, n := range o.Ints {
		t.Ints[k] += n
	}
	for k, n := range o.Texts {
		t.Texts[k] += n
	}
	for _, c := range o.Others {
		t.count(c.Cell, c.Times)
	}
	t.Present += o.Present
	t.Missing += o.Missing
	t.Elements += o.Elements
	return nil
}

// distinct is how many different values there are.
func (t *tally) distinct() int64 { return int64(len(t.Ints) + len(t.Texts) + len(t.Others)) }

// sorted lists the values in their order.
func (t *tally) sorted() []tallied {
	out := make([]tallied, 0, t.distinct())
	for v, n := range t.Ints {
		out = append(out, tallied{v, n})
	}
	for v, n := range t.Texts {
		out = append(out, tallied{v, n})
	}
	for _, c := range t.Others {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b tallied) int { c, _ := compareCells(a.Cell, b.Cell); return c })
	return out
}

// modes are the most frequent values, sorted.
func (t *tally) modes() []any {
	all := t.sorted()
	most := int64(0)
	for _, c := range all {
		most = max(most, c.Times)
	}
	out := []any{}
	for _, c := range all {
		if cmp.Compare(c.Times, most) == 0 {
			out = append(out, c.Cell)
		}
	}
	return out
}
