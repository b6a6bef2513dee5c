package distinct

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Entry is a distinct value. What Each yields is valid until the next.
type Entry struct {
	Value   []byte   // a text's bytes; of numbers the eight that Word reads
	Count   uint64   // how many rows have it
	First   uint64   // the first of these rows, counted from 0
	Repeats []uint64 // the further rows that are known, in order: all of them with AllRows
}

// Word returns the value of a number: Int as two's complement, Float as bits.
func (e Entry) Word() uint64 { return binary.LittleEndian.Uint64(e.Value) }

// Int returns the value of Kind Int.
func (e Entry) Int() int64 { return int64(e.Word()) }

// Float returns the value of Kind Float.
func (e Entry) Float() float64 { return math.Float64frombits(e.Word()) }

// tables calls yield with tables that hold every distinct value in exactly one.
func (s *State) tables(yield func(*State) error) error {
	if err := s.settle(); err != nil {
		return err
	}
	if len(s.files) == 0 {
		return yield(s)
	}
	if len(s.list) > 0 {
		if err := s.flush(); err != nil {
			return err
		}
	}
	for p := range partitions {
		part, err := s.part(p)
		if err != nil {
			return err
		}
		if err := yield(part); err != nil {
			return err
		}
	}
	return nil
}

// Each calls yield for every distinct value, in no order that may be relied on. An error of yield ends it and is returned.
func (s *State) Each(yield func(Entry) error) error {
	return s.tables(func(t *State) error {
		for e, rows := range t.entries() {
			if err := yield(Entry{Value: t.value(e), Count: t.list[e].count, First: t.list[e].first, Repeats: rows}); err != nil {
				return err
			}
		}
		return nil
	})
}

// Distinct returns how many different values there are.
func (s *State) Distinct() (n uint64, err error) {
	if !s.rising.settled {
		return s.count, nil
	}
	err = s.tables(func(t *State) error {
		n += uint64(len(t.list))
		return nil
	})
	return n, err
}

// Entries returns all distinct values in the order of their first rows, as pandas' unique does. It refuses more than limit.
func (s *State) Entries(limit int) ([]Entry, error) {
	n, err := s.Distinct()
	if err != nil {
		return nil, err
	}
	if n > uint64(limit) {
		return nil, fmt.Errorf("there are %d distinct values, more than the %d that may be listed", n, limit)
	}
	out := make([]Entry, 0, n)
	err = s.Each(func(e Entry) error { out = append(out, e.clone()); return nil })
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.First, b.First) })
	return out, err
}

func (e Entry) clone() Entry {
	e.Value, e.Repeats = slices.Clone(e.Value), slices.Clone(e.Repeats)
	return e
}

// Row is a row whose value occurs more than once.
type Row struct {
	Number uint64
	Value  []byte
}

// Duplicates are the rows whose values occur more than once: those that expect_column_values_to_be_unique finds.
type Duplicates struct {
	Values uint64 // how many distinct values occur more than once
	Rows   uint64 // how many rows hold such a value
	First  []Row  // the first of these rows, in order
}

// Duplicates finds the rows whose value is not unique, the first limit of them by number (AllRows: all). It refuses to name more rows than Options.Repeats kept.
func (s *State) Duplicates(limit int) (Duplicates, error) {
	var d Duplicates
	if keep := s.options.Repeats; keep >= 0 && (limit < 0 || limit > keep) {
		return d, fmt.Errorf("the first %d rows are asked for and the state keeps %d: set Options.Repeats", limit, keep)
	}
	if !s.rising.settled || len(s.files) == 0 && uint64(len(s.list)) == s.count {
		return d, nil // all differ
	}
	err := s.Each(func(e Entry) error {
		if e.Count < 2 {
			return nil
		}
		d.Values++
		d.Rows += e.Count
		if limit == 0 {
			return nil
		}
		value := slices.Clone(e.Value)
		d.First = append(d.First, Row{e.First, value})
		for _, row := range e.Repeats {
			d.First = append(d.First, Row{row, value})
		}
		if limit > 0 && len(d.First) > 4*limit+1024 {
			d.cut(limit)
		}
		return nil
	})
	d.cut(limit)
	return d, err
}

func (d *Duplicates) cut(limit int) {
	slices.SortFunc(d.First, func(a, b Row) int { return cmp.Compare(a.Number, b.Number) })
	if limit >= 0 && len(d.First) > limit {
		d.First = d.First[:limit]
	}
}

// MostCommon returns the values that occur most often, in their order, as pandas' mode does, and how often that is. Of more than limit such values it returns the first limit in order; ties is how many there are.
func (s *State) MostCommon(limit int) (values []Entry, ties uint64, err error) {
	var most uint64
	err = s.tables(func(t *State) error {
		for _, e := range t.list {
			most = max(most, e.count)
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	err = s.Each(func(e Entry) error {
		if e.Count != most {
			return nil
		}
		ties++
		values = append(values, e.clone())
		if len(values) > 2*limit+1024 {
			values = s.least(values, limit)
		}
		return nil
	})
	return s.least(values, limit), ties, err
}

func (s *State) least(values []Entry, limit int) []Entry {
	slices.SortFunc(values, func(a, b Entry) int { return s.Compare(a.Value, b.Value) })
	return values[:min(limit, len(values))]
}

// Compare orders two values of the state's kind: numbers by size, bytes as bytes.
func (s *State) Compare(a, b []byte) int {
	x, y := Entry{Value: a}, Entry{Value: b}
	switch s.kind {
	case Int:
		return cmp.Compare(x.Int(), y.Int())
	case Uint:
		return cmp.Compare(x.Word(), y.Word())
	case Float:
		return cmp.Compare(x.Float(), y.Float())
	default:
		return bytes.Compare(a, b)
	}
}

// Relation is how a column's values lie to a set.
type Relation struct {
	Outside uint64   // how many distinct values are not in the set
	Some    []Entry  // some of these, in the order of their first rows: the first limit
	Missing [][]byte // the values of the set that the column has not, in the set's order
}

// Relate compares the distinct values with those of set, which has the same kind and is in memory.
func (s *State) Relate(set *State, limit int) (Relation, error) {
	var r Relation
	if set.kind != s.kind || len(set.files) > 0 {
		return r, fmt.Errorf("relate distinct values: the set is of kind %d, the column of kind %d, and the set must be in memory", set.kind, s.kind)
	}
	if err := set.settle(); err != nil {
		return r, err
	}
	seen := make([]bool, len(set.list))
	err := s.Each(func(e Entry) error {
		if at, found := set.find(e.Value, false); found {
			seen[at] = true
			return nil
		}
		r.Outside++
		if r.Some = append(r.Some, e.clone()); len(r.Some) > 2*limit+1024 {
			r.cut(limit)
		}
		return nil
	})
	r.cut(limit)
	for e, there := range seen {
		if !there {
			r.Missing = append(r.Missing, slices.Clone(set.value(e)))
		}
	}
	return r, err
}

func (r *Relation) cut(limit int) {
	slices.SortFunc(r.Some, func(a, b Entry) int { return cmp.Compare(a.First, b.First) })
	r.Some = r.Some[:min(limit, len(r.Some))]
}
