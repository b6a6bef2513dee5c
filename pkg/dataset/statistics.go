package dataset

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// longestBound is how many bytes a text may have to be a column's smallest or largest value: longer ones are no help to anybody.
const longestBound = 256

// statistics are what was counted of columns, in the schema's order.
type statistics []Column

func newStatistics(s *arrowio.Schema) statistics {
	out := make(statistics, len(s.Fields))
	for i, f := range s.Fields {
		out[i].Name = f.Name
	}
	return out
}

func (s statistics) add(b *arrowio.Batch) {
	for i := range s {
		s[i].merge(count(b, i), b.Schema().Fields[i].Type)
	}
}

// MergeColumns is what was counted of two parts of one schema's rows, together. Neither argument is changed.
func MergeColumns(schema *arrowio.Schema, a, b []Column) []Column {
	if len(a) == 0 {
		return b
	}
	out := slices.Clone(a)
	for i := range out {
		if i < len(b) && i < len(schema.Fields) {
			out[i].merge(b[i], schema.Fields[i].Type)
		}
	}
	return out
}

// merge adds what was counted of later rows. A bound is not known where that of a part is not, though the part has values.
func (c *Column) merge(o Column, t arrowio.Type) {
	c.Min = better(c, &o, c.Min, o.Min, func(a, b string) bool { return compare(t, a, b) <= 0 })
	c.Max = better(c, &o, c.Max, o.Max, func(a, b string) bool { return compare(t, a, b) >= 0 })
	c.Rows, c.Nulls, c.Bytes = c.Rows+o.Rows, c.Nulls+o.Nulls, c.Bytes+o.Bytes
}

func better(c, o *Column, a, b *string, first func(a, b string) bool) *string {
	switch {
	case c.Rows == c.Nulls:
		return b
	case o.Rows == o.Nulls:
		return a
	case a == nil || b == nil:
		return nil
	case first(*a, *b):
		return a
	default:
		return b
	}
}

// count is what there is to say of a column of a batch.
func count(b *arrowio.Batch, i int) Column {
	c := b.Column(i)
	out := Column{Name: c.Field().Name, Rows: int64(c.Len()), Nulls: int64(c.Nulls()), Bytes: b.Select(i).Bytes()}
	low, high := extremes(c)
	if low >= 0 {
		out.Min, out.Max = text(c, low), text(c, high)
	}
	return out
}

// extremes are the rows of a column's smallest and largest values: -1 where there is none, or no order.
func extremes(c *arrowio.Column) (low, high int) {
	switch c.Kind() {
	case arrowio.Int8:
		return scan(c, c.Int8s())
	case arrowio.Int16:
		return scan(c, c.Int16s())
	case arrowio.Int32, arrowio.Date32:
		return scan(c, c.Int32s())
	case arrowio.Int64, arrowio.Date64, arrowio.Timestamp:
		return scan(c, c.Int64s())
	case arrowio.Uint8:
		return scan(c, c.Uint8s())
	case arrowio.Uint16:
		return scan(c, c.Uint16s())
	case arrowio.Uint32:
		return scan(c, c.Uint32s())
	case arrowio.Uint64:
		return scan(c, c.Uint64s())
	case arrowio.Float32:
		return scan(c, c.Float32s())
	case arrowio.Float64:
		return scan(c, c.Float64s())
	case arrowio.String, arrowio.LargeString:
		return scanTexts(c)
	default:
		return -1, -1
	}
}

// scan looks at numbers. NaN has no place in their order.
func scan[T cmp.Ordered](c *arrowio.Column, values []T) (low, high int) {
	low, high = -1, -1
	for i, v := range values {
		if c.IsNull(i) || v != v {
			continue
		}
		if low < 0 || v < values[low] {
			low = i
		}
		if high < 0 || v > values[high] {
			high = i
		}
	}
	return low, high
}

func scanTexts(c *arrowio.Column) (low, high int) {
	texts := c.Strings()
	low, high = -1, -1
	for i := range c.Len() {
		if c.IsNull(i) {
			continue
		}
		v := texts.At(i)
		if low < 0 || bytes.Compare(v, texts.At(low)) < 0 {
			low = i
		}
		if high < 0 || bytes.Compare(v, texts.At(high)) > 0 {
			high = i
		}
	}
	return low, high
}

// text is a value as manifests have it; nil where it is too long.
func text(c *arrowio.Column, row int) *string {
	var out string
	switch v := c.Value(row).(type) {
	case int64:
		out = strconv.FormatInt(v, 10)
	case uint64:
		out = strconv.FormatUint(v, 10)
	case float64:
		out = strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		out = v
	case time.Time:
		out = v.UTC().Format(time.RFC3339Nano)
	default:
		return nil
	}
	if len(out) > longestBound {
		return nil
	}
	return &out
}

// compare orders values that text wrote.
func compare(t arrowio.Type, a, b string) int {
	switch t.Kind {
	case arrowio.Int8, arrowio.Int16, arrowio.Int32, arrowio.Int64:
		return compareBy(a, b, func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })
	case arrowio.Uint8, arrowio.Uint16, arrowio.Uint32, arrowio.Uint64:
		return compareBy(a, b, func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) })
	case arrowio.Float32, arrowio.Float64:
		return compareBy(a, b, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	case arrowio.Date32, arrowio.Date64, arrowio.Timestamp:
		x, _ := time.Parse(time.RFC3339Nano, a)
		y, _ := time.Parse(time.RFC3339Nano, b)
		return x.Compare(y)
	default:
		return cmp.Compare(a, b)
	}
}

func compareBy[T cmp.Ordered](a, b string, parse func(string) (T, error)) int {
	x, _ := parse(a)
	y, _ := parse(b)
	return cmp.Compare(x, y)
}
