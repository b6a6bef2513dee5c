package arrowio

import "github.com/apache/arrow-go/v18/arrow"

// A cost is how many bits the first i rows of a column take when encoded, dictionaries' values counted in each row that has them. It grows with i
// and depends on the rows alone.
type cost func(i int) int64

// costOf is the cost of data whose nulls have no values (see canonical). A bit of validity is counted for every row.
func costOf(t Type, d arrow.ArrayData) cost {
	c := newColumn(Field{Type: t}, d)
	switch t.Kind {
	case Null:
		return func(i int) int64 { return int64(i) }
	case String, LargeString, Binary, LargeBinary:
		return stringCost(c)
	case List, LargeList, FixedList, Map:
		return listCost(c)
	case Struct:
		return structCost(c)
	case Dictionary:
		return dictionaryCost(c)
	}
	each := int64(t.width() + 1)
	return func(i int) int64 { return each * int64(i) }
}

func stringCost(c *Column) cost {
	if c.Len() == 0 {
		return func(int) int64 { return 0 }
	}
	s := c.Strings()
	each := int64(33)
	if s.Offsets64 != nil {
		each = 65
	}
	first, _ := s.Span(0)
	return func(i int) int64 {
		if i == 0 {
			return 0
		}
		_, to := s.Span(i - 1)
		return each*int64(i) + 8*int64(to-first)
	}
}

func listCost(c *Column) cost {
	if c.Len() == 0 {
		return func(int) int64 { return 0 }
	}
	o, values := c.Lists()
	inner := costOf(values.field.Type, values.data)
	each := map[Kind]int64{LargeList: 65, FixedList: 1}[c.Kind()]
	if each == 0 {
		each = 33
	}
	first := inner(o.At(0))
	return func(i int) int64 { return each*int64(i) + inner(o.At(i)) - first }
}

func structCost(c *Column) cost {
	var inner []cost
	for _, f := range c.Children() {
		inner = append(inner, costOf(f.field.Type, f.data))
	}
	return func(i int) int64 {
		n := int64(i)
		for _, f := range inner {
			n += f(i)
		}
		return n
	}
}

func dictionaryCost(c *Column) cost {
	values, index := c.Dictionary()
	inner := costOf(values.field.Type, values.data)
	sums := make([]int64, c.Len()+1)
	each := int64(c.field.Type.width() + 1)
	for i := range c.Len() {
		sums[i+1] = sums[i] + each
		if v := index(i); v >= 0 {
			sums[i+1] += inner(v+1) - inner(v)
		}
	}
	return func(i int) int64 { return sums[i] }
}

// bytesOf is what the values of d use of its buffers.
func bytesOf(d arrow.ArrayData) int64 {
	t, err := typeOf(d.DataType())
	if err != nil || d.Len() == 0 {
		return 0
	}
	n := int64(0)
	if nullsOf(d) > 0 && t.Kind != Null {
		n = int64(d.Len()+7) / 8
	}
	c := newColumn(Field{Type: t}, d)
	switch t.Kind {
	case String, LargeString, Binary, LargeBinary:
		from, _ := c.Strings().Span(0)
		_, to := c.Strings().Span(d.Len() - 1)
		n += int64(d.Len()+1)*offsetWidth(t) + int64(to-from)
	case List, LargeList, FixedList, Map:
		o, v := c.Lists()
		n += int64(d.Len()+1)*offsetWidth(t) + bytesOf(sliceData(v.data, o.At(0), o.At(d.Len())))
	case Struct:
		for _, f := range c.Children() {
			n += bytesOf(f.data)
		}
	default:
		n += (int64(d.Len())*int64(t.width()) + 7) / 8
		if t.Kind == Dictionary {
			n += bytesOf(dictionaryOf(d))
		}
	}
	return n
}

func offsetWidth(t Type) int64 {
	switch t.Kind {
	case FixedList:
		return 0
	case LargeString, LargeBinary, LargeList:
		return 8
	}
	return 4
}
