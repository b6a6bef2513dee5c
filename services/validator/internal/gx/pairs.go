package gx

import (
	"errors"

	"github.com/leathq/leat/pkg/arrowio"
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
	r := &rowCheck{}
	err := b.pairOf(r, func(x, y *view, rows mask) (mask, error) {
		return equalRows(x, y, rows), nil
	})
	if err == nil {
		b.oneVocabulary(r.columns...)
	}
	return err
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
			at, aware, ok := instant(u)
			return ok && !aware && t.Zone == "" && at.Equal(t.time())
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
	if zoned := func(c int) bool { return b.plan.schema.Fields[c].Type.Zone != "" }; xc == isDay && zoned(y) || yc == isDay && zoned(x) {
		return pythonError("Invalid comparison between days and points in time with a zone")
	}
	if xc == isStamp && yc == isStamp && (b.plan.schema.Fields[x].Type.Zone == "") != (b.plan.schema.Fields[y].Type.Zone == "") {
		unlike = pythonError("Invalid comparison between points in time with and without a zone")
	}
	if unlike != nil && !loose(xc) && !loose(yc) {
		return unlike
	}
	equal := b.flag("or_equal")
	return b.variants(x, xc == isBool && numericClass(yc), func(gaps bool) error { return b.greaterOf(gaps || loose(xc), unlike, equal) })
}

// greaterOf compares rows. objects says that pandas holds the first column as objects, of which a missing one is not greater; compared with
// numpy's own numbers, a missing object of the second column is an error.
func (b *builder) greaterOf(objects bool, unlike error, equal bool) error {
	return b.pair(func(x, y *view, rows mask) (mask, error) {
		both := rows.and(x.present).and(y.present)
		if unlike != nil && (both.count(x.n) > 0 || x.column.Kind() != arrowio.Null && y.column.Kind() != arrowio.Null) {
			return nil, unlike
		}
		if !objects && numericClass(x.class) && lacks(y, rows) {
			return nil, pythonError("'>' not supported between instances of 'int' and 'NoneType'")
		}
		if good, ok := greater(x, y, equal); ok {
			return good.and(both), nil
		}
		good := make(mask, words(x.n))
		both.each(x.n, func(i int) bool {
			d, ok := compareCells(x.cell(i), y.cell(i))
			if ok && (d > 0 || d == 0 && equal) {
				good.set(i)
			}
			return true
		})
		return good, nil
	})
}

// lacks says whether a column that pandas then holds as objects is without a value in one of the rows.
func lacks(v *view, rows mask) bool {
	return (v.class == isBool || loose(v.class)) && rows.and(v.present).count(v.n) < rows.count(v.n)
}

// loose says whether pandas holds the class as Python objects, which it compares one by one.
func loose(c class) bool { return c == isObject || c == isDay || c == isNumber }

// comparable says why pandas does not order two columns, if it does not.
func comparable(x, y class) error {
	switch {
	case x == isCategory && y == isCategory:
		return pythonError("Unordered Categoricals can only compare equality or not")
	case (x == isText || x == isCategory) && (y == isText || y == isCategory):
		return nil
	case x == isDay && y == isStamp, x == isStamp && y == isDay, x == y && x != isObject, numericClass(x) && numericClass(y):
		return nil
	}
	return pythonError("Invalid comparison between the types of the two columns")
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
