package gx

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Refusal says that GX would not build an expectation from what was written, and why.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

func refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// common are the kwargs that every expectation takes and that change nothing of what it looks for.
var common = []string{"id", "meta", "notes", "description", "result_format", "catch_exceptions", "batch_id", "rendered_content", "windows", "severity"}

// check holds the kwargs of an expectation against its entry of the catalog and returns them as GX's models coerce them:
// numbers where numbers are wanted though text was written, and so on. An error is a *Refusal.
func (e entry) check(kwargs Object) (Object, error) {
	out := Object{}
	known := append([]string{}, common...)
	for _, a := range e.arguments {
		known = append(known, a.name)
		v, there := kwargs.Get(a.name)
		if !there || v == nil && !a.required && a.takes != aWord {
			if a.required {
				return nil, refuse("%s: field required", a.name)
			}
			continue
		}
		c, err := a.coerce(v)
		if err != nil {
			return nil, err
		}
		out.Set(a.name, c)
	}
	if e.mostly {
		known = append(known, "mostly")
	}
	if e.condition {
		known = append(known, "row_condition", "condition_parser")
	}
	for _, m := range kwargs {
		if !slices.Contains(known, m.Name) {
			return nil, refuse("%s: extra fields not permitted; known are %s", m.Name, strings.Join(known[len(common):], ", "))
		}
	}
	if v, given := kwargs.Get("catch_exceptions"); given {
		if _, ok := toBool(v); !ok {
			return nil, refuse("catch_exceptions: value could not be parsed to a boolean: %s", appendJSON(nil, v))
		}
	}
	if e.family == ofTable && e.condition {
		low, isLow := mustGet(out, "min_value").(int64)
		high, isHigh := mustGet(out, "max_value").(int64)
		if isLow && isHigh && low > high {
			return nil, refuse("min_value (%d) must be less than or equal to max_value (%d)", low, high)
		}
	}
	return out, mostly(kwargs, &out)
}

func mustGet(o Object, name string) any {
	v, _ := o.Get(name)
	return v
}

func mostly(kwargs Object, out *Object) error {
	v, ok := kwargs.Get("mostly")
	if !ok {
		return nil
	}
	f, ok := toFloat(v)
	if !ok || !(f >= 0 && f <= 1) {
		return refuse("mostly: ensure this value is from 0.0 to 1.0, not %s", appendJSON(nil, v))
	}
	out.Set("mostly", f)
	return nil
}

func (a argument) coerce(v any) (any, error) {
	switch a.takes {
	case aNumber, aPositive, aShare:
		return a.number(v)
	case aWhole:
		if n, ok := toInt(v); ok {
			return n, nil
		}
		return nil, a.not(v, "a valid integer")
	case aBound, aCountBound:
		return a.bound(v)
	case aFlag:
		if b, ok := toBool(v); ok {
			return b, nil
		}
		return nil, a.not(v, "a valid boolean")
	case aStrictText:
		if s, ok := v.(string); ok {
			return s, nil
		}
		return nil, a.not(v, "a string")
	case aText:
		return a.text(v)
	case aTexts:
		return a.texts(v)
	case aList, aPairs:
		return a.list(v)
	case aWord:
		if s, ok := v.(string); ok && slices.Contains(a.allowed, s) {
			return s, nil
		}
		return nil, a.not(v, "one of "+strings.Join(a.allowed, ", "))
	}
	if o, ok := v.(Object); ok {
		return o, nil
	}
	return nil, a.not(v, "an object")
}

func (a argument) not(v any, what string) error {
	return refuse("%s: value is not %s: %s", a.name, what, appendJSON(nil, v))
}

func (a argument) number(v any) (any, error) {
	f, ok := toFloat(v)
	switch {
	case !ok:
		return nil, a.not(v, "a valid float")
	case a.takes == aPositive && !(f > 0):
		return nil, a.not(v, "greater than 0")
	case a.takes == aShare && !(f >= 0 && f <= 1):
		return nil, a.not(v, "from 0 to 1")
	}
	return f, nil
}

// bound is a number (a count where counts are bounded), else a date, else a date with a time.
func (a argument) bound(v any) (any, error) {
	if a.takes == aCountBound {
		if n, ok := toInt(v); ok {
			return n, nil
		}
	} else if f, ok := toFloat(v); ok {
		return f, nil
	}
	if s, ok := v.(string); ok {
		if s == "" && a.takes == aBound {
			return Object{}, nil // pydantic makes an empty object of it, which nothing compares with
		}
		if d, ok := pydate(s); ok && a.takes == aBound {
			return d, nil
		}
		if t, ok := pydatetime(s); ok {
			return t, nil
		}
	}
	return nil, a.not(v, "a valid number, date or datetime")
}

func (a argument) text(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return Repr(v), nil
	case bool:
		if a.name == "allow_relative_error" {
			return v, nil
		}
		if v {
			return "True", nil
		}
		return "False", nil
	}
	return nil, a.not(v, "text")
}

func (a argument) texts(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, a.not(v, "a list")
	}
	out := make([]any, len(list))
	for i, x := range list {
		s, err := a.text(x)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	switch {
	case len(out) == 0 && (strings.HasSuffix(a.name, "regex_list") || strings.HasSuffix(a.name, "pattern_list")):
		return nil, refuse("%s must not be empty", a.name)
	case len(out) < 2 && a.name == "column_list":
		return nil, refuse("column_list must contain at least two columns")
	}
	return out, nil
}

func (a argument) list(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, a.not(v, "a list")
	}
	if a.takes != aPairs {
		return list, nil
	}
	for _, p := range list {
		if pair, ok := p.([]any); !ok || len(pair) != 2 {
			return nil, a.not(p, "a pair")
		}
	}
	return list, nil
}
