// Package gx runs Great Expectations suites, unchanged, over streams of record batches.
package gx

import (
	"fmt"
	"strings"
)

// Expectation is one expectation of a suite as it was written.
type Expectation struct {
	Type     string
	Kwargs   Object
	Meta     Object
	Severity string // critical (the default), warning or info
	ID       string
	Notes    any
	Describe string
}

// Suite is a parsed suite of either generation of GX's JSON.
type Suite struct {
	Name         string
	ID           string
	Expectations []Expectation
	Parameters   Object // suite_parameters (1.x) or evaluation_parameters (0.x)
	Meta         Object
	Notes        any
}

// ParseSuite reads a suite of GX 1.x (name, type) or 0.x (expectation_suite_name, expectation_type). It refuses text that
// is no suite; whether GX would accept each expectation is found when the suite is compiled.
func ParseSuite(data []byte) (*Suite, error) {
	v, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("the suite is not JSON: %w", err)
	}
	o, ok := v.(Object)
	if !ok {
		return nil, fmt.Errorf("the suite is not a JSON object; it starts with a list or a plain value")
	}
	s := &Suite{Name: text(o, "name", "expectation_suite_name"), ID: text(o, "id", "ge_cloud_id"), Meta: object(o, "meta")}
	s.Parameters = object(o, "suite_parameters", "evaluation_parameters")
	s.Notes, _ = o.Get("notes")
	raw, ok := o.Get("expectations")
	if !ok {
		return nil, fmt.Errorf("the suite has no \"expectations\"; is this file a result or a checkpoint?")
	}
	list, ok := raw.([]any)
	if !ok {
		return nil, fmt.Errorf("the suite's \"expectations\" is not a list")
	}
	for i, e := range list {
		x, err := parseExpectation(e)
		if err != nil {
			return nil, fmt.Errorf("expectation %d of the suite %q: %w", i+1, s.Name, err)
		}
		s.Expectations = append(s.Expectations, x)
	}
	return s, nil
}

func parseExpectation(v any) (Expectation, error) {
	o, ok := v.(Object)
	if !ok {
		return Expectation{}, fmt.Errorf("it is not a JSON object")
	}
	e := Expectation{Type: text(o, "type", "expectation_type"), Kwargs: object(o, "kwargs"), Meta: object(o, "meta")}
	if e.Type == "" {
		return e, fmt.Errorf("it has no \"type\" (nor \"expectation_type\")")
	}
	e.Severity = strings.ToLower(text(o, "severity"))
	switch e.Severity {
	case "":
		e.Severity = "critical"
	case "critical", "warning", "info":
	default:
		return e, fmt.Errorf("its severity %q is none of critical, warning, info", e.Severity)
	}
	e.ID = text(o, "id", "ge_cloud_id")
	e.Notes, _ = o.Get("notes")
	e.Describe = text(o, "description")
	return e, nil
}

// text returns the first of the members that is a string, or "".
func text(o Object, names ...string) string {
	for _, n := range names {
		if v, ok := o.Get(n); ok {
			if s, ok := v.(string); ok {
				return s
			}
		}
	}
	return ""
}

// object returns the first of the members that is an object, or an empty one.
func object(o Object, names ...string) Object {
	for _, n := range names {
		if v, ok := o.Get(n); ok {
			if m, ok := v.(Object); ok {
				return m
			}
		}
	}
	return Object{}
}
