package distinct

import "github.com/leathq/leat/services/validator/internal/presence"

// rising is a column of integers of which every row so far holds one greater than the row before, as keys that are counted up do: all of them are different, and row i has
// word i. It takes 8 bytes a row and no look-up. What ends it, or asks for a table, has it settled into one, once.
type rising struct {
	words   []uint64
	settled bool // it was, or never could be
}

// rises takes rows whose values go on rising. Where they do not it takes none, and says so.
func rises[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](s *State, values []T, there presence.Mask) bool {
	r := &s.rising
	if r.settled || !there.All() && there.Count(len(values)) < len(values) || uint64(len(r.words)) != s.rows {
		return false
	}
	if len(values) == 0 {
		return true
	}
	up := len(r.words) == 0 || T(r.words[len(r.words)-1]) < values[0]
	for i := 1; i < len(values); i++ {
		up = up && values[i-1] < values[i]
	}
	if !up || s.memory()+int64(8*len(values)) > s.options.Bytes {
		return false
	}
	for _, v := range values {
		r.words = append(r.words, uint64(int64(v)))
	}
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
	s.count -= uint64(len(r.words)) // putWords counts them
	for from := 0; from < len(r.words); from += batch {
		if from%step == 0 {
			if err := s.bound(); err != nil {
				return err
			}
		}
		part := r.words[from:min(from+batch, len(r.words))]
		for i, w := range part {
			s.keys[i], s.at[i] = w, uint64(from+i)
		}
		s.putWords(len(part))
	}
	return nil
}

// follow takes in the state of the rows that come next where all rise, without looking at them one by one.
func (s *State) follow(next *State) bool {
	r, o := &s.rising, &next.rising
	if r.settled || o.settled || s.kind != next.kind || uint64(len(r.words)) != s.rows || uint64(len(o.words)) != next.rows {
		return false
	}
	if len(r.words) > 0 && len(o.words) > 0 {
		last, first := r.words[len(r.words)-1], o.words[0]
		if s.kind == Int && int64(last) >= int64(first) || s.kind == Uint && last >= first {
			return false
		}
	}
	if s.memory()+int64(8*len(o.words)) > s.options.Bytes {
		return false
	}
	r.words = append(r.words, o.words...)
	s.rows, s.count = s.rows+next.rows, s.count+next.count
	return true
}
