package arrowio

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// dictionaries keeps the dictionary where the parts share one. Else the parts' values, each once, become one, in order of the parts.
func (g *gathered) dictionaries(t Type, p parts, n int) error {
	width := t.width() / 8
	if d := shared(t, p); d != nil {
		g.dictionary = d
		g.buffer(gatherFixed(p, n, width))
		return nil
	}
	value, known := t.Elem[0], map[string]int{}
	var all parts
	var indices []byte
	for _, x := range p {
		values := newColumn(value, dictionaryOf(x.ArrayData))
		names, fresh := make([]int, values.Len()), runs{}
		for i := range names {
			key := keyOf(values, i)
			name, ok := known[key]
			if !ok {
				name = len(known)
				known[key] = name
				fresh.add(i, i+1)
			}
			names[i] = name
		}
		all = append(all, part{values.data, fresh})
		indices = appendIndices(indices, width, newColumn(Field{Type: t}, x.ArrayData), x.runs, names)
	}
	if limit := indexLimit(*t.Index); len(known) > limit {
		return &LimitError{What: "values of one batch's dictionary", Is: int64(len(known)), Limit: int64(limit), Remedy: "declare wider indices than " + t.Index.String()}
	}
	g.buffer(indices)
	var err error
	g.dictionary, err = gather(value.Type, all)
	return err
}

// shared is the dictionary that all parts with values have, nil where they have several.
func shared(t Type, p parts) arrow.ArrayData {
	var one arrow.ArrayData
	for _, x := range p {
		switch {
		case x.n == 0:
		case one == nil:
			one = x.Dictionary()
		case x.Dictionary() != one:
			return nil
		}
	}
	if one == nil {
		one = array.MakeArrayOfNull(memory.DefaultAllocator, dataType(t.Elem[0].Type), 0).Data()
	}
	return one
}

// indexLimit is how many values an index can name.
func indexLimit(t Type) int {
	bits := t.width()
	if t.Kind <= Int64 {
		bits--
	}
	return 1 << min(bits, 62)
}

// appendIndices appends the runs' indices by their new names; those of nulls are 0.
func appendIndices(out []byte, width int, c *Column, r runs, names []int) []byte {
	at := c.indices()
	for _, x := range r.list {
		for i := x.from; i < x.to; i++ {
			var b [8]byte
			if !c.IsNull(i) {
				putIndex(b[:], width, uint64(names[at(i)]))
			}
			out = append(out, b[:width]...)
		}
	}
	return out
}

// keyOf is a text that only equal values share.
func keyOf(c *Column, i int) string {
	switch {
	case c.IsNull(i):
		return ""
	case c.Kind().bytes() || c.Kind() == FixedBinary:
		return "=" + string(c.Strings().At(i))
	case c.Kind() == Bool:
		return fmt.Sprint("=", c.Bools().Get(i))
	}
	if w := c.field.Type.width() / 8; w > 0 && c.Kind() != Dictionary {
		from := (c.data.Offset() + i) * w
		return "=" + string(c.buffer(1)[from:from+w])
	}
	return fmt.Sprintf("=%v", c.Value(i))
}

// pick is the values in the given order.
func pick(c *Column, order []int) (arrow.ArrayData, error) {
	ascending, p := true, make(parts, len(order))
	for i, v := range order {
		ascending = ascending && v == i
		p[i] = part{c.data, runs{list: []run{{v, v + 1}}, n: 1}}
	}
	if ascending {
		return sliceData(c.data, 0, len(order)), nil
	}
	return gather(c.field.Type, p)
}
