package gx

import "slices"

// listed is the part with failing rows that became known at the end only: their numbers in any order, their values, and
// what else a result shows of them.
func (s rowPart) listed(rows []int64, values map[int64][]any, more map[int64]extra) *rowPart {
	slices.Sort(rows)
	f := s.check.format
	s.Unexpected = int64(len(rows))
	for i, row := range rows {
		if n := f.indexes(); n < 0 || i < n {
			s.Indexes = append(s.Indexes, row)
			if len(s.check.index) > 0 {
				s.Keys = append(s.Keys, more[row].Keys)
			}
		}
		if i < f.values() {
			s.Values = append(s.Values, values[row])
			if f.IncludeRows {
				s.Rows = append(s.Rows, more[row].Row)
			}
		}
	}
	return &s
}
