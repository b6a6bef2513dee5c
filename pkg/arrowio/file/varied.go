package file

import (
	"math"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/pkg/arrowio"
)

const (
	sampled   = 4096 // values of a column that are looked at
	most      = .85  // of them that may differ for a dictionary to be worth its time: ids and long texts have none
	leastRows = 512  // below it nothing can be told, nor gained
)

// varied says whether a column's values differ so much that a dictionary of them would be built for nothing: values at even distances are looked at.
func varied(c *arrowio.Column) bool {
	value := hashed(c)
	if value == nil || c.Len() < leastRows {
		return false
	}
	step := max(1, c.Len()/sampled)
	seen, n := make(map[uint64]struct{}, sampled), 0
	for i := 0; i < c.Len(); i += step {
		if !c.IsNull(i) {
			seen[value(i)] = struct{}{}
			n++
		}
	}
	return n >= leastRows && float64(len(seen)) > most*float64(n)
}

// hashed is a number for each value of a column, equal for equal ones; nil for kinds that are left to the library.
func hashed(c *arrowio.Column) func(i int) uint64 {
	switch c.Kind() {
	case arrowio.Int32, arrowio.Date32:
		v := c.Int32s()
		return func(i int) uint64 { return uint64(v[i]) }
	case arrowio.Int64, arrowio.Timestamp:
		v := c.Int64s()
		return func(i int) uint64 { return uint64(v[i]) }
	case arrowio.Uint64:
		v := c.Uint64s()
		return func(i int) uint64 { return v[i] }
	case arrowio.Float64:
		v := c.Float64s()
		return func(i int) uint64 { return math.Float64bits(v[i]) }
	case arrowio.String, arrowio.LargeString, arrowio.Binary, arrowio.LargeBinary:
		v := c.Strings()
		return func(i int) uint64 { return xxh3.Hash(v.At(i)) }
	}
	return nil
}
