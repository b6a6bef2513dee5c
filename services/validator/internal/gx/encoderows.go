package gx

import "github.com/leathq/leat/services/validator/internal/codec"

func (s *rowPart) encode(a *codec.Append) error {
	a.Int(s.Elements)
	a.Int(s.Considered)
	a.Int(s.Unexpected)
	a.Bytes([]byte(s.Error))
	a.Uint(uint64(len(s.Indexes)))
	before := int64(0)
	for _, at := range s.Indexes {
		a.Int(at - before)
		before = at
	}
	for _, table := range [][][]any{s.Values, s.Keys, s.Rows} {
		a.Uint(uint64(len(table)))
		for _, row := range table {
			appendCells(a, row)
		}
	}
	return nil
}

func (s *rowPart) decode(r *codec.Reader) error {
	s.Elements, s.Considered, s.Unexpected = count(r), count(r), count(r)
	s.Error = string(r.Bytes())
	s.Indexes = make([]int64, r.Count(1))
	before := int64(0)
	for i := range s.Indexes {
		before += r.Int()
		s.Indexes[i] = before
	}
	c := s.check
	s.Values = readTable(r, len(c.columns))
	s.Keys = readTable(r, len(c.columns)+len(c.index))
	s.Rows = readTable(r, c.width)
	if s.check.format.IncludeRows && len(s.Rows) != len(s.Values) || len(c.index) > 0 && len(s.Keys) != len(s.Indexes) {
		r.Fail("a part lists %d values, %d rows, %d indexes and %d keys", len(s.Values), len(s.Rows), len(s.Indexes), len(s.Keys))
	}
	return nil
}

// readTable reads rows of width cells.
func readTable(r *codec.Reader, width int) [][]any {
	out := make([][]any, r.Count(1))
	for i := range out {
		if out[i] = readCells(r); len(out[i]) != width {
			r.Fail("a row of %d cells where there are %d columns", len(out[i]), width)
			return nil
		}
	}
	return out
}

func (s *sequence) encode(a *codec.Append) error {
	appendCells(a, []any{s.First, s.Last})
	a.Int(s.FirstRow)
	appendCells(a, s.FirstKeys)
	appendCells(a, s.FirstAll)
	return s.rowPart.encode(a)
}

func (s *sequence) decode(r *codec.Reader) error {
	ends := readCells(r)
	if len(ends) != 2 {
		r.Fail("a sequence with %d ends", len(ends))
		return nil
	}
	s.First, s.Last, s.FirstRow = ends[0], ends[1], r.Int()
	s.FirstKeys, s.FirstAll = readCells(r), readCells(r)
	return s.rowPart.decode(r)
}

func (s *spread) encode(a *codec.Append) error {
	if err := s.counts.encode(a); err != nil {
		return err
	}
	s.extra.encode(a)
	if err := writeState(a, s.sums); err != nil {
		return err
	}
	if err := writeState(a, s.ranks); err != nil {
		return err
	}
	return writeState(a, s.column)
}

func (s *spread) decode(r *codec.Reader) error {
	if err := s.counts.decode(r); err != nil {
		return err
	}
	s.extra.decode(r)
	if err := readState(r, s.sums); err != nil {
		return err
	}
	if err := readState(r, s.ranks); err != nil {
		return err
	}
	return readState(r, s.column)
}
