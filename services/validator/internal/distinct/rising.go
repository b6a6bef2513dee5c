package distinct

import (
	"slices"

	"github.com/leathq/leat/services/validator/internal/presence"
)

// rising is a column of integers of which every row so far holds one greater than the row before, as keys that are counted up do: all of them are different, and row i has
// word i. It takes 8 bytes a row, none for rows at the beginning that count up by one, and no look-up. What ends it, or asks for a table, has it settled into one, once.
type rising struct {
	base, counted uint64     // the first rows: base, base+1 …
	chunks        [][]uint64 // the others: of chunk words, but the last
	n             int
	last          uint64
	settled       bool // it was, or never could be
}

// chunk is how many words lie together: growing copies none.
const chunk = 1 << 13

// add takes the next words.
func (r *rising) add(words []uint64) {
	if r.n == 0 && len(words) > 0 {
		r.base = words[0]
	}
	k := 0
	for k < len(words) && words[k] == r.base+r.counted+uint64(k) { // behind a gap all are larger
		k++
	}
	r.counted, r.n, words = r.counted+uint64(k), r.n+k, words[k:]
	for len(words) > 0 {
		if last := len(r.chunks) - 1; last < 0 || len(r.chunks[last]) == chunk {
			r.chunks = append(r.chunks, make([]uint64, 0, chunk))
		}
		own := &r.chunks[len(r.chunks)-1]
		k := min(chunk-len(*own), len(words))
		*own = append(*own, words[:k]...)
		r.n, words = r.n+k, words[k:]
	}
}

// each yields all words in order, at most batch of them at a time; they are valid until the next. keep says whether they are wanted after that.
func (r *rising) each(keep bool, yield func(words []uint64) error) error {
	var some [batch]uint64
	for at := uint64(0); at < r.counted; at += batch {
		n := min(batch, r.counted-at)
		for i := range n {
			some[i] = r.base + at + i
		}
		if err := yield(some[:n]); err != nil {
			return err
		}
	}
	for k, words := range r.chunks {
		for part := range slices.Chunk(words, batch) {
			if err := yield(part); err != nil {
				return err
			}
		}
		if !keep {
			r.chunks[k] = nil
		}
	}
	return nil
}

func (r *rising) memory() int64 { return int64(8 * chunk * len(r.chunks)) }

// rises takes rows whose values go on rising. Where they do not it takes none, and says so.
func rises[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](s *State, values []T, there presence.Mask) bool {
	r := &s.rising
	if r.settled || !there.All() && there.Count(len(values)) < len(values) || uint64(r.n) != s.rows {
		return false
	}
	if len(values) == 0 {
		return true
	}
	up := r.n == 0 || T(r.last) < values[0]
	for i := 1; i < len(values); i++ {
		up = up && values[i-1] < values[i]
	}
	if !up || s.memory()+int64(8*len(values)) > s.options.Bytes {
		return false
	}
	var words [batch]uint64
	for from := 0; from < len(values); from += batch {
		part := values[from:min(from+batch, len(values))]
		for i, v := range part {
			words[i] = uint64(int64(v))
		}
		r.add(words[:len(part)])
	}
	r.last = uint64(int64(values[len(values)-1]))
	s.rows += uint64(len(values))
	s.count += uint64(len(values))
	return true
}

// settle puts what rose into the table.
func (s *State) settle() error {
	r := s.rising
	if r.settled {
		return nil
	}
	s.rising = rising{settled: true}
	s.count -= uint64(r.n) // putWords counts them
	row := uint64(0)
	return r.each(false, func(words []uint64) error {
		if err := s.bound(); err != nil {
			return err
		}
		for i, w := range words {
			s.keys[i], s.at[i] = w, row
			row++
		}
		s.putWords(len(words))
		return nil
	})
}

// follow takes in the state of the rows that come next where all rise, without looking at them one by one.
func (s *State) follow(next *State) bool {
	r, o := &s.rising, &next.rising
	if r.settled || o.settled || s.kind != next.kind || uint64(r.n) != s.rows || uint64(o.n) != next.rows {
		return false
	}
	if r.n > 0 && o.n > 0 {
		if first := o.base; s.kind == Int && int64(r.last) >= int64(first) || s.kind == Uint && r.last >= first {
			return false
		}
	}
	if s.memory()+o.memory() > s.options.Bytes {
		return false
	}
	_ = o.each(true, func(words []uint64) error { r.add(words); return nil }) // it yields no error of its own
	if o.n > 0 {
		r.last = o.last
	}
	s.rows, s.count = s.rows+next.rows, s.count+next.count
	return true
}
