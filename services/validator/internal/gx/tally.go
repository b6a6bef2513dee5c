package gx

import (
	"math"
	"slices"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/codec"
	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// tally counts how often each value of a column, or of several together, occurs, and which rows repeat one. Rows that are
// not looked at are added as rows without a value, so that numbers of rows are those of the data.
type tally struct {
	spec     *tallySpec
	state    *distinct.State
	Elements int64 // rows that the condition keeps
	Present  int64 // rows that are looked at and counted
	extra    extras
}

// tallySpec is what a tally counts.
type tallySpec struct {
	rowCheck
	options distinct.Options
	kind    distinct.Kind
	types   []arrowio.Type
	plain   bool // the one column's own values; else cells written one after another
	extras  bool // rows' other cells are kept, for a result that shows them
	repeats bool // nothing but repeated values is asked for
	bound   extras
}

// tallied is a value with how often it occurs.
type tallied struct {
	Cell  any
	Times int64
	first uint64
}

var tallyKinds = map[class]distinct.Kind{isInt: distinct.Int, isStamp: distinct.Int, isDay: distinct.Int, isUint: distinct.Uint, isFloat: distinct.Float, isText: distinct.Bytes, isCategory: distinct.Bytes}

func (b *builder) tally(column int) int {
	return b.plan.share("tally "+place(column, b.condition), b.tallySpec(rowCheck{columns: []int{column}, counts: "column", condition: b.condition, elements: b.condition}, 0))
}

func (b *builder) tallySpec(r rowCheck, repeats int) *tallySpec {
	s := &tallySpec{rowCheck: r, kind: distinct.Bytes, bound: b.extras()}
	s.options = distinct.Options{Repeats: repeats, Bytes: b.plan.options.Bytes, Space: b.plan.options.Space}
	for _, c := range r.columns {
		s.types = append(s.types, b.plan.schema.Fields[c].Type)
	}
	if kind, ok := tallyKinds[classOf(s.types[0])]; ok && len(s.types) == 1 && s.types[0].Kind != arrowio.Null {
		s.kind, s.plain = kind, classOf(s.types[0]) != isCategory
	}
	return s
}

func place(column, condition int) string {
	return string(appendJSON(appendJSON(nil, column), Object{{"if", condition}}))
}

// Close implements io.Closer.
func (t *tally) Close() error { return t.state.Close() }

func (s *tallySpec) start() part {
	return &tally{spec: s, state: distinct.New(s.kind, s.options), extra: s.bound.empty()}
}

// total implements totaller.
func (t *tally) total() {
	if t.spec.repeats {
		o := t.spec.options
		o.Digests = true
		t.state = distinct.New(t.spec.kind, o)
	}
}

func (t *tally) add(p *pass) (mask, error) {
	rows := t.spec.considered(p)
	t.Elements += int64(p.keptN[t.spec.elements])
	t.Present += int64(rows.count(p.n))
	if t.spec.extras {
		rows.each(p.n, func(i int) bool {
			t.extra.put(p, i, &t.spec.rowCheck)
			return true
		})
	}
	if t.spec.plain {
		return nil, t.addColumn(p.view(t.spec.columns[0]), presence.Mask{Bits: rows.bytes()}, p.batch.Bytes)
	}
	return nil, t.addRows(p, rows)
}

// addColumn adds the rows of a column that are there. held tells what its batch takes of memory.
func (t *tally) addColumn(v *view, there presence.Mask, held func() int64) error {
	c := v.column
	switch c.Kind() {
	case arrowio.Int8:
		return distinct.AddInts(t.state, c.Int8s(), there)
	case arrowio.Int16:
		return distinct.AddInts(t.state, c.Int16s(), there)
	case arrowio.Int32, arrowio.Date32:
		return distinct.AddInts(t.state, c.Int32s(), there)
	case arrowio.Int64, arrowio.Timestamp, arrowio.Date64:
		return distinct.AddInts(t.state, c.Int64s(), there)
	case arrowio.Uint8:
		return distinct.AddUints(t.state, c.Uint8s(), there)
	case arrowio.Uint16:
		return distinct.AddUints(t.state, c.Uint16s(), there)
	case arrowio.Uint32:
		return distinct.AddUints(t.state, c.Uint32s(), there)
	case arrowio.Uint64:
		return distinct.AddUints(t.state, c.Uint64s(), there)
	case arrowio.Float64:
		return distinct.AddFloats(t.state, c.Float64s(), there)
	case arrowio.Float32, arrowio.Float16:
		return distinct.AddFloats(t.state, v.numbers(), there)
	}
	s := v.texts()
	if s.Offsets64 != nil {
		return distinct.AddTexts(t.state, s.Data, s.Offsets64, there, held)
	}
	return distinct.AddTexts(t.state, s.Data, s.Offsets32, there, held)
}

// addRows adds each row's cells, written one after another, as one value.
func (t *tally) addRows(p *pass, rows mask) error {
	var a codec.Append
	for i := range p.n {
		a = a[:0]
		there := rows.get(i)
		if there {
			for _, c := range t.spec.columns {
				appendCell(&a, unsigned(p.view(c).cell(i)))
			}
		}
		if err := t.state.AddText(a, there); err != nil {
			return err
		}
	}
	return nil
}

// unsigned takes a zero's sign away, since both zeros are one value.
func unsigned(c any) any {
	switch c {
	case 0.0:
		return 0.0
	case single(0):
		return single(0)
	}
	return c
}

func (t *tally) merge(next part, shift int64) error {
	o := next.(*tally)
	t.Elements += o.Elements
	t.Present += o.Present
	t.extra.merge(o.extra, shift)
	return t.state.Merge(o.state)
}

// cells are the cells of a value as the state has it.
func (t *tally) cells(value []byte) []any {
	if !t.spec.plain {
		r := codec.NewReader(value)
		out := make([]any, len(t.spec.columns))
		for i := range out {
			out[i] = readCell(r)
		}
		return out
	}
	if t.spec.kind == distinct.Bytes {
		return []any{string(value)}
	}
	word := distinct.Entry{Value: value}.Word()
	ty := t.spec.types[0]
	switch {
	case t.spec.kind == distinct.Uint:
		return []any{word}
	case t.spec.kind == distinct.Float && ty.Kind != arrowio.Float64:
		return []any{single(math.Float64frombits(word))}
	case t.spec.kind == distinct.Float:
		return []any{math.Float64frombits(word)}
	case classOf(ty) == isDay:
		return []any{day(int64(word))}
	case ty.Kind == arrowio.Date64:
		return []any{stamp{At: int64(word), Unit: arrowio.Milli}}
	case classOf(ty) == isStamp:
		return []any{stamp{At: int64(word), Unit: ty.Unit, Zone: ty.Zone}}
	}
	return []any{int64(word)}
}

// distinct is how many different values there are.
func (t *tally) distinct() (int64, error) {
	n, err := t.state.Distinct()
	return int64(n), err
}

// each calls f for each value, in no order.
func (t *tally) each(f func(v tallied)) error {
	return t.state.Each(func(e distinct.Entry) error {
		f(tallied{t.cells(e.Value)[0], int64(e.Count), e.First})
		return nil
	})
}

// sorted lists all values in their order.
func (t *tally) sorted() ([]tallied, error) {
	var out []tallied
	err := t.each(func(v tallied) { out = append(out, v) })
	slices.SortFunc(out, func(a, b tallied) int { c, _ := compareCells(a.Cell, b.Cell); return c })
	return out, err
}

// modes are the most frequent values, sorted.
func (t *tally) modes() ([]any, error) {
	most, out := int64(0), []any{}
	err := t.each(func(v tallied) {
		if v.Times > most {
			most, out = v.Times, out[:0]
		}
		if v.Times == most {
			out = append(out, v.Cell)
		}
	})
	return sortedTexts(out), err
}
