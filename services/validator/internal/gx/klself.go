package gx

import (
	"math"

	"github.com/leathq/leat/services/validator/internal/divergence"
	"github.com/leathq/leat/services/validator/internal/histogram"
)

// A partition that is left out is made of the data itself, which then differs from it by the holdouts alone.

// unbinned is why GX makes no bins: its metric fails, and the failure leaves the validation.
var errUnbinned = pythonError("KeyError: column.partition: bins follow from numbers alone")

func (b *builder) divergenceFromSelf(c int) error {
	p := b.judged()
	if flag, given := b.arg("bucketize_data").(bool); given && !flag {
		return p.valuesOfSelf(b, c)
	}
	k := b.class(c)
	if k == isText {
		return raise{errUnbinned}
	}
	if numericClass(k) {
		b.item.part = b.ranks(c)
		b.item.finish = func(r part, _ *ending) outcome { return p.binsOfSelf(r.(*ranks)) }
		return nil
	}
	b.item.part = b.tally(c)
	b.item.finish = func(t part, _ *ending) outcome {
		some := t.(*tally).Present > 0
		switch {
		case k == isStamp && some:
			return failed(pythonError("'>' not supported between instances of 'Timedelta' and 'int'"))
		case k == isCategory && !some:
			return failed(pythonError("Unordered Categoricals can only compare equality or not"))
		case some || k == isStamp:
			return outcome{result: Object{}, err: errUnbinned, raised: true}
		}
		return p.nothingOfSelf()
	}
	return nil
}

// judged is a partition of which only the rules are known.
func (b *builder) judged() partition {
	var p partition
	p.holdouts.Tail, _ = b.arg("tail_weight_holdout").(float64)
	p.holdouts.Internal, _ = b.arg("internal_weight_holdout").(float64)
	if t, ok := b.arg("threshold").(float64); ok {
		p.threshold = &t
	}
	return p
}

// binsOfSelf compares numbers with their own histogram over GX's bins "auto".
func (p partition) binsOfSelf(r *ranks) outcome {
	s := r.state
	if s.Count() == 0 {
		return p.nothingOfSelf()
	}
	q, err := s.Quantiles([]float64{0, 0.25, 0.75, 1}, "nearest")
	if err != nil {
		return failed(err)
	}
	box := histogram.Box{Min: q[0].Float, Low: q[1].Float, High: q[2].Float, Max: q[3].Float, Values: s.Count()}
	if p.Bins, err = histogram.AutoEdges(box); err != nil {
		return failed(err)
	}
	if box.Min >= box.Max {
		return unjudged(divergence.ErrPartition) // bins without a width
	}
	counts, below, above, err := s.Histogram(p.Bins)
	if err != nil {
		return failed(err)
	}
	within := 0.0
	for _, n := range counts {
		w := float64(n) / float64(s.Count())
		p.Weights = append(p.Weights, w)
		within += w
	}
	p.Tails = []float64{(1 - within) / 2, (1 - within) / 2}
	if err := divergence.Check(p.Partition, p.holdouts, p.threshold); err != nil {
		return unjudged(err)
	}
	p.bins = numbers(p.Bins)
	return p.histogram(divergence.Observed{Counts: counts, Below: below, Above: above, Values: s.Count()})
}

// nothingOfSelf is what GX makes of no values: one edge that is no number, and halves for tails.
func (p partition) nothingOfSelf() outcome {
	empty := divergence.Partition{Bins: []float64{0, 1}, Weights: []float64{0}, Tails: []float64{0.5, 0.5}}
	if err := divergence.Check(empty, p.holdouts, p.threshold); err != nil {
		return unjudged(err)
	}
	side := func(tail any) Object {
		return Object{{"bins", []any{nil}}, {"weights", []any{}}, {"tail_weights", []any{tail, tail}}}
	}
	return p.told(divergence.Result{Value: math.NaN()}, side(nil), side(0.5))
}

// valuesOfSelf compares values with their own shares.
func (p partition) valuesOfSelf(b *builder, c int) error {
	b.item.part = b.tally(c)
	b.item.finish = func(part part, e *ending) outcome {
		t := part.(*tally)
		if t.Present == 0 {
			return unjudged(divergence.ErrPartition)
		}
		if e.class(c) == isObject {
			return failed(pythonError("unhashable type: 'numpy.ndarray'"))
		}
		all, err := t.inOrder(e.class(c))
		if err != nil {
			return failed(err)
		}
		for _, v := range all {
			p.values = append(p.values, e.shown(c, v.Cell))
			p.keys = append(p.keys, setKey(v.Cell))
			p.Weights = append(p.Weights, float64(v.Times)/float64(t.Present))
		}
		if err := divergence.Check(p.Partition, p.holdouts, p.threshold); err != nil {
			return unjudged(err)
		}
		return p.categories(t, e, c)
	}
	return nil
}
