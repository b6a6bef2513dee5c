package gx

import "slices"

// MarshalJSON writes the result as GX's ExpectationSuiteValidationResult.to_json_dict does.
func (s *SuiteResult) MarshalJSON() ([]byte, error) {
	results := make([]any, len(s.Results))
	for i := range s.Results {
		results[i] = s.Results[i].object()
	}
	var percent any
	if p, ok := s.Statistics.Percent(); ok {
		percent = p
	}
	statistics := Object{{"evaluated_expectations", s.Statistics.Evaluated}, {"successful_expectations", s.Statistics.Successful},
		{"unsuccessful_expectations", s.Statistics.Unsuccessful}, {"success_percent", percent}}
	var id any
	if s.ID != "" {
		id = s.ID
	}
	all := Object{{"success", s.Success}, {"results", results}, {"suite_name", s.SuiteName},
		{"suite_parameters", s.SuiteParameters}, {"statistics", statistics}, {"meta", s.Meta}, {"id", id}}
	return appendJSON(make([]byte, 0, jsonSize(all)), all), nil
}

// MarshalJSON writes the result of one expectation as GX does.
func (r Result) MarshalJSON() ([]byte, error) { return appendJSON(nil, r.object()), nil }

func (r *Result) object() Object {
	x := r.Expectation
	config := Object{{"type", x.Type}, {"kwargs", r.Kwargs}, {"meta", x.Meta}}
	if x.Notes != nil {
		config.Set("notes", x.Notes)
	}
	if x.Describe != "" {
		config.Set("description", x.Describe)
	}
	if x.ID != "" {
		config.Set("id", x.ID)
	}
	config.Set("severity", x.Severity)
	info := Object{{"raised_exception", false}, {"exception_traceback", nil}, {"exception_message", nil}}
	if why := r.Refusal + r.Exception; why != "" {
		info = Object{{"raised_exception", true}, {"exception_traceback", nil}, {"exception_message", why}}
	}
	return Object{{"success", r.Success != nil && *r.Success}, {"expectation_config", config}, {"result", r.Result}, {"meta", Object{}}, {"exception_info", info}}
}

// kwargsShown are kwargs as GX's models give them back: what they look at, mostly, the row condition, then the rest.
func kwargsShown(given, args Object) Object {
	out := Object{}
	for _, name := range []string{"column", "column_A", "column_B", "column_list", "mostly"} {
		if v, ok := args.Get(name); ok && !isDefault(name, v) {
			out.Set(name, v)
		}
	}
	if c, ok := given.Get("row_condition"); ok && c != nil {
		parser, _ := given.Get("condition_parser")
		out.Set("row_condition", conditionShown(c, parser))
		if parser != nil {
			out.Set("condition_parser", parser)
		}
	}
	usual := map[bool]string{true: "all_values_are_missing", false: "both_values_are_missing"}[args.Has("column_list")]
	for _, m := range args {
		if m.Name == "ignore_row_if" && m.Value == usual {
			continue
		}
		if !out.Has(m.Name) && !isDefault(m.Name, m.Value) {
			out.Set(m.Name, argumentShown(m.Value))
		}
	}
	return out
}

// defaults are what kwargs are where they are left out. GX leaves out of results what is the same.
var defaults = map[string][]any{
	"mostly": {1.0}, "strict_min": {false}, "strict_max": {false}, "match_on": {"any"}, "method": {"iqr"}, "multiplier": {1.5},
	"allow_relative_error": {false, "False"}, "bucketize_data": {true}, "exact_match": {true}, "internal_weight_holdout": {0.0}, "tail_weight_holdout": {0.0}, "regex": {"(?s).*"},
}

func isDefault(name string, v any) bool {
	switch v.(type) {
	case []any, Object:
		return false
	}
	return slices.Contains(defaults[name], v)
}

func argumentShown(v any) any {
	switch v := v.(type) {
	case date:
		return v.Format("2006-01-02")
	case clock:
		layout := "2006-01-02T15:04:05"
		if v.Nanosecond() != 0 {
			layout += ".000000"
		}
		if v.aware {
			layout += "-07:00"
		}
		return v.Format(layout)
	}
	return v
}

// conditionShown is a condition as GX keeps it: an object, whatever it was written as.
func conditionShown(c, parser any) any {
	s, ok := c.(string)
	if !ok {
		return c
	}
	if parser != "great_expectations" && parser != "great_expectations__experimental__" {
		return Object{{"pass_through_filter", s}, {"type", "pass_through"}}
	}
	n, err := legacyCondition(s)
	if err != nil {
		return s
	}
	column := Object{{"name", n.args[0].value}}
	if n.op == "notnull" {
		return Object{{"column", column}, {"is_null", false}, {"type", "nullity"}}
	}
	return Object{{"column", column}, {"operator", n.op}, {"parameter", n.args[1].value}, {"type", "comparison"}}
}
