// Package distinct counts the values of a column exactly: how many different ones, how often each, the most common, which rows repeat a value. Partial states merge in row order.
//
// Values lie in an open-addressing table over dense arrays, about 40 bytes a distinct number (a text: its bytes and 8 more, or where it is long and most of its batch, 24 and the batch), without an allocation each. Above the bound the table is cut by hash
// into 64 scratch files and begun anew; results then read one file at a time. Values are compared themselves, never by hash alone, so nothing is approximated (but see Options.Digests). The hash of the
// table is seeded by the process, so data cannot be made to collide.
package distinct

import (
	"errors"
	"fmt"
	"math"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// Kind is what values are.
type Kind uint8

// Kinds of values. Dates and timestamps are Int. Of Float, NaN is missing and −0 is 0. Compound keys and everything else are Bytes.
const (
	Int Kind = iota
	Uint
	Float
	Bytes
)

// DefaultBytes bounds the memory of a state: 256 MiB, about 6 million distinct numbers.
const DefaultBytes = 256 << 20

// AllRows asks for every row that repeats a value.
const AllRows = -1

// Options bound a state and say what it must answer.
type Options struct {
	// Repeats is how many of the rows that repeat an earlier value are kept, 16 bytes each, the first ones: 0 for none, AllRows for all. Duplicates can name as many rows.
	Repeats int
	Bytes   int64       // of memory; 0: DefaultBytes. Reading a result that was spilled takes about a 64th of all values beside it.
	Space   spill.Space // where values go above that; nil: Add refuses with spill.ErrNone
	// Digests has texts of 128 bytes and more that occur once kept as digests of 128 bits (XXH3, seeded by the process): of a billion texts two that differ are taken for one with a
	// probability below 10^-20. A repeated text is kept itself, since the row that repeats it brings its bytes. The values of other long texts are unknown then (nil), the state can be
	// neither merged into another nor encoded, and above Bytes it refuses with ErrOutgrown.
	Digests bool
}

// ErrOutgrown is the end of a state with Digests: its rows must be counted again without.
var ErrOutgrown = errors.New("distinct: the digests of long texts have outgrown their bound on memory")

// State is the values so far, with their rows numbered from 0. Not for concurrent use. Close gives its scratch files back.
type State struct {
	kind    Kind
	options Options
	rows    uint64 // with those that hold nothing
	count   uint64 // values
	rising  rising
	table   table
	list    []entry
	texts   texts    // the bytes of entries of Bytes
	repeats []repeat // in row order
	files   []*files
	keys    [batch]uint64
	at      [batch]uint64
	values  [batch][]byte
	sums    [batch]xxh3.Uint128
	scratch [8]byte
	lending bool // new texts stay where they lie
}

// entry is a distinct value: a number itself, or the place of a text. What a lookup needs lies in one cache line.
type entry struct{ word, count, first uint64 }

// repeat is a row whose value an earlier row of the table had.
type repeat struct {
	row   uint64
	entry uint32
}

// batch is how many values are looked up together, so that their cache misses overlap.
const batch = 64

// New returns a state of no rows.
func New(kind Kind, o Options) *State {
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	return &State{kind: kind, options: o, rising: rising{settled: kind != Int && kind != Uint}}
}

// Kind returns what the values are.
func (s *State) Kind() Kind { return s.kind }

// Rows returns how many rows were added, those without a value too.
func (s *State) Rows() uint64 { return s.rows }

// Count returns how many rows held a value.
func (s *State) Count() uint64 { return s.count }

// Close removes scratch files. The state cannot be used after that.
func (s *State) Close() error {
	var err error
	for _, f := range s.files {
		err = errors.Join(err, f.remove())
	}
	*s = State{kind: s.kind, options: s.options}
	return err
}

var errKind = errors.New("distinct: values of another kind than the state's")

// AddInts adds the next rows of a column of signed integers (Kind Int).
func AddInts[T int8 | int16 | int32 | int64](s *State, values []T, there presence.Mask) error {
	if s.kind != Int {
		return errKind
	}
	if rises(s, values, there) {
		return nil
	}
	return addWords(s, values, there, func(v T) (uint64, bool) { return uint64(int64(v)), true })
}

// AddUints adds the next rows of a column of unsigned integers (Kind Uint).
func AddUints[T uint8 | uint16 | uint32 | uint64](s *State, values []T, there presence.Mask) error {
	if s.kind != Uint {
		return errKind
	}
	if rises(s, values, there) {
		return nil
	}
	return addWords(s, values, there, func(v T) (uint64, bool) { return uint64(v), true })
}

// AddFloats adds the next rows of a column of floats (Kind Float).
func AddFloats[T ~float32 | ~float64](s *State, values []T, there presence.Mask) error {
	if s.kind != Float {
		return errKind
	}
	// Adding 0 turns −0 into 0.
	return addWords(s, values, there, func(v T) (uint64, bool) { return math.Float64bits(float64(v) + 0), v == v })
}

// step is how many rows are added between looks at the bound.
const step = 1 << 12

func addWords[T any](s *State, values []T, there presence.Mask, word func(T) (uint64, bool)) error {
	if err := s.settle(); err != nil {
		return err
	}
	for from := 0; from < len(values); from += step {
		if err := s.bound(); err != nil {
			return err
		}
		part := values[from:min(from+step, len(values))]
		n := 0
		for i, v := range part {
			w, ok := word(v)
			s.keys[n&(batch-1)], s.at[n&(batch-1)] = w, s.rows+uint64(i)
			if ok && there.Has(from+i) {
				if n++; n == batch {
					s.putWords(n)
					n = 0
				}
			}
		}
		s.putWords(n)
		s.rows += uint64(len(part))
	}
	return nil
}

// AddTexts adds the next rows of a column of strings or bytes (Kind Bytes): row i is data[offsets[i]:offsets[i+1]], as Arrow has it. Where a value is new it is copied, or,
// where most of what there is of memory with data would be copied, kept as it lies: data must not change then. held tells how many bytes stay in memory with data: the batch's.
func AddTexts[O ~int32 | ~int64](s *State, data []byte, offsets []O, there presence.Mask, held func() int64) error {
	if s.kind != Bytes {
		return errKind
	}
	if len(offsets) < 2 {
		return nil
	}
	before := len(s.texts.lent)
	s.lending = s.lends(int64(offsets[len(offsets)-1]-offsets[0]), int64(len(offsets)-1), held)
	defer func() { s.lending = false }()
	err := addTexts(s, data, offsets, there)
	if len(s.texts.lent) > before {
		s.texts.used += held()
	}
	return err
}

// longText is from how many bytes on texts are long: a reference to one costs 24, a digest 16.
const longText = 128

// lends says whether texts of so many bytes and rows are better kept where they lie: if they are most of what is held for them, long, and mostly new.
func (s *State) lends(size, rows int64, held func() int64) bool {
	return !s.options.Digests && size >= rows*longText && uint64(len(s.list)) >= s.count/2 && size >= held()/4*3
}

func addTexts[O ~int32 | ~int64](s *State, data []byte, offsets []O, there presence.Mask) error {
	rows := len(offsets) - 1
	for from := 0; from < rows; from += batch {
		if from%step == 0 || s.texts.used > s.options.Bytes {
			if err := s.bound(); err != nil {
				return err
			}
		}
		n := 0
		to := min(from+batch, rows)
		if k, short := shorts(s, data, offsets[from:to+1], there, from); short {
			s.putWords(k)
			s.rows += uint64(to - from)
			continue
		}
		for i := from; i < to; i++ {
			if !there.Has(i) {
				continue
			}
			value := data[offsets[i]:offsets[i+1]]
			if err := s.length(value); err != nil {
				return err
			}
			s.values[n], s.at[n] = value, s.rows+uint64(i-from)
			n++
		}
		s.putTexts(n)
		s.rows += uint64(to - from)
	}
	return nil
}

func (s *State) length(value []byte) error {
	if len(value) > math.MaxInt32 {
		return fmt.Errorf("row %d or soon after: a value of %d bytes is too long to be counted: 2 GiB is the most", s.rows, len(value))
	}
	return nil
}

// AddText adds one row (Kind Bytes).
func (s *State) AddText(value []byte, there bool) error {
	if s.kind != Bytes {
		return errKind
	}
	if s.rows%step == 0 || s.texts.used > s.options.Bytes {
		if err := s.bound(); err != nil {
			return err
		}
	}
	if err := s.length(value); err != nil {
		return err
	}
	if there {
		s.values[0], s.at[0] = value, s.rows
		s.putTexts(1)
	}
	s.rows++
	return nil
}

// Merge adds the rows of next, which come after those of s and are numbered on from there. next keeps its values; it can be read and closed after that.
func (s *State) Merge(next *State) error {
	if next.options.Digests {
		return errors.New("merge distinct values: a state that keeps digests of texts cannot be merged into another")
	}
	if s.kind != next.kind || s.options.Repeats != next.options.Repeats {
		return fmt.Errorf("merge distinct values: the states differ in kind (%d, %d) or in the repeats they keep (%d, %d)", s.kind, next.kind, s.options.Repeats, next.options.Repeats)
	}
	if s.options.Digests && len(next.files) > 0 {
		return ErrOutgrown
	}
	if s.follow(next) {
		return nil
	}
	if err := errors.Join(s.settle(), next.settle()); err != nil {
		return err
	}
	shift := s.rows
	for _, f := range next.files {
		if err := s.adopt(f, shift); err != nil {
			return err
		}
	}
	before := len(s.repeats)
	for e, rows := range next.entries() {
		if e%step == 0 {
			if err := s.bound(); err != nil {
				return err
			}
			before = min(before, len(s.repeats))
		}
		for i := range rows {
			rows[i] += shift
		}
		s.put(Entry{Value: next.value(e), Count: next.list[e].count, First: next.list[e].first + shift, Repeats: rows})
	}
	s.tidy(before)
	s.rows, s.count = s.rows+next.rows, s.count+next.count
	return nil
}
