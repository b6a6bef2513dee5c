package gx

import (
	"errors"
	"strconv"
	"strings"
)

// outcome is what an expectation came to: GX's success and result, or the reason why GX fails while it runs it.
type outcome struct {
	success bool
	result  Object
	err     error
	raised  bool // err leaves GX's validation itself
	judged  bool // err came from judging a value, not from finding it
}

func failed(err error) outcome { return outcome{result: Object{}, err: err} }

func unjudged(err error) outcome { return outcome{result: Object{}, err: err, judged: true} }

func (s *rowPart) finish(e *ending) outcome {
	if s.Error != "" {
		return failed(errors.New(s.Error))
	}
	if s.Elements < s.Considered && s.check.format.Level != BooleanOnly {
		return failed(pythonError("Invalid result values were found when trying to instantiate an ExpectationValidationResult."))
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
	if f.IndexNames != nil && !s.check.unnamed {
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
	if s.check.format.IndexNames != nil && !s.check.unnamed && !o.Has("unexpected_index_column_names") {
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
