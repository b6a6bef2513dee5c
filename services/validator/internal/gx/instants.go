package gx

import (
	"math"
	"math/big"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// instants are the bounds as numbers of a timestamp column's unit, both included; ok is false for other columns and bounds, and for bounds that Python would not compare
// with the column's values. Where low is above high nothing is inside.
func (l limits) instants(t arrowio.Type) (low, high int64, ok bool) {
	if t.Kind != arrowio.Timestamp {
		return 0, 0, false
	}
	low, high = math.MinInt64, math.MaxInt64
	if l.low != nil {
		at, alike := l.low.(clock)
		if !alike || at.aware != (t.Zone != "") {
			return 0, 0, false
		}
		whole, rest := ticks(at.Time, t.Unit)
		if rest || l.strictLow {
			whole.Add(whole, big.NewInt(1))
		}
		if low, ok = fit(whole); !ok && whole.Sign() > 0 {
			return 1, 0, true
		}
	}
	if l.high != nil {
		at, alike := l.high.(clock)
		if !alike || at.aware != (t.Zone != "") {
			return 0, 0, false
		}
		whole, rest := ticks(at.Time, t.Unit)
		if !rest && l.strictHigh {
			whole.Sub(whole, big.NewInt(1))
		}
		if high, ok = fit(whole); !ok && whole.Sign() < 0 {
			return 1, 0, true
		}
	}
	return low, high, true
}

// ticks is how many units since 1970 lie before or at an instant, and whether some time is left.
func ticks(at time.Time, u arrowio.Unit) (whole *big.Int, rest bool) {
	each := map[arrowio.Unit]int64{arrowio.Second: 1e9, arrowio.Milli: 1e6, arrowio.Micro: 1e3, arrowio.Nano: 1}[u]
	whole = new(big.Int).Mul(big.NewInt(at.Unix()), big.NewInt(1e9/each))
	nanos := int64(at.Nanosecond())
	return whole.Add(whole, big.NewInt(nanos/each)), nanos%each != 0
}

// fit is a number as an int64, or the nearest of those.
func fit(x *big.Int) (int64, bool) {
	switch {
	case x.IsInt64():
		return x.Int64(), true
	case x.Sign() < 0:
		return math.MinInt64, false
	}
	return math.MaxInt64, false
}

// instantsWithin finds the values from low to high.
func instantsWithin(values []int64, low, high int64) mask {
	m := make(mask, words(len(values)))
	if low > high {
		return m
	}
	width := uint64(high) - uint64(low)
	for w := range m {
		var hit uint64
		for i, x := range values[w<<6 : min(w<<6+64, len(values))] {
			hit |= bit(uint64(x)-uint64(low) <= width) << i
		}
		m[w] = hit
	}
	return m
}
