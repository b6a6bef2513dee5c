package gx

import (
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/codec"
)

// spelling is what Python's str() of a column's values depends on beside the value itself.
type spelling struct {
	gaps   bool  // the column has nulls: integers are floats
	detail uint8 // of points in time
}

// How much of points in time pandas prints is the same for all values of a column: what the one that needs most needs.
const (
	detailDay uint8 = iota // all are at midnight, on clocks without a zone
	detailSecond
	detailMilli
	detailMicro
	detailNano
	details
)

var detailLayouts = [details]string{"2006-01-02", "2006-01-02 15:04:05", "2006-01-02 15:04:05.000", "2006-01-02 15:04:05.000000", "2006-01-02 15:04:05.000000000"}

// spell is Python's str() of a value in its column.
func (how spelling) spell(c any) string {
	s, ok := c.(stamp)
	if !ok {
		return printed(c, how.gaps)
	}
	layout := detailLayouts[how.detail]
	if s.Zone != "" {
		layout += "-07:00"
	}
	return s.time().Format(layout)
}

// detailOf is the detail that a point in time needs.
func detailOf(s stamp) uint8 {
	t := s.time()
	switch ns := t.Nanosecond(); {
	case ns%1000 != 0:
		return detailNano
	case ns%1e6 != 0:
		return detailMicro
	case ns != 0:
		return detailMilli
	case s.Zone != "" || t.Hour() != 0 || t.Minute() != 0 || t.Second() != 0:
		return detailSecond
	}
	return detailDay
}

// mostDetail is the detail that a column's considered rows need. It is both what makes the part and the part.
type mostDetail struct {
	column    int
	condition int
	Most      uint8
}

func (m *mostDetail) start() part { return &mostDetail{column: m.column, condition: m.condition} }

func (m *mostDetail) add(p *pass) (mask, error) {
	v := p.view(m.column)
	p.kept[m.condition].and(v.present).each(v.n, func(i int) bool {
		m.Most = max(m.Most, detailOf(v.cell(i).(stamp)))
		return m.Most < detailNano
	})
	return nil, nil
}

func (m *mostDetail) merge(next part, _ int64) error {
	m.Most = max(m.Most, next.(*mostDetail).Most)
	return nil
}

func (m *mostDetail) encode(a *codec.Append) error {
	a.Byte(m.Most)
	return nil
}

func (m *mostDetail) decode(r *codec.Reader) error {
	if m.Most = r.Byte(); m.Most >= details {
		r.Fail("a detail of points in time of %d", m.Most)
		m.Most = 0
	}
	return nil
}

// finest is the most detail that values of a unit can need.
var finest = [...]uint8{arrowio.Second: detailSecond, arrowio.Milli: detailMilli, arrowio.Micro: detailMicro, arrowio.Nano: detailNano}

// spelt registers a check of a column's values as texts. How numbers and points in time are spelt depends on all rows of the column, the last one
// too: every way that the schema leaves open is checked, and the right one is told. Rows get their verdict by the way of full detail and no nulls.
func (b *builder) spelt(c int, test func(v *view, rows mask, how spelling) (mask, error)) error {
	register := func(how spelling) error {
		return b.rows(&rowCheck{columns: []int{c}, counts: "column", test: func(p *pass, rows mask) (mask, error) { return test(p.view(c), rows, how) }})
	}
	class := b.class(c)
	if class != isStamp {
		return b.variants(c, class == isInt || class == isUint, func(gaps bool) error { return register(spelling{gaps: gaps}) })
	}
	unit := b.plan.schema.Fields[c].Type.Unit
	if b.plan.schema.Fields[c].Type.Kind == arrowio.Date64 {
		unit = arrowio.Milli
	}
	var parts [details]int
	for d := int(finest[unit]); d >= 0; d-- {
		if err := register(spelling{detail: uint8(d)}); err != nil {
			return err
		}
		parts[d] = b.item.part
		b.quiet = true
	}
	b.quiet = false
	b.item.part = b.plan.share("detail "+place(c, b.condition), &mostDetail{column: c, condition: b.condition})
	b.item.finish = func(p part, e *ending) outcome {
		return e.state.parts[parts[p.(*mostDetail).Most]].(finisher).finish(e)
	}
	return nil
}

// printedAll is the texts of a column as pandas' astype(str) makes them.
func (v *view) printedAll(how spelling) arrowio.Strings {
	s := arrowio.Strings{Offsets64: make([]int64, 1, v.n+1)}
	var b strings.Builder
	for i := range v.n {
		b.WriteString(how.spell(v.cell(i)))
		s.Offsets64 = append(s.Offsets64, int64(b.Len()))
	}
	s.Data = []byte(b.String())
	return s
}
