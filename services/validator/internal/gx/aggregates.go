package gx

import (
	"errors"
	"fmt"
	"math"
)

// without a value: pandas' NaT, which a result shows by name and which no bound holds for.
const notATime = "NaT"

func minBetween(b *builder) error { return extreme(b, func(x *extremes) any { return x.Low }) }
func maxBetween(b *builder) error { return extreme(b, func(x *extremes) any { return x.High }) }

func extreme(b *builder, pick func(*extremes) any) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if k := b.class(c); k == isCategory {
		return pythonError("Categorical is not ordered for operation min")
	}
	l := b.limits()
	b.item.part = b.extremes(c)
	b.item.finish = func(p part, e *ending) outcome { return l.observe(e, c, pick(p.(*extremes))) }
	return nil
}

// observe holds a value of a column against the bounds and shows it as pandas has it.
func (l limits) observe(e *ending, column int, v any) outcome {
	if v == nil && e.class(column) == isStamp {
		return l.noTime()
	}
	if v == nil {
		return told(false, nil)
	}
	v, err := l.read(v, e.plan.options.now())
	if err != nil {
		return unjudged(err)
	}
	ok, err := l.holdWhole(v)
	if err != nil {
		return unjudged(err)
	}
	return told(ok, e.shown(column, v))
}

// noTime compares NaT, which is neither above nor below anything, but is no number either.
func (l limits) noTime() outcome {
	for _, bound := range []any{l.low, l.high} {
		if _, day := bound.(date); day {
			return unjudged(pythonError("Cannot compare NaT with datetime.date object"))
		}
		if _, number := bound.(float64); number {
			return unjudged(pythonError("'>=' not supported between instances of 'NaTType' and 'float'"))
		}
	}
	return told(l.low == nil && l.high == nil, notATime)
}

// number holds a number against the bounds; NaN is no value.
func (l limits) number(f float64, shown any) outcome {
	if math.IsNaN(f) {
		return told(false, nil)
	}
	ok, err := l.holdWhole(f)
	if err != nil {
		return unjudged(err)
	}
	return told(ok, shown)
}

// reduction says what pandas does for a mean, median, sum or deviation of a column that is not one of plain numbers: nil
// where it calculates.
func (b *builder) reduction(c int, what string) error {
	switch b.class(c) {
	case isText:
		return fmt.Errorf("Cannot perform reduction '%s' with string dtype", what)
	case isCategory:
		return fmt.Errorf("'Categorical' with dtype category does not support operation '%s'", what)
	}
	return nil
}

func meanBetween(b *builder) error {
	return total(b, "mean", func(t *totals) float64 { return t.state.Mean() })
}

func stdevBetween(b *builder) error {
	return total(b, "std", func(t *totals) float64 { return t.state.Deviation() })
}

// total is a mean or a deviation.
func total(b *builder, what string, pick func(*totals) float64) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if err := b.reduction(c, what); err != nil {
		return err
	}
	l := b.limits()
	if b.class(c) == isDay || b.class(c) == isObject {
		return b.days(c, l, func(int64) outcome { return told(false, nil) })
	}
	b.item.part = b.totals(c)
	b.item.finish = func(p part, e *ending) outcome {
		t := p.(*totals)
		if err := mixedDecimals(e, c, t); err != nil {
			return failed(err)
		}
		if e.class(c) != isStamp {
			f := pick(t)
			return l.number(f, floatShown(e, c, f))
		}
		if what == "std" {
			return unjudged(pythonError("'>=' not supported between instances of 'Timedelta' and 'float'"))
		}
		return l.observe(e, c, e.moment(c, pick(t), t.state.Count()))
	}
	return nil
}

// moment is a mean or median of a column of points in time as one; nil where there were none.
func (e *ending) moment(column int, at float64, count int64) any {
	if count == 0 {
		return nil
	}
	t := e.plan.schema.Fields[column].Type
	return stamp{At: int64(at), Unit: t.Unit, Zone: t.Zone}
}

// floatShown prints results of float32 columns as GX does.
func floatShown(e *ending, column int, f float64) any {
	if e.dtype(column) == "float32" {
		return round15(f)
	}
	return f
}

// mixedDecimals is GX's failure to make floats of a column of decimals that has a missing value.
func mixedDecimals(e *ending, column int, t *totals) error {
	if e.class(column) == isNumber && t.state.Count() > 0 && t.state.Count() < t.state.Rows() {
		return errors.New("float() argument must be a string or a real number, not 'NoneType'")
	}
	return nil
}

// days is what becomes of Python dates, which add up to nothing: an error where there is one, else what empty says.
func (b *builder) days(c int, _ limits, empty func(rows int64) outcome) error {
	b.item.part = b.tally(c)
	b.item.finish = func(p part, _ *ending) outcome {
		t := p.(*tally)
		if t.Present > 0 {
			return failed(pythonError("Could not convert datetime.date to numeric"))
		}
		return empty(t.Elements)
	}
	return nil
}

func sumBetween(b *builder) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	l := b.limits()
	switch b.class(c) {
	case isText:
		return b.sumOfTexts(c, l)
	case isStamp:
		return pythonError("'DatetimeArray' does not support operation 'sum'")
	case isDay, isObject:
		return b.days(c, l, func(int64) outcome { return l.judge(int64(0)) })
	}
	if err := b.reduction(c, "sum"); err != nil {
		return err
	}
	b.item.part = b.totals(c)
	b.item.finish = func(p part, e *ending) outcome {
		t := p.(*totals)
		if err := mixedDecimals(e, c, t); err != nil {
			return failed(err)
		}
		if e.class(c) == isNumber && t.state.Count() == 0 {
			return l.judge(int64(0))
		}
		return l.sum(e, c, t.state.Sum().Value())
	}
	return nil
}

// sum shows a sum in the kind that pandas has it in: a float as soon as the column has a gap anywhere.
func (l limits) sum(e *ending, c int, v any) outcome {
	switch n := v.(type) {
	case float32:
		return l.number(float64(n), round15(float64(n)))
	case int64:
		if e.dtype(c) == "float64" {
			v = float64(n)
		}
	case uint64:
		if e.dtype(c) == "float64" {
			v = float64(n)
		}
	}
	f, _ := numberOf(v)
	return l.number(f, v)
}

func medianBetween(b *builder) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if err := b.reduction(c, "median"); err != nil {
		return err
	}
	l := b.limits()
	if b.class(c) == isDay || b.class(c) == isObject {
		return b.days(c, l, func(int64) outcome { return told(false, nil) })
	}
	b.item.part = b.ranks(c)
	b.item.finish = func(p part, e *ending) outcome {
		r := p.(*ranks)
		f, err := r.state.Median()
		if err != nil {
			return failed(err)
		}
		if e.class(c) == isStamp {
			return l.observe(e, c, e.moment(c, f, r.state.Count()))
		}
		return l.number(f, floatShown(e, c, f))
	}
	return nil
}
