package gx

import "github.com/leathq/leat/pkg/arrowio"

// extremes is the least and the greatest value of a column; nil where there is none.
type extremes struct {
	column    int
	condition int
	Low, High any
}

func (b *builder) extremes(column int) int {
	return b.plan.share("extremes "+place(column, b.condition), &extremes{column: column, condition: b.condition})
}

func (x *extremes) start() part { return &extremes{column: x.column, condition: x.condition} }

func (x *extremes) add(p *pass) (mask, error) {
	v := p.view(x.column)
	rows := p.kept[x.condition].and(v.present)
	low, high := -1, -1
	switch {
	case v.column.Kind() == arrowio.Int64:
		low, high = ends(v.column.Int64s(), rows)
	case v.column.Kind() == arrowio.Int32:
		low, high = ends(v.column.Int32s(), rows)
	case v.column.Kind() == arrowio.Float64:
		low, high = ends(v.column.Float64s(), rows)
	case v.class == isStamp:
		low, high = ends(v.column.Int64s(), rows)
	case v.spelt():
		low, high = textEnds(v.texts(), rows, v.n)
	default:
		rows.each(v.n, func(i int) bool { x.see(v.cell(i)); return true })
	}
	if low >= 0 {
		x.see(v.cell(low))
		x.see(v.cell(high))
	}
	return nil, nil
}

// ends are the first rows with the least and the greatest value; -1 where there are no rows.
func ends[T int64 | int32 | float64](values []T, rows mask) (low, high int) {
	if rows == nil {
		return endsOfAll(values)
	}
	low, high = -1, -1
	rows.each(len(values), func(i int) bool {
		if low < 0 {
			low, high = i, i
			return true
		}
		if values[i] < values[low] {
			low = i
		}
		if values[i] > values[high] {
			high = i
		}
		return true
	})
	return low, high
}

func textEnds(s arrowio.Strings, rows mask, n int) (low, high int) {
	low, high = -1, -1
	var least, most string
	rows.each(n, func(i int) bool {
		t := s.At(i)
		if low < 0 || string(t) < least {
			low, least = i, string(t)
		}
		if high < 0 || string(t) > most {
			high, most = i, string(t)
		}
		return true
	})
	return low, high
}

func (x *extremes) see(c any) {
	if c == nil {
		return
	}
	if x.Low == nil {
		x.Low, x.High = c, c
		return
	}
	if d, ok := compareCells(c, x.Low); ok && d < 0 {
		x.Low = c
	}
	if d, ok := compareCells(c, x.High); ok && d > 0 {
		x.High = c
	}
}

func (x *extremes) merge(next part, _ int64) error {
	o := next.(*extremes)
	x.see(o.Low)
	x.see(o.High)
	return nil
}
