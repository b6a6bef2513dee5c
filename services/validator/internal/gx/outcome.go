package gx

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is what an expectation came to: GX's success and result, or the reason why GX fails while it runs it.
type outcome struct {
	success bool
	result  Object
	err     error
	judged  bool // err came from judging a value, not from finding it
}

func failed(err error) outcome { return outcome{result: Object{}, err: err} }

func unjudged(err error) outcome { return outcome{result: Object{}, err: err, judged: true} }

func (s *rowPart) finish(e *ending) outcome {
	if s.Error != "" {
		return failed(errors.New(s.Error))
	}
	if s.Elements < s.Considered && s.check.format.Level != BooleanOnly {
		return failed(errors.New("Invalid result values were found when trying to instantiate an ExpectationValidationResult."))
	}
	success := s.Elements == 0 || s.Considered == 0 ||
		(float64(s.Considered)-float64(s.Unexpected))/float64(s.Considered) >= s.check.mostly
	return outcome{success: success, result: s.result(e)}
}

// result is GX's _format_map_output: which fields there are, and in which order, depends on the level.
func (s *rowPart) result(e *ending) Object {
	f := s.check.format
	o := Object{}
	if f.Level == BooleanOnly {
		s.query(&o)
		return o
	}
	missing := s.check.counts != "nulls"
	ofPresent := percent(s.Unexpected, s.Considered)
	o.Set("element_count", s.Elements)
	o.Set("unexpected_count", s.Unexpected)
	o.Set("unexpected_percent", ofPresent)
	values := s.values(e)
	if !f.NoValues {
		o.Set("partial_unexpected_list", values[:min(len(values), f.partial())])
	}
	if f.IndexNames != nil {
		o.Set("unexpected_index_column_names", list(f.IndexNames))
	}
	if missing {
		o.Set("missing_count", s.Elements-s.Considered)
		o.Set("missing_percent", percent(s.Elements-s.Considered, s.Elements))
		o.Set("unexpected_percent_total", percent(s.Unexpected, s.Elements))
		o.Set("unexpected_percent_nonmissing", ofPresent)
	}
	if f.IncludeRows {
		o.Set("unexpected_rows", s.records(e))
	}
	if f.Level == Basic {
		s.query(&o)
		return o
	}
	return s.detailed(e, o, values)
}

func (s *rowPart) detailed(e *ending, o Object, values []any) Object {
	f := s.check.format
	indexes := s.indexList(e)
	if f.partial() > 0 {
		if counts, ok := s.counts(e); ok && !f.NoValues {
			o.Set("partial_unexpected_counts", counts)
		}
		if !s.check.sql {
			o.Set("partial_unexpected_index_list", indexes[:min(len(indexes), f.partial())])
		}
	}
	if f.Level == Complete {
		if !f.NoValues {
			o.Set("unexpected_list", values)
		}
		if !s.check.sql {
			o.Set("unexpected_index_list", indexes)
		}
	}
	s.query(&o)
	return o
}

// query adds the index query where it is asked for; BOOLEAN_ONLY then names the index columns too.
func (s *rowPart) query(o *Object) {
	if !s.check.format.wantsQuery() || s.check.sql {
		return
	}
	var b strings.Builder
	b.WriteString("df.filter(items=[")
	for i, at := range s.Indexes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.FormatInt(at, 10))
	}
	b.WriteString("], axis=0)")
	o.Set("unexpected_index_query", b.String())
	if s.check.format.IndexNames != nil && !o.Has("unexpected_index_column_names") {
		o.Set("unexpected_index_column_names", list(s.check.format.IndexNames))
	}
}

func percent(part, of int64) any {
	if of == 0 {
		return nil
	}
	return float64(part) / float64(of) * 100
}

func list(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// show prints one failing row: its value, a pair, or an object by column.
func (s *rowPart) show(e *ending, row []any) any {
	columns := s.check.columns
	switch {
	case s.check.many:
		o := Object{}
		for i, c := range columns {
			o.Set(e.name(c), e.shown(c, row[i]))
		}
		return o
	case len(columns) == 2:
		return []any{e.element(columns[0], row[0]), e.element(columns[1], row[1])}
	}
	return e.shown(columns[0], row[0])
}

func (s *rowPart) values(e *ending) []any {
	out := make([]any, len(s.Values))
	for i, row := range s.Values {
		out[i] = s.show(e, row)
	}
	return out
}

func (s *rowPart) records(e *ending) []any {
	rows := s.Rows[:min(len(s.Rows), s.check.format.partial())]
	out := make([]any, len(rows))
	for i, row := range rows {
		o := Object{}
		for c, v := range row {
			o.Set(e.name(c), e.shown(c, v))
		}
		out[i] = o
	}
	return out
}

func (s *rowPart) indexList(e *ending) []any {
	f := s.check.format
	if len(s.check.index) == 0 {
		out := make([]any, len(s.Indexes))
		for i, at := range s.Indexes {
			out[i] = at
		}
		return out
	}
	width := len(s.check.columns)
	if f.NoValues && len(s.Keys) > 0 {
		o := Object{}
		for k, c := range s.check.index {
			column := []any{}
			for _, row := range s.Keys {
				column = append(column, e.shown(c, row[width+k]))
			}
			o.Set(e.name(c), column)
		}
		return []any{o}
	}
	out := []any{}
	for _, row := range s.Keys {
		o := Object{}
		o.Set(e.name(s.check.columns[0]), e.shown(s.check.columns[0], row[0]))
		for k, c := range s.check.index {
			o.Set(e.name(c), e.shown(c, row[width+k]))
		}
		for k, c := range s.check.columns[1:] {
			o.Set(e.name(c), e.shown(c, row[k+1]))
		}
		out = append(out, o)
	}
	return out
}

// counted is a value of the partial counts with how often it was seen.
type counted struct {
	row   []any
	times int64
}

// counts is GX's partial_unexpected_counts: the most frequent of the listed values, the earlier first among equals,
// then sorted by count and value. ok is false where Python cannot hash or sort them.
func (s *rowPart) counts(e *ending) ([]any, bool) {
	var seen []counted
	at := map[string]int{}
	for n, row := range s.Values {
		k, hashable := s.identity(e, row, n)
		if !hashable {
			return nil, false
		}
		if i, ok := at[k]; ok {
			seen[i].times++
			continue
		}
		at[k] = len(seen)
		seen = append(seen, counted{row, 1})
	}
	slices.SortStableFunc(seen, func(a, b counted) int { return cmp.Compare(b.times, a.times) })
	seen = seen[:min(len(seen), s.check.format.partial())]
	if !s.sort(e, seen) {
		return nil, false
	}
	out := make([]any, len(seen))
	for i, c := range seen {
		v := s.show(e, c.row)
		if o, ok := v.(Object); ok {
			values := make([]any, len(o))
			for k, m := range o {
				values[k] = m.Value
			}
			v = values
		}
		out[i] = Object{{"value", v}, {"count", c.times}}
	}
	return out, true
}

// identity is what makes values one in Python's Counter. NaN is never equal to NaN: each missing value counts alone,
// but None is one value.
func (s *rowPart) identity(e *ending, row []any, n int) (string, bool) {
	var b strings.Builder
	for i, c := range row {
		if _, ok := c.([]any); ok {
			return "", false
		}
		if c == nil && !s.one(e, i) {
			b.WriteString("nan " + strconv.Itoa(n))
		}
		k := key(c)
		b.Write(appendKey(nil, k))
		b.WriteByte(0)
	}
	return b.String(), true
}

// one says whether missing values of column i of the domain are one object. Pairs are made of numpy's arrays, in which each
// NaT is its own.
func (s *rowPart) one(e *ending, i int) bool {
	pair := len(s.check.columns) == 2 && !s.check.many
	return e.none(s.check.columns[i]) && !(pair && e.class(s.check.columns[i]) == isStamp)
}

// sort orders by count and value as Python compares tuples; false where it would raise: None beside a value.
func (s *rowPart) sort(e *ending, seen []counted) bool {
	ok := true
	pysort(seen, func(a, b counted) bool {
		if a.times != b.times {
			return a.times > b.times
		}
		for i := range a.row {
			c, order := s.order(e, s.check.columns[i], a.row[i], b.row[i])
			ok = ok && order != impossible
			switch {
			case c != 0:
				return c < 0
			case order == unordered:
				return false
			}
		}
		return false
	})
	return ok
}

// How two values compare.
const (
	orders     = iota
	unordered  // neither is less, and they are not equal: NaN beside anything
	impossible // Python raises a TypeError
)

func (s *rowPart) order(e *ending, column int, a, b any) (int, int) {
	if a == nil || b == nil {
		nan := !e.none(column)
		number := numericClass(e.class(column)) && nan
		switch {
		case a == nil && b == nil && nan:
			return 0, unordered
		case a == nil && b == nil:
			return 0, orders
		case number || e.class(column) == isStamp:
			return 0, unordered
		}
		return 0, impossible
	}
	c, ok := compareCells(a, b)
	if !ok {
		return 0, impossible
	}
	return c, orders
}

// compareCells orders cells as Python does; ok is false where it cannot. A missing value is not ordered with anything.
func compareCells(a, b any) (int, bool) {
	if a == nil || b == nil {
		return 0, true
	}
	if s, ok := a.(string); ok {
		t, ok := b.(string)
		return strings.Compare(s, t), ok
	}
	if s, ok := a.(stamp); ok {
		if d, ok := b.(day); ok {
			return s.time().Compare(time.Unix(int64(d)*86400, 0)), true
		}
		t, ok := b.(stamp)
		return s.time().Compare(t.time()), ok
	}
	if s, ok := a.(day); ok {
		if t, ok := b.(stamp); ok {
			return time.Unix(int64(s)*86400, 0).Compare(t.time()), true
		}
		t, ok := b.(day)
		return cmp.Compare(s, t), ok
	}
	x, xNumber := numberOf(a)
	y, yNumber := numberOf(b)
	if m, ok := a.(int64); ok && xNumber {
		if n, ok := b.(int64); ok {
			return cmp.Compare(m, n), true
		}
	}
	if math.IsNaN(x) || math.IsNaN(y) {
		return 0, true
	}
	return compareFloats(x, y), xNumber && yNumber
}
