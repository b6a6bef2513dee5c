package sums

import (
	"fmt"
	"math"

	"github.com/leathq/leat/services/validator/internal/codec"
)

const (
	wireName    = "SUMS"
	wireVersion = 1
)

// MarshalBinary returns the state's bytes, the same for the same rows whatever the batches were. At most 90 KiB.
func (s *State) MarshalBinary() ([]byte, error) {
	var out codec.Append
	out.Header(wireName, wireVersion)
	out.Byte(byte(s.kind))
	out.Uint(uint64(s.rows))
	out.Uint(uint64(s.count))
	switch {
	case s.ints != nil:
		out.Byte(1)
		out.Word(s.ints.low)
		out.Word(uint64(s.ints.high))
		writeSquare(&out, s.ints.square)
	case s.reals != nil:
		out.Byte(2)
		s.reals.write(&out)
	default:
		out.Byte(0)
		for i, c := range s.cells {
			out.Byte(map[bool]byte{true: 1}[s.gaps[i]])
			out.Word(c)
		}
	}
	return out, nil
}

func writeSquare(out *codec.Append, square [3]uint64) {
	for _, w := range square {
		out.Word(w)
	}
}

func (a *reals) write(out *codec.Append) {
	out.Uint(uint64(a.up))
	out.Uint(uint64(a.down))
	used := 0
	for i := range a.buckets {
		if !a.buckets[i].empty() {
			used++
		}
	}
	out.Uint(uint64(used))
	for i := range a.buckets {
		if b := &a.buckets[i]; !b.empty() {
			out.Uint(uint64(i))
			out.Word(b.low)
			out.Word(uint64(b.high))
			writeSquare(out, b.square)
		}
	}
}

// UnmarshalBinary reads what MarshalBinary wrote. It refuses damaged bytes with an error that says where, and then leaves s as it was.
func (s *State) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(wireName, wireVersion)
	n := State{kind: Kind(r.Byte()), rows: int64(r.Uint()), count: int64(r.Uint())}
	if n.kind > Float32 || n.rows < 0 || n.count < 0 || n.count > n.rows {
		r.Fail("a state of kind %d with %d values in %d rows cannot be", n.kind, n.count, n.rows)
	}
	switch form := r.Byte(); {
	case form == 0 && n.rows <= Small:
		n.readCells(r)
	case form == 1 && n.kind < Float64 && n.rows > Small:
		n.ints = &ints{low: r.Word(), high: int64(r.Word()), square: readSquare(r)}
	case form == 2 && n.kind >= Float64 && n.rows > Small:
		n.reals = readReals(r)
	default:
		r.Fail("form %d does not go with kind %d and %d rows", form, n.kind, n.rows)
	}
	if err := r.Done(); err != nil {
		return fmt.Errorf("read a state of sums: %w", err)
	}
	*s = n
	return nil
}

func readSquare(r *codec.Reader) [3]uint64 { return [3]uint64{r.Word(), r.Word(), r.Word()} }

func (s *State) readCells(r *codec.Reader) {
	there := int64(0)
	for range s.rows {
		gap := r.Byte()
		c := r.Word()
		if r.Err() != nil {
			return
		}
		if gap > 1 || gap == 1 && c != 0 {
			r.Fail("a row that is neither there nor missing")
		}
		if gap == 0 {
			there++
			if s.kind >= Float64 && math.IsNaN(math.Float64frombits(c)) {
				r.Fail("a row that is there and is no number")
			}
		}
		s.cells, s.gaps = append(s.cells, c), append(s.gaps, gap == 1)
	}
	if there != s.count {
		r.Fail("%d values are there, %d were announced", there, s.count)
	}
}

func readReals(r *codec.Reader) *reals {
	a := &reals{up: int64(r.Uint()), down: int64(r.Uint())}
	last := -1
	for range r.Count(41) {
		i := r.Uint()
		b := bucket{low: r.Word(), high: int64(r.Word()), square: readSquare(r)}
		if r.Err() != nil {
			return a
		}
		if i >= uint64(len(a.buckets)) || int(i) <= last || b.empty() {
			r.Fail("exponent %d is out of its order", i)
			return a
		}
		last = int(i)
		a.buckets[i] = b
	}
	return a
}
