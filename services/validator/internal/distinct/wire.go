package distinct

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leathq/leat/services/validator/internal/codec"
)

const (
	wireName    = "DIST"
	wireVersion = 1
)

// MarshalBinary returns the state's bytes, the same for the same rows whatever the batches, the merges and the bound were. What was spilled is read back into them.
func (s *State) MarshalBinary() ([]byte, error) {
	if s.options.Digests {
		return nil, errors.New("distinct: a state that keeps digests of texts has no bytes")
	}
	last, err := s.lastRepeat()
	if err != nil {
		return nil, err
	}
	var body codec.Append
	var n uint64
	var parts [partitions][]int32
	err = s.tables(func(t *State) error {
		for e := range t.list {
			p := partition(t.value(e))
			parts[p] = append(parts[p], int32(e))
		}
		rows := make([][]uint64, len(t.list))
		for e, own := range t.entries() {
			rows[e] = own
		}
		for p := range parts {
			slices.SortFunc(parts[p], func(a, b int32) int { return cmp.Compare(t.list[a].first, t.list[b].first) })
			for _, e := range parts[p] {
				kept := rows[e][:cutAfter(rows[e], last)]
				body = appendEntry(body, Entry{Value: t.value(int(e)), Count: t.list[e].count, First: t.list[e].first, Repeats: kept})
				n++
			}
			parts[p] = nil
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out codec.Append
	out.Header(wireName, wireVersion)
	out.Byte(byte(s.kind))
	out.Int(int64(s.options.Repeats))
	out.Uint(s.rows)
	out.Uint(s.count)
	out.Uint(n)
	return append(out, body...), nil
}

func cutAfter(rows []uint64, last uint64) int {
	n, found := slices.BinarySearch(rows, last)
	if found {
		n++
	}
	return n
}

// lastRepeat is the last row that belongs to the first Options.Repeats ones: tables that were spilled kept as many each.
func (s *State) lastRepeat() (uint64, error) {
	keep := s.options.Repeats
	if keep < 0 || len(s.files) == 0 {
		return math.MaxUint64, nil
	}
	var rows []uint64
	err := s.Each(func(e Entry) error {
		if rows = append(rows, e.Repeats...); len(rows) > 4*keep+1024 {
			slices.Sort(rows)
			rows = rows[:keep]
		}
		return nil
	})
	slices.Sort(rows)
	if len(rows) < keep || keep == 0 {
		return math.MaxUint64, err
	}
	return rows[keep-1], err
}

// UnmarshalBinary reads what MarshalBinary wrote into a state made by New: kind and repeats become those of the bytes, bound and scratch space stay. It refuses damaged bytes with an error that says
// where, and then leaves s as it was.
func (s *State) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(wireName, wireVersion)
	n := New(Kind(r.Byte()), s.options)
	n.rising.settled = true
	repeats := r.Int()
	n.options.Repeats = int(repeats)
	n.rows = r.Uint()
	n.count = r.Uint()
	if n.kind > Bytes || repeats < AllRows || repeats > math.MaxInt32 || n.count > n.rows || n.rows > 1<<62 {
		r.Fail("kind %d with %d values in %d rows and %d repeats cannot be", n.kind, n.count, n.rows, repeats)
	}
	err := n.readEntries(r)
	if err == nil {
		err = r.Done()
	}
	if err != nil {
		_ = n.Close()
		return fmt.Errorf("read a state of distinct values: %w", err)
	}
	err = s.Close()
	*s = *n
	return err
}

func (s *State) readEntries(r *codec.Reader) error {
	left := s.count
	var rows []uint64
	for range r.Count(4) {
		if len(s.list)%step == 0 {
			if err := s.bound(); err != nil {
				return err
			}
		}
		var x Entry
		x, rows = s.readEntry(r, left, rows[:0])
		if r.Err() != nil {
			return r.Err()
		}
		left -= x.Count
		before := len(s.list)
		s.put(x)
		if len(s.list) == before {
			r.Fail("a value is there twice")
			return r.Err()
		}
	}
	if left != 0 {
		r.Fail("%d values are missing", left)
	}
	if n := s.options.Repeats; n >= 0 && len(s.repeats) > n {
		r.Fail("%d repeats are there, %d may be", len(s.repeats), n)
	}
	s.tidy(0)
	return r.Err()
}

func (s *State) readEntry(r *codec.Reader, left uint64, rows []uint64) (Entry, []uint64) {
	x := Entry{Value: r.Bytes(), Count: r.Uint(), First: r.Uint()}
	repeats := r.Count(1)
	switch {
	case r.Err() != nil:
	case s.kind != Bytes && len(x.Value) != 8, s.kind == Float && math.IsNaN(x.Float()):
		r.Fail("%x is no number", x.Value)
	case x.Count == 0 || x.Count > left || x.First >= s.rows || uint64(repeats) >= x.Count:
		r.Fail("a value that occurs %d times from row %d on, %d rows known, does not fit", x.Count, x.First, repeats)
	}
	last := x.First
	for range repeats {
		d := r.Uint()
		if r.Err() == nil && (d == 0 || d >= s.rows-last) {
			r.Fail("a row is out of order")
		}
		if r.Err() != nil {
			break
		}
		last += d
		rows = append(rows, last)
	}
	x.Repeats = rows
	return x, rows
}
