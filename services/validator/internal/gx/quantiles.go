package gx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leathq/leat/services/validator/internal/quantile"
)

// quantileRanges is the kwarg of that name: quantiles, and for each the range it must lie in.
type quantileRanges struct {
	quantiles []float64
	asked     []any // as they were written
	low, high []float64
}

// readQuantileRanges fails where GX fails once it runs: what a quantile_ranges holds is not looked at before, not even whether a range is the
// right way round.
func readQuantileRanges(o Object) (quantileRanges, error) {
	var q quantileRanges
	qs, _ := o.Get("quantiles")
	ranges, _ := o.Get("value_ranges")
	list, ok1 := qs.([]any)
	pairs, ok2 := ranges.([]any)
	if !ok1 || !ok2 {
		return q, fmt.Errorf("quantile_ranges needs \"quantiles\" and \"value_ranges\", both lists")
	}
	if len(list) != len(pairs) {
		return q, fmt.Errorf("quantile_ranges: quantile_values and quantiles must have the same number of elements")
	}
	for i := range list {
		f, ok := toFloat(list[i])
		pair, isList := pairs[i].([]any)
		if !ok || !isList || len(pair) != 2 {
			return q, fmt.Errorf("quantile_ranges: a quantile is no number, or a range is no pair")
		}
		low, high := math.Inf(-1), math.Inf(1)
		for k, bound := range []*float64{&low, &high} {
			if pair[k] == nil {
				continue
			}
			if *bound, ok = toFloat(pair[k]); !ok {
				return q, fmt.Errorf("quantile_ranges: a bound is no number")
			}
		}
		q.quantiles, q.asked = append(q.quantiles, f), append(q.asked, f)
		q.low, q.high = append(q.low, low), append(q.high, high)
	}
	return q, nil
}

func quantilesBetween(b *builder) error {
	o, _ := b.arg("quantile_ranges").(Object)
	q, err := readQuantileRanges(o)
	if err != nil {
		return err
	}
	c, err := b.column("column")
	if err != nil {
		return err
	}
	method, err := interpolation(b.arg("allow_relative_error"))
	if err != nil {
		return err
	}
	switch b.class(c) {
	case isText:
		return pythonError("Function 'quantile' has no kernel matching input types (large_string)")
	case isObject, isStamp:
		return lateErrorf("float() argument must be a string or a real number")
	case isDay, isCategory:
		return b.noQuantiles(c, q)
	}
	for _, f := range q.quantiles {
		if !(f >= 0 && f <= 1) {
			return errors.New("percentiles should all be in the interval [0, 1]")
		}
	}
	b.item.part = b.ranks(c)
	b.item.finish = func(p part, e *ending) outcome { return q.judge(p.(*ranks), e, c, method) }
	return nil
}

func interpolation(v any) (string, error) {
	switch v {
	case nil, false, "":
		return "nearest", nil
	}
	if s, ok := v.(string); ok && slices.Contains(quantile.Methods, s) {
		return s, nil
	}
	return "", pythonError("If specified for pandas, allow_relative_error must be one of linear, lower, higher, midpoint, nearest")
}

// noQuantiles is what becomes of columns that are not of numbers: an error where there is a value to compare.
func (b *builder) noQuantiles(c int, q quantileRanges) error {
	b.item.part = b.tally(c)
	b.item.finish = func(p part, _ *ending) outcome {
		if p.(*tally).Present > 0 {
			return unjudged(errors.New("float() argument must be a string or a real number"))
		}
		values, details := make([]any, len(q.quantiles)), make([]any, len(q.quantiles))
		for i := range details {
			details[i] = false
		}
		return q.told(len(details) == 0, values, details)
	}
	return nil
}

func (q quantileRanges) told(success bool, values, details []any) outcome {
	o := told(success, Object{{"quantiles", q.asked}, {"values", values}})
	o.result.Set("details", Object{{"success_details", details}})
	return o
}

func (q quantileRanges) judge(r *ranks, e *ending, c int, method string) outcome {
	if e.class(c) == isNumber && r.state.Count() > 0 && (method == "linear" || method == "midpoint") {
		return failed(pythonError("unsupported operand type(s) for *: 'decimal.Decimal' and 'float'"))
	}
	if e.class(c) == isBool && !e.state.gaps[c] && r.state.Count() > 0 && (method == "linear" || method == "midpoint") {
		return failed(pythonError("numpy boolean subtract, the `-` operator, is not supported"))
	}
	found, err := r.state.Quantiles(q.quantiles, method)
	if err != nil {
		return failed(err)
	}
	values, details, success := make([]any, len(found)), make([]any, len(found)), true
	for i, v := range found {
		values[i] = quantileShown(e, c, v, method)
		ok := isClose(v.Float, q.low[i]) || isClose(v.Float, q.high[i]) || q.low[i] <= v.Float && v.Float <= q.high[i]
		details[i] = ok
		success = success && ok
	}
	return q.told(success, values, details)
}

// quantileShown shows a quantile in the kind that pandas has it in.
func quantileShown(e *ending, c int, v quantile.Value, method string) any {
	exactly := v.Element && !e.state.gaps[c]
	switch {
	case math.IsNaN(v.Float):
		return nil
	case e.class(c) == isBool && method != "linear" && method != "midpoint":
		return v.Float != 0
	case exactly && e.class(c) == isInt:
		return v.Int
	case exactly && e.class(c) == isUint:
		return v.Uint
	}
	return v.Float
}

// isClose is numpy's isclose with GX's tolerance.
func isClose(a, b float64) bool {
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		return a == b
	}
	return math.Abs(a-b) <= 1e-8+1e-4*math.Abs(b)
}
