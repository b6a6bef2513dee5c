package gx

import "fmt"

// Level is how much a result tells.
type Level string

// The four levels of GX.
const (
	BooleanOnly Level = "BOOLEAN_ONLY"
	Basic       Level = "BASIC"
	Summary     Level = "SUMMARY"
	Complete    Level = "COMPLETE"
)

// GX's own bounds of what a result lists.
const (
	mostRecords  = 200
	mostDistinct = 20
)

// ResultFormat is GX's result_format, in the dict form. The zero value is BASIC with GX's defaults.
type ResultFormat struct {
	Level       Level
	Partial     int      // partial_unexpected_count; below zero: GX's default of 20
	IndexNames  []string // unexpected_index_column_names
	IncludeRows bool     // include_unexpected_rows
	NoValues    bool     // exclude_unexpected_values
	Query       *bool    // return_unexpected_index_query
}

// ParseResultFormat reads a result_format as it stands in a suite or on a command line: a level, or the dict form.
func ParseResultFormat(v any) (ResultFormat, error) {
	f := ResultFormat{Level: Basic, Partial: -1}
	switch v := v.(type) {
	case nil:
		return f, nil
	case string:
		return f, f.level(v)
	case Object:
		if l, ok := v.Get("result_format"); ok {
			if err := f.level(fmt.Sprint(l)); err != nil {
				return f, err
			}
		}
		return f, f.dict(v)
	}
	return f, fmt.Errorf("the result format is neither a name nor an object")
}

// ReadResultFormat is ParseResultFormat of JSON.
func ReadResultFormat(data []byte) (ResultFormat, error) {
	v, err := decode(data)
	if err != nil {
		return ResultFormat{}, fmt.Errorf("the result format: %w", err)
	}
	return ParseResultFormat(v)
}

func (f *ResultFormat) level(name string) error {
	switch l := Level(name); l {
	case BooleanOnly, Basic, Summary, Complete:
		f.Level = l
		return nil
	}
	return fmt.Errorf("the result format %q is none of BOOLEAN_ONLY, BASIC, SUMMARY, COMPLETE", name)
}

func (f *ResultFormat) dict(o Object) error {
	for _, m := range o {
		ok := true
		switch m.Name {
		case "result_format":
		case "partial_unexpected_count":
			var n int64
			n, ok = toInt(m.Value)
			f.Partial = int(max(n, 0))
		case "include_unexpected_rows":
			f.IncludeRows, ok = toBool(m.Value)
		case "exclude_unexpected_values":
			f.NoValues, ok = toBool(m.Value)
		case "return_unexpected_index_query":
			var q bool
			q, ok = toBool(m.Value)
			f.Query = &q
		case "unexpected_index_column_names":
			f.IndexNames, ok = names(m.Value)
		default:
			return fmt.Errorf("the result format has an unknown member %q", m.Name)
		}
		if !ok {
			return fmt.Errorf("the result format's %q has the wrong type", m.Name)
		}
	}
	return nil
}

func names(v any) ([]string, bool) {
	if s, ok := v.(string); ok {
		return []string{s}, true
	}
	list, ok := v.([]any)
	out := make([]string, 0, len(list))
	for _, x := range list {
		s, isText := x.(string)
		ok = ok && isText
		out = append(out, s)
	}
	return out, ok
}

func (f ResultFormat) partial() int {
	if f.Partial < 0 {
		return 20
	}
	return f.Partial
}

// values is how many unexpected values a state keeps.
func (f ResultFormat) values() int {
	if f.Level == Complete {
		return mostRecords
	}
	return min(f.partial(), mostRecords)
}

// wantsQuery says whether the result has unexpected_index_query.
func (f ResultFormat) wantsQuery() bool {
	if f.Query != nil {
		return *f.Query
	}
	return f.Level == Complete
}

// indexes is how many numbers of unexpected rows a state keeps; below zero: all, as COMPLETE and the query need.
func (f ResultFormat) indexes() int {
	if f.Level == Complete || f.wantsQuery() || f.Level == Summary && f.NoValues && len(f.IndexNames) > 0 {
		return -1 // GX cuts the list of rows, which then is one object with lists of all rows
	}
	if f.Level == Summary {
		return f.partial()
	}
	return 0
}

// ReadParameters reads values of parameters from a JSON object of names and values.
func ReadParameters(data []byte) (map[string]any, error) {
	v, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("the parameters: %w", err)
	}
	o, ok := v.(Object)
	if !ok {
		return nil, fmt.Errorf("the parameters are no JSON object of names and values")
	}
	out := make(map[string]any, len(o))
	for _, m := range o {
		out[m.Name] = m.Value
	}
	return out, nil
}
