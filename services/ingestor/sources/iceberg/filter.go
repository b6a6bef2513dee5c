package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/iceberg-go"
)

// condition is `{column, op, value}`. Values are written as JSON has them: dates and times as text.
type condition struct {
	Column string `json:"column"`
	Op     string `json:"op"`
	Value  any    `json:"value"`
}

var comparisons = map[string]iceberg.Operation{
	"=": iceberg.OpEQ, "!=": iceberg.OpNEQ, "<": iceberg.OpLT, "<=": iceberg.OpLTEQ, ">": iceberg.OpGT, ">=": iceberg.OpGTEQ,
	"starts with": iceberg.OpStartsWith, "not starts with": iceberg.OpNotStartsWith,
}

var memberships = map[string]iceberg.Operation{"in": iceberg.OpIn, "not in": iceberg.OpNotIn}

// expression is that all conditions hold. Nulls meet no comparison.
func expression(conditions []condition) (out iceberg.BooleanExpression, err error) {
	out = iceberg.AlwaysTrue{}
	for i, c := range conditions {
		e, err := c.expression()
		if err != nil {
			return nil, fmt.Errorf("filter[%d]: %w", i, err)
		}
		out = iceberg.NewAnd(out, e)
	}
	return out, nil
}

func (c condition) expression() (iceberg.BooleanExpression, error) {
	if c.Column == "" {
		return nil, errors.New("column: must name one")
	}
	column := iceberg.Reference(c.Column)
	if c.Op == "is null" || c.Op == "is not null" {
		if c.Value != nil {
			return nil, fmt.Errorf("%s takes no value", c.Op)
		}
		if c.Op == "is null" {
			return iceberg.IsNull(column), nil
		}
		return iceberg.NotNull(column), nil
	}
	if op, ok := comparisons[c.Op]; ok {
		lit, err := literal(c.Value)
		if err != nil {
			return nil, err
		}
		return iceberg.LiteralPredicate(op, column, lit), nil
	}
	op, ok := memberships[c.Op]
	if !ok {
		return nil, fmt.Errorf("op: there is no %q; known are =, !=, <, <=, >, >=, in, not in, is null, is not null, starts with, not starts with", c.Op)
	}
	values, ok := c.Value.([]any)
	if !ok || len(values) == 0 {
		return nil, fmt.Errorf("value: %s needs a list with at least one value", c.Op)
	}
	lits := make([]iceberg.Literal, len(values))
	for i, v := range values {
		lit, err := literal(v)
		if err != nil {
			return nil, err
		}
		lits[i] = lit
	}
	return iceberg.SetPredicate(op, column, lits), nil
}

// literal takes a value; the column's type is given to it when the filter meets the schema.
func literal(v any) (iceberg.Literal, error) {
	switch v := v.(type) {
	case string:
		return iceberg.NewLiteral(v), nil
	case bool:
		return iceberg.NewLiteral(v), nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return iceberg.NewLiteral(n), nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("value: %s is no number that a column can hold", v)
		}
		return iceberg.NewLiteral(f), nil
	}
	return nil, fmt.Errorf("value: must be a text, a number, true or false, not %v", v)
}

// UnmarshalJSON implements json.Unmarshaler: whole numbers keep all their digits, and an unknown key is refused.
func (c *condition) UnmarshalJSON(raw []byte) error {
	type plain condition
	return strictly(raw, (*plain)(c))
}
