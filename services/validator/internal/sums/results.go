package sums

import (
	"math"
	"math/big"
)

// Number is a sum as pandas has it: an int64 or uint64 that wraps around, or a float.
type Number struct {
	Kind  Kind // Int, Uint, Float64 or Float32: which field holds the number
	Int   int64
	Uint  uint64
	Float float64 // of Float32: rounded to float32
}

// Value returns the number as int64, uint64, float32 or float64.
func (n Number) Value() any {
	switch n.Kind {
	case Int, Bool:
		return n.Int
	case Uint:
		return n.Uint
	case Float32:
		return float32(n.Float)
	default:
		return n.Float
	}
}

// Float64 returns the number as a float64, rounded where it must.
func (n Number) Float64() float64 {
	switch n.Kind {
	case Int, Bool:
		return float64(n.Int)
	case Uint:
		return float64(n.Uint)
	default:
		return n.Float
	}
}

// Sum returns the sum of the values that are there, 0 where none are. Integers without gaps wrap around as numpy's; with a gap pandas holds them as floats, booleans stay integers.
func (s *State) Sum() Number {
	switch {
	case s.kind == Bool, s.kind == Int && !s.Gaps():
		return Number{Kind: Int, Int: int64(s.wrapped())}
	case s.kind == Uint && !s.Gaps():
		return Number{Kind: Uint, Uint: s.wrapped()}
	case s.kind == Float32:
		return Number{Kind: Float32, Float: float64(s.sum32())}
	}
	return Number{Kind: Float64, Float: s.sum64()}
}

func (s *State) wrapped() (sum uint64) {
	if s.ints != nil {
		return s.ints.low
	}
	for _, c := range s.cells {
		sum += c
	}
	return sum
}

func (s *State) sum32() float32 {
	if s.reals != nil {
		return float32(s.total())
	}
	return pairwise(narrow(s.floats()))
}

func (s *State) sum64() float64 {
	if s.ints == nil && s.reals == nil {
		return pairwise(s.floats())
	}
	return s.total()
}

// total is the exact sum, rounded once.
func (s *State) total() float64 {
	if s.ints != nil {
		return round(s.ints.sum(), 0)
	}
	if inf := s.reals.infinity(); inf != 0 {
		return inf
	}
	sum, _ := s.reals.totals()
	return round(sum, least)
}

func round(n *big.Int, exponent int) float64 {
	f := new(big.Float).SetInt(n)
	f.SetMantExp(f, exponent)
	v, _ := f.Float64()
	return v
}

// floats returns the rows as pandas hands them to numpy's sum: missing ones are 0.
func (s *State) floats() []float64 {
	out := make([]float64, len(s.cells))
	for i, c := range s.cells {
		switch s.kind {
		case Int:
			out[i] = float64(int64(c))
		case Uint, Bool:
			out[i] = float64(c)
		default:
			out[i] = math.Float64frombits(c)
		}
	}
	return out
}

func narrow(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// Mean returns the mean of the values that are there, NaN where none are. Of Float32 it is rounded to float32, as pandas does.
func (s *State) Mean() float64 {
	if s.count == 0 {
		return math.NaN()
	}
	wide := s.ints != nil || s.reals != nil
	switch {
	case !wide && s.kind == Float32:
		return float64(s.sum32() / float32(s.count))
	case !wide:
		return s.sum64() / float64(s.count)
	case s.reals != nil && s.reals.infinity() != 0:
		return s.reals.infinity()
	}
	sum, exponent := s.exactSum()
	mean, _ := ratio(sum, big.NewInt(s.count), exponent).Float64()
	return s.fit(mean)
}

func (s *State) fit(v float64) float64 {
	if s.kind == Float32 {
		return float64(float32(v))
	}
	return v
}

func (s *State) exactSum() (*big.Int, int) {
	if s.ints != nil {
		return s.ints.sum(), 0
	}
	sum, _ := s.reals.totals()
	return sum, least
}

// ratio is a/b · 2^exponent.
func ratio(a, b *big.Int, exponent int) *big.Rat {
	if exponent < 0 {
		b = new(big.Int).Lsh(b, uint(-exponent))
	}
	return new(big.Rat).SetFrac(a, b)
}

// Variance returns the sample variance (divisor n−1), NaN below two values and where one is infinite.
func (s *State) Variance() float64 {
	if s.count < 2 {
		return math.NaN()
	}
	if s.ints == nil && s.reals == nil {
		return s.fit(s.smallVariance())
	}
	exact := s.exactVariance()
	if exact == nil {
		return math.NaN()
	}
	v, _ := exact.Float64()
	return s.fit(v)
}

// Deviation returns the sample standard deviation, the root of Variance.
func (s *State) Deviation() float64 {
	if s.count < 2 || s.ints == nil && s.reals == nil {
		return s.fit(math.Sqrt(s.Variance()))
	}
	exact := s.exactVariance()
	if exact == nil {
		return math.NaN()
	}
	root := new(big.Float).SetPrec(256).SetRat(exact)
	v, _ := root.Sqrt(root).Float64()
	return s.fit(v)
}

// smallVariance takes pandas' steps: the mean over float64, squares of differences, missing ones as 0.
func (s *State) smallVariance() float64 {
	values := s.floats()
	mean := pairwise(values) / float64(s.count)
	for i, v := range values {
		d := mean - v
		values[i] = d * d
		if s.gaps[i] {
			values[i] = 0
		}
	}
	return pairwise(values) / float64(s.count-1)
}

// exactVariance is (n·Σx² − (Σx)²) / (n·(n−1)); nil where a value is infinite, or where a damaged state has squares that its sum does not allow.
func (s *State) exactVariance() *big.Rat {
	var sum, squares *big.Int
	exponent := 0
	if s.ints != nil {
		sum, squares = s.ints.sum(), s.ints.squares()
	} else {
		if s.reals.up+s.reals.down > 0 {
			return nil
		}
		sum, squares = s.reals.totals()
		exponent = 2 * least
	}
	n := big.NewInt(s.count)
	over := new(big.Int).Mul(n, squares)
	if over.Sub(over, sum.Mul(sum, sum)).Sign() < 0 {
		return nil
	}
	return ratio(over, new(big.Int).Mul(n, big.NewInt(s.count-1)), exponent)
}
