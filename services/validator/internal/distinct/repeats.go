package distinct

import (
	"iter"
	"slices"
)

// tidy puts the repeats from place from on, which put appended, into row order, and keeps as many as the options say.
func (s *State) tidy(from int) {
	added := s.repeats[from:]
	slices.SortFunc(added, func(a, b repeat) int {
		if a.row < b.row {
			return -1
		}
		return 1
	})
	if n := s.options.Repeats; n >= 0 && len(s.repeats) > n {
		s.repeats = s.repeats[:n]
	}
}

// entries yields the entries of the table with the rows that repeat each, in order; the slice is the caller's.
func (s *State) entries() iter.Seq2[int, []uint64] {
	starts := make([]uint32, 0)
	var rows []uint64
	if len(s.repeats) > 0 {
		starts = make([]uint32, len(s.list)+1)
		for _, r := range s.repeats {
			starts[r.entry+1]++
		}
		for i := range len(s.list) {
			starts[i+1] += starts[i]
		}
		rows = make([]uint64, len(s.repeats))
		next := slices.Clone(starts)
		for _, r := range s.repeats {
			rows[next[r.entry]] = r.row
			next[r.entry]++
		}
	}
	return func(yield func(int, []uint64) bool) {
		for e := range s.list {
			var own []uint64
			if rows != nil {
				own = rows[starts[e]:starts[e+1]:starts[e+1]]
			}
			if !yield(e, own) {
				return
			}
		}
	}
}
