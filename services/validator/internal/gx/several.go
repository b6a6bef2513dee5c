package gx

import (
	"errors"
	"slices"
)

func (b *builder) several(r *rowCheck) error {
	for _, name := range b.list("column_list") {
		c, err := b.named(name.(string))
		if err != nil {
			return err
		}
		r.columns = append(r.columns, c)
	}
	r.many = true
	r.counts = b.word("ignore_row_if", "all_values_are_missing")
	if r.test == nil {
		return b.repeats(r)
	}
	return b.rows(r)
}

func compoundUnique(b *builder) error { return b.several(&rowCheck{}) }

func withinRecordUnique(b *builder) error {
	r := &rowCheck{}
	r.test = func(p *pass, rows mask) (mask, error) {
		good := make(mask, words(p.n))
		var err error
		rows.each(p.n, func(i int) bool {
			seen := map[string]bool{}
			for _, c := range r.columns {
				v := p.view(c)
				if v.class == isObject {
					err = errors.New("unhashable type: 'numpy.ndarray'")
					return false
				}
				seen[distinctKey(v, i)] = true
			}
			if len(seen) >= len(r.columns) {
				good.set(i)
			}
			return true
		})
		return good, err
	}
	return b.several(r)
}

// distinctKey is a cell's identity among others of one row; a missing value is None, NaN or NaT by its column's class.
func distinctKey(v *view, i int) string {
	if v.present.get(i) {
		return string(appendKey(nil, key(v.cell(i))))
	}
	switch {
	case v.class == isStamp:
		return "NaT"
	case loose(v.class), v.class == isBool:
		return "None"
	}
	return "NaN"
}

func severalEqual(b *builder) error {
	r := &rowCheck{}
	r.test = func(p *pass, rows mask) (mask, error) {
		first := p.view(r.columns[0])
		good := rows
		for _, c := range r.columns[1:] {
			v := p.view(c)
			same := equalRows(first, v, rows)
			neither := first.present.not(p.n).and(v.present.not(p.n))
			good = good.and(same.or(neither))
		}
		return good, nil
	}
	err := b.several(r)
	if err == nil {
		b.oneVocabulary(r.columns...)
	}
	return err
}

func severalSum(b *builder) error {
	total, _ := b.arg("sum_total").(float64)
	r := &rowCheck{}
	r.test = func(p *pass, rows mask) (mask, error) { return sumRows(p, r.columns, rows, total) }
	if err := b.several(r); err != nil {
		return err
	}
	return summable(b, r.columns)
}

// summable says why Python cannot add up the columns of any row, if it cannot.
func summable(b *builder, columns []int) error {
	decimals, floats := 0, 0
	for _, c := range columns {
		switch b.class(c) {
		case isNumber:
			decimals++
		case isFloat:
			floats++
		}
	}
	whole := func(c int) bool { return b.class(c) == isStamp || b.class(c) == isCategory }
	stamps := !slices.ContainsFunc(columns, func(c int) bool {
		return b.class(c) != isStamp || !b.plan.schema.Fields[c].Type.Equal(b.plan.schema.Fields[columns[0]].Type)
	})
	if slices.ContainsFunc(columns, whole) {
		finish := b.item.finish
		b.item.finish = func(p part, e *ending) outcome { // of no rows pandas adds up whole columns
			if stamps || p.(*rowPart).Considered == 0 {
				return failed(pythonError("'DatetimeArray' or 'Categorical' does not support operation 'sum'"))
			}
			return finish(p, e)
		}
	}
	if decimals > 0 {
		finish := b.item.finish
		b.item.finish = func(p part, e *ending) outcome { // integers of a column with gaps are floats
			gaps := slices.ContainsFunc(columns, func(c int) bool { return (e.class(c) == isInt || e.class(c) == isUint) && e.state.gaps[c] })
			if gaps && p.(*rowPart).Considered > 0 {
				return failed(errors.New("unsupported operand type(s) for +: 'float' and 'decimal.Decimal'"))
			}
			return finish(p, e)
		}
	}
	if decimals > 0 && floats > 0 {
		return errors.New("unsupported operand type(s) for +: 'decimal.Decimal' and 'float'")
	}
	return nil
}

// sumRows finds the rows whose values add up to total. Texts make a longer text, which is no number; other mixtures fail
// where a row has a value in every column.
func sumRows(p *pass, columns []int, rows mask, total float64) (mask, error) {
	texts, others, whole := 0, 0, rows
	for _, c := range columns {
		v := p.view(c)
		whole = whole.and(v.present)
		texts += int(bit(v.class == isText || v.class == isCategory))
		others += int(bit(v.class == isDay || v.class == isStamp || v.class == isObject))
	}
	mixed := others > 0 || texts > 0 && texts < len(columns)
	if mixed && whole.count(p.n) > 0 {
		return nil, errors.New("unsupported operand type(s) for +: the columns hold values that do not add up")
	}
	if mixed || texts > 0 {
		return make(mask, words(p.n)), nil
	}
	sums := make([]float64, p.n)
	for _, c := range columns {
		for i, x := range p.view(c).numbers() {
			sums[i] += x
		}
	}
	return decide(p.n, func(i int) bool { return sums[i] == total }).and(whole), nil
}
