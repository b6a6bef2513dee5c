package gx

import (
	"slices"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/dateutil"
)

func distinctInSet(b *builder) error {
	if len(b.list("value_set")) == 0 {
		return refuse("value_set must be a non-empty set-like object")
	}
	return againstSet(b, true, false)
}

func distinctContainSet(b *builder) error { return againstSet(b, false, true) }
func distinctEqualSet(b *builder) error   { return againstSet(b, true, true) }

// againstSet compares the distinct values of a column with a set: those that are not in it, those of it that are missing.
func againstSet(b *builder, unexpected, missing bool) error {
	values := b.list("value_set")
	partial := b.item.format.partial() > 0
	c, err := b.column("column")
	if err != nil {
		return err
	}
	t, now := b.plan.schema.Fields[c].Type, b.plan.options.now()
	if err := b.tallied(nil); err != nil {
		return err
	}
	b.item.finish = func(p part, e *ending) outcome {
		asked := values
		if !e.state.gaps[c] { // with gaps pandas has floats, which large integers are not equal to
			asked = make([]any, len(values))
			for i, v := range values {
				asked[i] = word64(v)
			}
		}
		d, err := compareSets(p.(*tally), asked, t, now)
		if err != nil {
			return failed(err)
		}
		o := outcome{success: true, result: Object{{"observed_value", nil}}}
		if unexpected {
			o.success = d.outside == 0
			o.result.Set("unexpected_count", d.outside)
		}
		if missing {
			o.success = o.success && len(d.missing) == 0
			o.result.Set("missing_count", len(d.missing))
		}
		if unexpected && partial {
			o.result.Set("partial_unexpected_list", d.list(d.unexpected, e, c))
		}
		if missing && partial {
			o.result.Set("partial_missing_list", d.asked())
		}
		return o
	}
	return nil
}

// difference is what two sets do not share.
type difference struct {
	outside    int64 // values that are not in the set
	unexpected []any // the least of them
	missing    []any
}

func (difference) list(values []any, e *ending, column int) []any {
	out := []any{}
	for _, v := range values[:min(len(values), mostDistinct)] {
		out = append(out, e.shown(column, v))
	}
	return out
}

// asked lists missing values as they were written; numbers in their order, since Python's sets have small ones so.
func (d difference) asked() []any {
	out := []any{}
	for _, v := range d.missing {
		out = append(out, shown(v, false))
	}
	numbers := true
	for _, v := range out {
		_, ok := v.(int64)
		numbers = numbers && ok
	}
	if numbers {
		out = sortedTexts(out)
	}
	return out[:min(len(out), mostDistinct)]
}

func compareSets(t *tally, values []any, ty arrowio.Type, now time.Time) (difference, error) {
	var d difference
	want, seen := map[any]any{}, map[any]bool{}
	var order []any
	for _, v := range values {
		v = coerced(v, ty, t.Present > 0, now)
		if k := setKey(v); want[k] == nil {
			want[k] = v
			order = append(order, v)
		}
	}
	err := t.each(func(v tallied) {
		k := setKey(v.Cell)
		if want[k] != nil {
			seen[k] = true
			return
		}
		d.outside++
		d.unexpected = keepLeast(d.unexpected, v.Cell)
	})
	for _, v := range order {
		if !seen[setKey(v)] {
			d.missing = append(d.missing, v)
		}
	}
	return d, err
}

// keepLeast adds a value to a sorted list of the least ones.
func keepLeast(list []any, v any) []any {
	at, _ := slices.BinarySearchFunc(list, v, func(a, b any) int { c, _ := compareCells(a, b); return c })
	if at >= mostDistinct {
		return list
	}
	list = slices.Insert(list, at, v)
	return list[:min(len(list), mostDistinct)]
}

// setKey tells texts from numbers, as Python's sets do.
func setKey(v any) any {
	if s, ok := v.(string); ok {
		return "s" + s
	}
	return key(v)
}

// coerced makes a date or a point in time of a text where the column holds such.
func coerced(v any, t arrowio.Type, any bool, now time.Time) any {
	s, ok := v.(string)
	if k := classOf(t); !ok || !any || k != isDay && k != isStamp {
		return v
	}
	if at, aware, ok := instant(s); ok && classOf(t) == isStamp {
		return stamp{At: at.UnixMicro(), Unit: arrowio.Micro, Zone: map[bool]string{true: "UTC"}[aware]}
	}
	at, err := dateutil.Parse(s, now)
	if err != nil {
		return v
	}
	if classOf(t) == isDay {
		return day(at.Unix() / 86400)
	}
	return stamp{At: at.UnixMicro(), Unit: arrowio.Micro}
}

func mostCommonInSet(b *builder) error {
	values := b.list("value_set")
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if err := b.tallied(nil); err != nil {
		return err
	}
	ties := b.flag("ties_okay")
	b.item.finish = func(p part, e *ending) outcome {
		modes, err := p.(*tally).modes()
		if err != nil {
			return failed(err)
		}
		shared := map[any]bool{}
		for _, v := range values {
			for _, m := range modes {
				if setKey(v) == setKey(m) {
					shared[setKey(v)] = true
				}
			}
		}
		shown := make([]any, len(modes))
		for i, m := range modes {
			shown[i] = e.element(c, m)
		}
		return told(len(shared) > 0 && (ties || len(modes) == 1 && len(shared) == 1), shown)
	}
	return nil
}
