// Package quantile keeps all values of a numeric column, sorted when asked: exact quantiles, medians, ranks and histograms, as numpy gives them, from partial states that merge.
//
// Values cost 8 bytes each until the bound, then as many as sorted runs of (value, count) take, which for columns of few distinct values is nothing; above the bound runs go to scratch files and
// are merged while they are read. Nothing is approximated, so no result depends on batches, on merges or on what was spilled.
package quantile

import (
	"errors"
	"fmt"
	"math"

	"github.com/leathq/leat/services/validator/internal/presence"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// Kind is what pandas sees in a column.
type Kind uint8

// Kinds of columns. Dates and timestamps are Int, decimals and booleans Float64.
const (
	Int Kind = iota
	Uint
	Float64 // NaN is missing
	Float32 // NaN is missing
)

// DefaultBytes bounds the memory of a state: 128 MiB, 16 million values before anything is sorted.
const DefaultBytes = 128 << 20

// Options bound a state.
type Options struct {
	Bytes int64       // of memory for values; 0: DefaultBytes. Sorting takes as much again for a moment.
	Space spill.Space // where runs go above that; nil: Add refuses with spill.ErrNone
}

// State is the multiset of the values so far. Not for concurrent use. Close gives its scratch files back.
type State struct {
	kind    Kind
	options Options
	count   int64
	missing int64
	cells   []uint64 // keys in any order
	sorted  bool     // whether cells are in order
	run     []pair   // keys in order, each once
	spilled []spill.Run
}

// pair is a key and how often it occurs.
type pair struct{ key, count uint64 }

// New returns a state of no values.
func New(kind Kind, o Options) *State {
	if o.Bytes <= 0 {
		o.Bytes = DefaultBytes
	}
	return &State{kind: kind, options: o, sorted: true}
}

// Count returns how many values there are; NaN is none.
func (s *State) Count() int64 { return s.count }

// Missing returns how many rows held no value.
func (s *State) Missing() int64 { return s.missing }

// Close removes scratch files. The state cannot be used after that.
func (s *State) Close() error {
	var err error
	for _, r := range s.spilled {
		err = errors.Join(err, r.Remove())
	}
	s.spilled, s.cells, s.run = nil, nil, nil
	return err
}

const sign = 1 << 63

// floatKey maps floats to integers of the same order: −0 just below +0.
func floatKey(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | sign)
}

func keyFloat(k uint64) float64 {
	return math.Float64frombits(k ^ (uint64(^int64(k)>>63) | sign))
}

var errKind = errors.New("quantile: values of another kind than the state's")

// room makes sure that the next step of cells stays within the bound.
func (s *State) room() error {
	if int64(len(s.cells)) >= s.options.Bytes/16 && len(s.cells) > 0 {
		if err := s.compact(); err != nil {
			return err
		}
	}
	s.sorted = false
	if cap(s.cells)-len(s.cells) < step {
		// Doubling copies each cell about once; append would grow by quarters, and slices.Grow would touch the memory that is not used yet.
		grown := make([]uint64, len(s.cells), len(s.cells)+max(step, len(s.cells)))
		copy(grown, s.cells)
		s.cells = grown
	}
	return nil
}

// AddInts adds rows of signed integers (Kind Int).
func AddInts[T ~int8 | ~int16 | ~int32 | ~int64](s *State, values []T, there presence.Mask) error {
	if s.kind != Int {
		return errKind
	}
	return chunks(s, values, there, func(v T) (uint64, bool) { return uint64(int64(v)) ^ sign, true })
}

// AddUints adds rows of unsigned integers (Kind Uint).
func AddUints[T ~uint8 | ~uint16 | ~uint32 | ~uint64](s *State, values []T, there presence.Mask) error {
	if s.kind != Uint {
		return errKind
	}
	return chunks(s, values, there, func(v T) (uint64, bool) { return uint64(v), true })
}

// AddFloats adds rows of floats (Kind Float64 or Float32).
func AddFloats[T ~float32 | ~float64](s *State, values []T, there presence.Mask) error {
	if s.kind < Float64 {
		return errKind
	}
	return chunks(s, values, there, func(v T) (uint64, bool) { return floatKey(float64(v)), v == v })
}

// step is how many rows are added between looks at the bound.
const step = 1 << 12

func chunks[T any](s *State, values []T, there presence.Mask, key func(T) (uint64, bool)) error {
	for from := 0; from < len(values); from += step {
		part := values[from:min(from+step, len(values))]
		if err := s.room(); err != nil {
			return err
		}
		cells := s.cells
		for i, v := range part {
			if k, ok := key(v); ok && there.Has(from+i) {
				cells = append(cells, k)
			}
		}
		added := len(cells) - len(s.cells)
		s.cells = cells
		s.count += int64(added)
		s.missing += int64(len(part) - added)
	}
	return nil
}

// Merge adds the values of next, which is not changed. The order of merges does not matter.
func (s *State) Merge(next *State) error {
	if s.kind != next.kind {
		return fmt.Errorf("merge quantiles: one state is of kind %d, the next of kind %d: the column's type differs between parts", s.kind, next.kind)
	}
	if len(next.run) == 0 && len(next.spilled) == 0 {
		for from := 0; from < len(next.cells); from += step {
			part := next.cells[from:min(from+step, len(next.cells))]
			if err := s.room(); err != nil {
				return err
			}
			s.cells = append(s.cells, part...)
		}
	} else if err := s.addRun(next); err != nil {
		return err
	}
	s.count, s.missing = s.count+next.count, s.missing+next.missing
	return nil
}

// addRun merges a state whose values are runs already.
func (s *State) addRun(next *State) error {
	if err := s.compact(); err != nil {
		return err
	}
	out := newRunWriter(s)
	if err := merge(append([]source{&pairs{s.run}}, next.sources()...), out.add); err != nil {
		return errors.Join(err, out.drop())
	}
	out.into(s)
	return nil
}
