package gx

import (
	"cmp"
	"errors"
	"slices"

	"github.com/leathq/leat/services/validator/internal/divergence"
)

// partition is the kwarg partition_object with the rest that the divergence is judged by.
type partition struct {
	divergence.Partition
	holdouts  divergence.Holdouts
	threshold *float64
	values    []any // of categories
	keys      []any // of those, where they are not what they look like; nil: by the values
	bins      []any // as they were written
}

func (b *builder) partition() (partition, error) {
	p := b.judged()
	o, _ := b.arg("partition_object").(Object)
	var ok1, ok2, ok3 bool
	p.Weights, ok1 = floats(o, "weights")
	p.Tails, ok2 = floats(o, "tail_weights")
	p.Bins, ok3 = floats(o, "bins")
	if raw, has := o.Get("values"); has && !o.Has("bins") {
		p.values, _ = raw.([]any)
		p.Bins, ok3 = nil, len(p.values) == len(p.Weights)
	}
	if raw, has := o.Get("bins"); has {
		p.bins, _ = raw.([]any)
	}
	if !ok1 || !ok2 || !ok3 || p.values == nil && p.Bins == nil {
		return p, pythonError("Invalid partition_object provided")
	}
	if err := divergence.Check(p.Partition, p.holdouts, p.threshold); err != nil {
		return p, late{err}
	}
	return p, nil
}

// floats reads a member that is a list of numbers; a missing one is nil.
func floats(o Object, name string) ([]float64, bool) {
	raw, has := o.Get(name)
	if !has {
		return nil, true
	}
	list, ok := raw.([]any)
	out := make([]float64, len(list))
	for i, v := range list {
		f, isNumber := toFloat(v)
		out[i], ok = f, ok && isNumber
	}
	return out, ok
}

func klLess(b *builder) error {
	c, err := b.column("column")
	if err != nil {
		return err
	}
	if _, given := b.arg("partition_object").(Object); !given {
		return b.divergenceFromSelf(c)
	}
	p, err := b.partition()
	if err != nil {
		return err
	}
	if p.Bins != nil {
		return p.continuous(b, c)
	}
	if b.class(c) == isObject {
		return errors.New("unhashable type: 'numpy.ndarray'")
	}
	b.item.part = b.tally(c)
	b.item.finish = func(t part, e *ending) outcome { return p.categories(t.(*tally), e, c) }
	return nil
}

func (p partition) continuous(b *builder, c int) error {
	if flag, given := b.arg("bucketize_data").(bool); given && !flag {
		return pythonError("KL Divergence cannot be computed with a continuous partition object and the bucketize_data parameter set to false.")
	}
	if b.class(c) == isStamp {
		return errors.New("a histogram needs a column of numbers")
	}
	if !numericClass(b.class(c)) {
		b.item.part = b.tally(c)
		b.item.finish = func(t part, _ *ending) outcome {
			if t.(*tally).Present > 0 {
				return failed(errors.New("a histogram needs a column of numbers"))
			}
			return p.histogram(divergence.Observed{Counts: make([]int64, len(p.Weights))})
		}
		return nil
	}
	b.item.part = b.ranks(c)
	b.item.finish = func(r part, _ *ending) outcome {
		s := r.(*ranks).state
		counts, below, above, err := s.Histogram(p.Bins)
		if err != nil {
			return failed(err)
		}
		return p.histogram(divergence.Observed{Counts: counts, Below: below, Above: above, Values: s.Count()})
	}
	return nil
}

func (p partition) histogram(o divergence.Observed) outcome {
	d, err := divergence.Continuous(p.Partition, p.holdouts, o)
	if err != nil {
		return unjudged(err)
	}
	side := func(weights, tails []float64) Object {
		return Object{{"bins", p.bins[d.From:d.To]}, {"weights", numbers(weights)}, {"tail_weights", numbers(tails)}}
	}
	return p.told(d, side(d.Observed, d.ObservedTails), side(d.Expected, d.ExpectedTails))
}

func numbers(fs []float64) []any {
	out := make([]any, len(fs))
	for i, f := range fs {
		out[i] = f
	}
	return out
}

func (p partition) told(d divergence.Result, observed, expected Object) outcome {
	var value any
	if d.Defined() {
		value = d.Value
	}
	o := told(d.Success(p.threshold), value)
	o.result.Set("details", Object{{"observed_partition", observed}, {"expected_partition", expected}})
	return o
}

// categories compares counts of values with the expected weights; values that were not expected follow, in their order.
func (p partition) categories(t *tally, e *ending, c int) outcome {
	counts := make([]int64, len(p.values))
	at := map[any]int{}
	for i, v := range p.values {
		at[setKey(v)] = i
	}
	for i, k := range p.keys {
		at[k] = i
	}
	shown := append([]any{}, p.values...)
	var others []int64
	all, err := t.inOrder(e.class(c))
	if err != nil {
		return failed(err)
	}
	for _, v := range all {
		if i, ok := at[setKey(v.Cell)]; ok {
			counts[i] = v.Times
			continue
		}
		others = append(others, v.Times)
		shown = append(shown, e.shown(c, v.Cell))
	}
	d := divergence.Categorical(p.Partition, p.holdouts, counts, others, t.Present)
	shown = oneKind(shown, e.dtype(c) == "float64" && t.Present > 0)
	return p.told(d, Object{{"values", shown}, {"weights", numbers(d.Observed)}}, Object{{"values", shown}, {"weights", numbers(d.Expected)}})
}

// inOrder lists the values as pandas' value_counts sorts them: categories in the order of the dictionary, which is that of first use.
func (t *tally) inOrder(c class) ([]tallied, error) {
	all, err := t.sorted()
	if c == isCategory {
		slices.SortFunc(all, func(a, b tallied) int { return cmp.Compare(a.first, b.first) })
	}
	return all, err
}

// oneKind is how an index of pandas holds labels: all floats where all are numbers and one is a float.
func oneKind(labels []any, float bool) []any {
	for _, v := range labels {
		switch v.(type) {
		case int64, uint64:
		case float64:
			float = true
		default:
			return labels
		}
	}
	if !float {
		return labels
	}
	out := make([]any, len(labels))
	for i, v := range labels {
		out[i], _ = numberOf(v)
	}
	return out
}
