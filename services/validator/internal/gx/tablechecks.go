package gx

import "slices"

// rowCount is a part that counts the rows a condition keeps.
type rowCount struct {
	condition int
	Rows      int64
}

func (r *rowCount) start() part { return &rowCount{condition: r.condition} }

func (r *rowCount) add(p *pass) (mask, error) {
	r.Rows += int64(p.keptN[r.condition])
	return nil, nil
}

func (r *rowCount) merge(next part, _ int64) error {
	r.Rows += next.(*rowCount).Rows
	return nil
}

// known settles an expectation that the schema alone decides.
func (b *builder) known(f func(e *ending) outcome) error {
	b.item.finish = func(_ part, e *ending) outcome { return f(e) }
	return nil
}

// told is an outcome with nothing but an observed value.
func told(success bool, observed any) outcome {
	return outcome{success: success, result: Object{{"observed_value", observed}}}
}

func tableRowCountEqual(b *builder) error {
	want := b.arg("value").(int64)
	return b.counted(func(n int64) outcome { return told(n == want, n) })
}

func (b *builder) counted(f func(n int64) outcome) error {
	b.item.part = b.plan.share("rows "+string(rune('0'+b.condition)), &rowCount{condition: b.condition})
	b.item.finish = func(p part, _ *ending) outcome { return f(p.(*rowCount).Rows) }
	return nil
}

func tableRowCountBetween(b *builder) error {
	l := b.limits()
	return b.counted(func(n int64) outcome { return l.judge(n) })
}

// judge holds an observed value against the bounds.
func (l limits) judge(observed any) outcome {
	ok, err := l.holdWhole(observed)
	if err != nil {
		return unjudged(err)
	}
	return told(ok, observed)
}

func tableColumnCountEqual(b *builder) error {
	n := int64(len(b.plan.schema.Fields))
	return b.known(func(*ending) outcome { return told(n == b.arg("value").(int64), n) })
}

func tableColumnCountBetween(b *builder) error {
	l := b.limits()
	return b.known(func(*ending) outcome { return l.judge(int64(len(b.plan.schema.Fields))) })
}

func (b *builder) columnNames() []any {
	var all []any
	for _, f := range b.plan.schema.Fields {
		all = append(all, f.Name)
	}
	return all
}

func tableColumnsOrdered(b *builder) error {
	want, given := b.arg("column_list").([]any)
	have := b.columnNames()
	return b.known(func(*ending) outcome {
		if !given || slices.Equal(want, have) {
			return told(true, have)
		}
		wrong := []any{}
		for i := range max(len(want), len(have)) {
			w, h := at(want, i), at(have, i)
			if w != h {
				wrong = append(wrong, Object{{"Expected Column Position", i}, {"Expected", w}, {"Found", h}})
			}
		}
		o := told(false, have)
		o.result.Set("details", Object{{"mismatched", wrong}})
		return o
	})
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func tableColumnsSet(b *builder) error {
	want := b.list("column_set")
	exact, given := b.arg("exact_match").(bool)
	exact = exact || !given
	have := b.columnNames()
	return b.known(func(*ending) outcome {
		unexpected, missing := minus(have, want), minus(want, have)
		shown := sortedTexts(have)
		if len(unexpected) == 0 && len(missing) == 0 {
			return told(true, shown)
		}
		o := told(!exact && len(missing) == 0, shown)
		wrong := Object{}
		if len(unexpected) > 0 {
			wrong.Set("unexpected", unexpected)
		}
		if len(missing) > 0 {
			wrong.Set("missing", missing)
		}
		o.result.Set("details", Object{{"mismatched", wrong}})
		return o
	})
}

// minus is what of a is not in b, sorted, each once.
func minus(a, b []any) []any {
	out := []any{}
	for _, v := range a {
		if !slices.Contains(b, v) && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return sortedTexts(out)
}

func sortedTexts(list []any) []any {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b any) int { c, _ := compareCells(a, b); return c })
	return out
}

func columnExists(b *builder) error {
	have := b.columnNames()
	name := b.text("column")
	index, _ := b.arg("column_index").(int64)
	ok := slices.Contains(have, any(name))
	if index != 0 {
		i := int(index)
		if i < 0 {
			i += len(have)
		}
		ok = i >= 0 && i < len(have) && have[i] == name
	}
	return b.known(func(*ending) outcome { return outcome{success: ok, result: Object{}} })
}
