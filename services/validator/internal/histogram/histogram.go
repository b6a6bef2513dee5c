// Package histogram counts a column's values in bins that are known beforehand, and computes the bins that Great Expectations makes by itself.
//
// Bins that follow from the data need its quantiles first: package quantile keeps the values and counts them then.
package histogram

import (
	"fmt"
	"math"
	"slices"

	"github.com/leathq/leat/services/validator/internal/codec"
	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/quantile"
)

// Counter counts values between fixed edges as numpy.histogram does: bin i holds edges[i] ≤ v < edges[i+1], the last bin its upper edge too. Sums of counts do not depend on order. Not for concurrent use.
type Counter struct {
	edges        []float64
	counts       []int64
	below, above int64
	values       int64
}

// New returns a counter. edges increase strictly and are at least two; they may be infinite.
func New(edges []float64) (*Counter, error) {
	if err := quantile.CheckEdges(edges); err != nil {
		return nil, err
	}
	return &Counter{edges: slices.Clone(edges), counts: make([]int64, len(edges)-1)}, nil
}

// Add counts the rows that hold a value; NaN is none.
func Add[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64](c *Counter, values []T, there presence.Mask) {
	for i, v := range values {
		if x := float64(v); x == x && there.Has(i) {
			c.put(x)
		}
	}
}

func (c *Counter) put(x float64) {
	c.values++
	last := len(c.edges) - 1
	switch {
	case x < c.edges[0]:
		c.below++
	case x > c.edges[last]:
		c.above++
	case x == c.edges[last]:
		c.counts[last-1]++
	default:
		at, found := slices.BinarySearch(c.edges, x)
		if !found {
			at--
		}
		c.counts[at]++
	}
}

// Counts returns how many values lie in each bin, below the first edge and above the last. The slice is the counter's.
func (c *Counter) Counts() (counts []int64, below, above int64) { return c.counts, c.below, c.above }

// Values returns how many values were counted.
func (c *Counter) Values() int64 { return c.values }

// Merge adds the counts of next, which has the same edges.
func (c *Counter) Merge(next *Counter) error {
	if !slices.Equal(c.edges, next.edges) {
		return fmt.Errorf("merge histograms: their edges differ: %v and %v", c.edges, next.edges)
	}
	for i, n := range next.counts {
		c.counts[i] += n
	}
	c.below, c.above, c.values = c.below+next.below, c.above+next.above, c.values+next.values
	return nil
}

const (
	wireName    = "HIST"
	wireVersion = 1
)

// MarshalBinary returns the counter's bytes.
func (c *Counter) MarshalBinary() ([]byte, error) {
	var out codec.Append
	out.Header(wireName, wireVersion)
	out.Uint(uint64(len(c.edges)))
	for _, e := range c.edges {
		out.Float(e)
	}
	for _, n := range c.counts {
		out.Uint(uint64(n))
	}
	out.Uint(uint64(c.below))
	out.Uint(uint64(c.above))
	return out, nil
}

// UnmarshalBinary reads what MarshalBinary wrote, and refuses damaged bytes with an error that says where; c then is as it was.
func (c *Counter) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(wireName, wireVersion)
	var n Counter
	for range r.Count(8) {
		n.edges = append(n.edges, r.Float())
	}
	if err := quantile.CheckEdges(n.edges); err != nil {
		r.Fail("%v", err)
	}
	for range max(len(n.edges)-1, 0) {
		n.counts = append(n.counts, n.take(r))
	}
	n.below = n.take(r)
	n.above = n.take(r)
	if err := r.Done(); err != nil {
		return fmt.Errorf("read a histogram: %w", err)
	}
	*c = n
	return nil
}

func (c *Counter) take(r *codec.Reader) int64 {
	n := r.Uint()
	if n > 1<<60 || c.values > 1<<60 {
		r.Fail("a count of %d cannot be", n)
		return 0
	}
	c.values += int64(n)
	return int64(n)
}

// Box is what AutoEdges needs: the quantiles 0, 0.25, 0.75 and 1 by the method "nearest", and how many values there are.
type Box struct {
	Min, Low, High, Max float64
	Values              int64
}

// Most bounds the bins that AutoEdges makes: numpy would run out of memory at some number.
const Most = 1 << 24

// AutoEdges returns the edges of Great Expectations' bins "auto": as many as the larger of Sturges' rule and Freedman and Diaconis', Sturges' alone where the quartiles are the same.
func AutoEdges(b Box) ([]float64, error) {
	sturges := math.Ceil(math.Log2(float64(b.Values) + 1))
	bins := sturges
	if iqr := b.High - b.Low; !(iqr < 1e-10) {
		width := 2 * iqr / math.Pow(float64(b.Values), 1.0/3)
		bins = max(sturges, math.Ceil((b.Max-b.Min)/width))
	}
	if b.Values == 0 || math.IsNaN(bins) || math.IsInf(bins, 0) {
		return nil, fmt.Errorf("no bins follow from %d values between %v and %v with quartiles %v and %v", b.Values, b.Min, b.Max, b.Low, b.High)
	}
	if bins > Most {
		return nil, fmt.Errorf("%.0f bins would follow from the data, more than %d: give a partition", bins, Most)
	}
	return Linear(b.Min, b.Max, int(bins)), nil
}

// Linear returns n+1 edges from low to high as numpy.linspace does.
func Linear(low, high float64, n int) []float64 {
	edges := make([]float64, n+1)
	delta := high - low
	step := delta / float64(n)
	for i := range edges {
		x := float64(i) * step
		if step == 0 {
			x = float64(i) / float64(n) * delta
		}
		edges[i] = float64(x) + low
	}
	if n > 0 {
		edges[n] = high
	}
	return edges
}
