package arrowio

import (
	"errors"
	"fmt"
	"strconv"
)

// Check looks for values longer than MaxString and, where ValidateUTF8 is set, for text that is not UTF-8, nested ones included. An error is a
// *LimitError or *MalformedError that names the column and the row, counted from first. Work is linear in the rows where a column has long values or text is checked.
func (b *Batch) Check(l Limits, first int64) error {
	if l.MaxRows > 0 && int64(b.rows) > l.MaxRows {
		return &LimitError{What: "rows of a batch", Is: int64(b.rows), Limit: l.MaxRows}
	}
	for _, c := range b.columns {
		row, err := checkColumn(c, l)
		if err == nil {
			continue
		}
		where := fmt.Sprintf("column %s, row %d", strconv.Quote(c.field.Name), first+int64(row))
		var long *LimitError
		if errors.As(err, &long) {
			long.Where = where
			return long
		}
		return &MalformedError{Where: where, What: err.Error()}
	}
	return nil
}

var errUTF8 = errors.New("the text is not UTF-8; declare the column binary, or mend the text where it comes from")

// checkColumn says which value is the first that is refused, and why.
func checkColumn(c *Column, l Limits) (row int, err error) {
	switch k := c.Kind(); {
	case k.bytes():
		if i := tooLong(c.Strings(), c.Len(), l.MaxString); i >= 0 {
			from, to := c.Strings().Span(i)
			return i, &LimitError{What: "bytes of one value", Is: int64(to - from), Limit: l.MaxString, Remedy: "raise the limit, or cut the value where the data comes from"}
		}
		if !l.ValidateUTF8 {
			return 0, nil
		}
		if i := c.InvalidUTF8(0); i >= 0 {
			return i, errUTF8
		}
	case k == Struct:
		for _, f := range c.Children() {
			if row, err := checkColumn(f, l); err != nil {
				return row, err
			}
		}
	case k == List || k == LargeList || k == FixedList || k == Map:
		return checkLists(c, l)
	case k == Dictionary:
		values, index := c.Dictionary()
		bad, err := checkColumn(values, l)
		for i := 0; err != nil && i < c.Len(); i++ {
			if index(i) == bad {
				return i, err
			}
		}
	}
	return 0, nil
}

func checkLists(c *Column, l Limits) (int, error) {
	if c.Len() == 0 {
		return 0, nil
	}
	o, v := c.Lists()
	from := o.At(0)
	at, err := checkColumn(v.slice(from, o.At(c.Len())), l)
	for i := 0; err != nil && i < c.Len(); i++ {
		if from+at < o.At(i+1) {
			return i, err
		}
	}
	return 0, nil
}

// tooLong is the first value longer than the limit, -1 where none is.
func tooLong(s Strings, n int, limit int64) int {
	if limit <= 0 || n == 0 {
		return -1
	}
	if s.Offsets64 != nil {
		return firstLong(s.Offsets64, limit)
	}
	return firstLong(s.Offsets32, limit)
}

func firstLong[T offset](o []T, limit int64) int {
	if int64(o[len(o)-1]-o[0]) <= limit {
		return -1
	}
	for i, to := range o[1:] {
		if int64(to-o[i]) > limit {
			return i
		}
	}
	return -1
}
