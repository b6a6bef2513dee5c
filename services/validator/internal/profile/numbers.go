package profile

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/columns"
	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// numbers is a column of numbers, or of points in time as seconds since 1970.
type numbers struct {
	whole       bool
	spread      *drift.Numbers
	least, most float64
	missing     int64
	keys        keys // of integers
}

func newNumbers(whole bool) *numbers {
	n := &numbers{whole: whole, spread: drift.NewNumbers(0), least: math.Inf(1), most: math.Inf(-1)}
	if !whole {
		n.keys.give()
	}
	return n
}

func (n *numbers) add(c *arrowio.Column) {
	floats, key := columns.Floats(c), columns.Keys(c)
	for i, f := range floats {
		if f != f {
			n.missing++
			continue
		}
		n.least, n.most = min(n.least, f), max(n.most, f)
		if n.whole {
			n.keys.add(key(i))
		}
	}
	drift.Add(n.spread, floats, presence.Mask{})
}

func (n *numbers) merge(next column) error {
	o := next.(*numbers)
	n.missing += o.missing
	n.least, n.most = min(n.least, o.least), max(n.most, o.most)
	n.keys.merge(&o.keys)
	return n.spread.Merge(o.spread)
}

func (n *numbers) describe(c *Column) {
	c.Missing, c.whole, c.Unique = n.missing, n.whole, n.keys.unique()
	if n.spread.Exact() && math.Abs(n.least) < 1<<53 && math.Abs(n.most) < 1<<53 {
		c.Distinct = int64(n.spread.Distinct())
	}
	if c.Present() == 0 {
		return
	}
	if c.Class == Time {
		c.Times = &Span{First: moment(n.least), Last: moment(n.most), Bins: binsOf(n.spread, false)}
		return
	}
	c.Numbers = spreadOf(n.spread, n.least, n.most, n.whole)
	if c.Distinct > 0 && c.Distinct <= mostValues {
		n.spread.Each(func(v float64, count uint64) bool {
			c.Values = append(c.Values, Value{Text: strconv.FormatFloat(v, 'g', -1, 64), Number: v, Count: int64(count)})
			return true
		})
		sortValues(c.Values)
	}
}

// mostValues is how many values a summary lists.
const mostValues = 50

func sortValues(vs []Value) {
	slices.SortFunc(vs, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text))
	})
}

func moment(seconds float64) time.Time {
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1000).UTC()
}

func spreadOf(s *drift.Numbers, least, most float64, whole bool) *Spread {
	out := &Spread{Min: Real(least), Max: Real(most), Mean: Real(math.NaN()), Median: Real(math.NaN()), Bins: binsOf(s, whole)}
	mean, total := 0.0, uint64(0)
	for v, n := range s.Each {
		if !math.IsInf(v, 0) {
			total += n
		}
	}
	if total == 0 {
		return out
	}
	passed := uint64(0)
	for v, n := range s.Each {
		if math.IsInf(v, 0) {
			continue
		}
		mean += v * (float64(n) / float64(total))
		if passed <= (total-1)/2 {
			out.Median = Real(v)
		}
		passed += n
	}
	out.Mean = Real(mean)
	return out
}
