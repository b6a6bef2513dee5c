// Package sums adds up columns: sum, mean, variance and standard deviation, from partial states that merge.
//
// A result does not depend on how rows were cut into batches or states. Up to Small rows the values themselves are kept and added in the order in which numpy adds them (pairwise blocks of 128
// with eight accumulators, missing values as zeros), because Great Expectations reports pandas' last bit. Above, sums of values and of squares are exact and rounded once: there pandas' last bits are
// errors of its rounding, and which they are depends on the length of its blocks.
//
// It does not estimate anything and keeps no order statistics.
package sums

import (
	"errors"
	"fmt"
	"math"

	"github.com/leathq/leat/services/validator/internal/presence"
)

// Small is the number of rows (with those that hold nothing) up to which results have pandas' last bit.
const Small = 4096

// Kind is what pandas sees in a column.
type Kind uint8

// Kinds of columns. Decimals are added as Float64: Great Expectations makes floats of them first.
const (
	Int     Kind = iota // int8 … int64
	Uint                // uint8 … uint64
	Bool                // adds as 0 and 1
	Float64             // NaN is missing
	Float32             // NaN is missing; pandas rounds to float32 at every step
)

// State is what is known of the rows so far. Not for concurrent use.
type State struct {
	kind  Kind
	rows  int64
	count int64
	cells []uint64 // raw bits of each row while there are at most Small; of a missing one: 0
	gaps  []bool   // which rows are missing, as long as cells
	ints  *ints    // above Small rows, of Int, Uint and Bool
	reals *reals   // above Small rows, of Float64 and Float32
}

// New returns a state of no rows.
func New(kind Kind) *State { return &State{kind: kind} }

// Rows returns how many rows were added, those without a value too.
func (s *State) Rows() int64 { return s.rows }

// Count returns how many rows held a value; NaN is none.
func (s *State) Count() int64 { return s.count }

// Gaps reports whether a row held no value: pandas then holds integers as floats.
func (s *State) Gaps() bool { return s.count < s.rows }

var errKind = errors.New("sums: values of another kind than the state's")

func (s *State) small(more int) bool {
	if s.ints != nil || s.reals != nil {
		return false
	}
	if s.rows+int64(more) <= Small {
		return true
	}
	s.widen()
	return false
}

func (s *State) widen() {
	if s.kind < Float64 {
		s.ints = &ints{}
	} else {
		s.reals = &reals{}
	}
	for i, c := range s.cells {
		if !s.gaps[i] {
			s.wide(c)
		}
	}
	s.cells, s.gaps = nil, nil
}

func (s *State) wide(cell uint64) {
	switch s.kind {
	case Int:
		s.ints.addInt(int64(cell))
	case Uint, Bool:
		s.ints.addUint(cell)
	case Float32, Float64:
		s.reals.add(math.Float64frombits(cell))
	}
}

func (s *State) cell(bits uint64, there bool) {
	if !there {
		bits = 0
	}
	s.cells, s.gaps = append(s.cells, bits), append(s.gaps, !there)
	if there {
		s.count++
	}
	s.rows++
}

// AddInts adds the next rows of a column of signed integers (Kind Int).
func AddInts[T ~int8 | ~int16 | ~int32 | ~int64](s *State, values []T, there presence.Mask) error {
	if s.kind != Int {
		return errKind
	}
	if s.small(len(values)) {
		for i, v := range values {
			s.cell(uint64(int64(v)), there.Has(i))
		}
		return nil
	}
	s.rows += int64(len(values))
	for i, v := range values {
		if there.Has(i) {
			s.count++
			s.ints.addInt(int64(v))
		}
	}
	return nil
}

// AddUints adds the next rows of a column of unsigned integers (Kind Uint).
func AddUints[T ~uint8 | ~uint16 | ~uint32 | ~uint64](s *State, values []T, there presence.Mask) error {
	if s.kind != Uint {
		return errKind
	}
	if s.small(len(values)) {
		for i, v := range values {
			s.cell(uint64(v), there.Has(i))
		}
		return nil
	}
	s.rows += int64(len(values))
	for i, v := range values {
		if there.Has(i) {
			s.count++
			s.ints.addUint(uint64(v))
		}
	}
	return nil
}

// AddBools adds the next n rows of a column of booleans, a bit each (Kind Bool).
func (s *State) AddBools(values presence.Mask, n int, there presence.Mask) error {
	if s.kind != Bool {
		return errKind
	}
	keep := s.small(n)
	for i := range n {
		var bit uint64
		if values.Has(i) {
			bit = 1
		}
		switch {
		case keep:
			s.cell(bit, there.Has(i))
		case there.Has(i):
			s.rows, s.count = s.rows+1, s.count+1
			s.ints.addUint(bit)
		default:
			s.rows++
		}
	}
	return nil
}

// AddFloats adds the next rows of a column of floats (Kind Float64 or Float32).
func AddFloats[T ~float32 | ~float64](s *State, values []T, there presence.Mask) error {
	if s.kind < Float64 {
		return errKind
	}
	if s.small(len(values)) {
		for i, v := range values {
			s.cell(math.Float64bits(float64(v)), v == v && there.Has(i))
		}
		return nil
	}
	s.rows += int64(len(values))
	for i, v := range values {
		if v == v && there.Has(i) {
			s.count++
			s.reals.add(float64(v))
		}
	}
	return nil
}

// Merge adds the rows of next, which come after those of s. next is not changed, and s keeps nothing of it.
func (s *State) Merge(next *State) error {
	if s.kind != next.kind {
		return fmt.Errorf("merge sums: one state is of kind %d, the next of kind %d: the column's type differs between parts", s.kind, next.kind)
	}
	nextSmall := next.ints == nil && next.reals == nil
	keep := nextSmall && s.small(len(next.cells))
	s.rows, s.count = s.rows+next.rows, s.count+next.count
	if keep {
		s.cells, s.gaps = append(s.cells, next.cells...), append(s.gaps, next.gaps...)
		return nil
	}
	if s.ints == nil && s.reals == nil {
		s.widen()
	}
	for i, c := range next.cells {
		if !next.gaps[i] {
			s.wide(c)
		}
	}
	if next.ints != nil {
		s.ints.merge(next.ints)
	}
	if next.reals != nil {
		s.reals.merge(next.reals)
	}
	return nil
}
