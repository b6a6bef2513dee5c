package gx

import (
	"errors"
	"fmt"
	"slices"
)

func (b *builder) pair(test func(x, y *view, rows mask) (mask, error)) error {
	return b.pairOf(&rowCheck{}, test)
}

func (b *builder) pairOf(r *rowCheck, test func(x, y *view, rows mask) (mask, error)) error {
	x, err := b.column("column_A")
	if err != nil {
		return err
	}
	y, err := b.column("column_B")
	if err != nil {
		return err
	}
	r.columns, r.counts = []int{x, y}, b.word("ignore_row_if", "both_values_are_missing")
	r.test = func(p *pass, rows mask) (mask, error) { return test(p.view(x), p.view(y), rows) }
	return b.rows(r)
}

func pairEqual(b *builder) error {
	return b.pair(func(x, y *view, rows mask) (mask, error) {
		return equalRows(x, y, rows), nil
	})
}

// equalRows are the rows in which both columns hold a value and the values are equal.
func equalRows(x, y *view, rows mask) mask {
	both := rows.and(x.present).and(y.present)
	good := make(mask, words(x.n))
	switch {
	case x.spelt() && y.spelt():
		s, t := x.texts(), y.texts()
		both.each(x.n, func(i int) bool {
			if string(s.At(i)) == string(t.At(i)) {
				good.set(i)
			}
			return true
		})
	default:
		both.each(x.n, func(i int) bool {
			if equalCells(x.cell(i), y.cell(i)) {
				good.set(i)
			}
			return true
		})
	}
	return good
}

// equalCells compares two columns' values as pandas does: a text that says a point in time equals it, and so does a day.
func equalCells(a, b any) bool {
	if _, ok := b.(stamp); ok {
		if _, both := a.(stamp); !both {
			a, b = b, a
		}
	}
	if t, ok := a.(stamp); ok {
		switch u := b.(type) {
		case string:
			at, ok := instant(u)
			return ok && t.Zone == "" && at.Equal(t.time())
		case day:
			return t.Zone == "" && int64(u)*86400e9 == t.time().UnixNano()
		case stamp:
			return (t.Zone == "") == (u.Zone == "") && t.time().Equal(u.time())
		}
		return false
	}
	return setKey(a) == setKey(b)
}

func pairGreater(b *builder) error {
	x, err := b.column("column_A")
	if err != nil {
		return err
	}
	y, err := b.column("column_B")
	if err != nil {
		return err
	}
	xc, yc := b.class(x), b.class(y)
	unlike := comparable(xc, yc)
	if unlike != nil && !loose(xc) && !loose(yc) {
		return unlike
	}
	equal := b.flag("or_equal")
	return b.pair(func(x, y *view, rows mask) (mask, error) {
		if unlike != nil {
			return nil, unlike
		}
		if xc != yc && (lacks(x, rows) || lacks(y, rows)) {
			return nil, errors.New("'>' not supported between instances of 'int' and 'NoneType'")
		}
		if good, ok := greater(x, y, equal); ok {
			return good.and(x.present).and(y.present), nil
		}
		good := make(mask, words(x.n))
		rows.and(x.present).and(y.present).each(x.n, func(i int) bool {
			d, ok := compareCells(x.cell(i), y.cell(i))
			if ok && (d > 0 || d == 0 && equal) {
				good.set(i)
			}
			return true
		})
		return good, nil
	})
}

// lacks says whether a column of booleans is without a value in one of the rows: pandas then holds objects.
func lacks(v *view, rows mask) bool {
	return v.class == isBool && rows.and(v.present).count(v.n) < rows.count(v.n)
}

// loose says whether pandas holds the class as Python objects, which it compares one by one.
func loose(c class) bool { return c == isObject || c == isDay || c == isNumber }

// comparable says why pandas does not order two columns, if it does not.
func comparable(x, y class) error {
	switch {
	case x == isCategory && y == isCategory:
		return errors.New("Unordered Categoricals can only compare equality or not")
	case (x == isText || x == isCategory) && (y == isText || y == isCategory):
		return nil
	case x == isDay && y == isStamp, x == isStamp && y == isDay, x == y && x != isObject, numericClass(x) && numericClass(y):
		return nil
	}
	return errors.New("Invalid comparison between the types of the two columns")
}

func pairInSet(b *builder) error {
	set := map[string]bool{}
	for _, p := range b.list("value_pairs_set") {
		set[pairKey(p.([]any)[0], p.([]any)[1])] = true
	}
	for _, name := range []string{"column_A", "column_B"} {
		c, err := b.column(name)
		if err != nil {
			return err
		}
		if b.class(c) == isObject {
			return errors.New("unhashable type: 'numpy.ndarray'")
		}
	}
	return b.pairOf(&rowCheck{unfiltered: true}, func(x, y *view, rows mask) (mask, error) {
		good := make(mask, words(x.n))
		rows.each(x.n, func(i int) bool {
			if set[pairKey(x.cell(i), y.cell(i))] {
				good.set(i)
			}
			return true
		})
		return good, nil
	})
}

func pairKey(a, b any) string {
	return string(appendKey(append(appendKey(nil, key(a)), 0), key(b)))
}

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
	return b.several(r)
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
		case isCategory:
			return fmt.Errorf("category type does not support sum operations: the column %q holds no numbers", b.plan.schema.Fields[c].Name)
		}
	}
	if slices.ContainsFunc(columns, func(c int) bool { return b.class(c) == isStamp }) {
		finish := b.item.finish
		b.item.finish = func(p part, e *ending) outcome { // of no rows pandas adds up whole columns
			if p.(*rowPart).Considered == 0 {
				return failed(errors.New("'DatetimeArray' does not support operation 'sum'"))
			}
			return finish(p, e)
		}
	}
	if decimals > 0 {
		finish := b.item.finish
		b.item.finish = func(p part, e *ending) outcome { // integers of a column with gaps are floats
			gaps := slices.ContainsFunc(columns, func(c int) bool { return e.class(c) != isNumber && e.state.gaps[c] })
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
		texts += int(bit(v.class == isText))
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
