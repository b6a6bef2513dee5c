package flight

import (
	"sync"
	"time"
)

// race is two sequences that run for one choice: the first to yield a delta is it. A sequence that fails before gives up as
// long as the other may still yield one, so that only the last one's failure is the choice's. Where both sequence and race
// are locked, the sequence is first.
type race struct {
	mu        sync.Mutex
	pair      [2]*Sequence // the first, and the one that is to overtake it
	won       *Sequence    // nil while it is open
	out       *Sequence    // gave up
	abandoned bool         // nobody wants either
}

func (r *race) other(s *Sequence) *Sequence {
	if r.pair[0] == s {
		return r.pair[1]
	}
	return r.pair[0]
}

// win says whether a sequence that has its first delta is the choice's.
func (r *race) win(s *Sequence) (first, is bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.won == nil && !r.abandoned && r.out != s {
		r.won = s
		return true, true
	}
	return false, r.won == s
}

// Overtake makes a sequence that races with s, and returns what s was submitted with; nil where s has begun or is over. Its
// limits are s's, counted from where s's are. The caller gives it its Payload before anybody else knows it.
func (s *Sequence) Overtake(id uint64, now time.Duration) (rival *Sequence, payload any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.next > 0 || s.race.Load() != nil {
		return nil, nil
	}
	rival = New(id, s.Partition, s.window, s.waits, now)
	rival.Wake, rival.created, rival.watch, rival.waited = s.Wake, s.created, s.watch, s.waited
	r := &race{pair: [2]*Sequence{s, rival}}
	rival.race.Store(r)
	s.race.Store(r)
	return rival, s.Payload
}

// Runs is the sequence that the choice is by now: s, or the one that has overtaken it.
func (s *Sequence) Runs() *Sequence {
	r := s.race.Load()
	if r == nil {
		return s
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.won != nil:
		return r.won
	case r.out == s:
		return r.other(s)
	}
	return s
}

// Rival is the other sequence of a race that is open, or nil.
func (s *Sequence) Rival() *Sequence {
	r := s.race.Load()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.won != nil || r.out != nil {
		return nil
	}
	return r.other(s)
}

// Loser is the other sequence of a race that s has won, or nil.
func (s *Sequence) Loser() *Sequence {
	r := s.race.Load()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.won != s || r.out != nil {
		return nil
	}
	return r.other(s)
}

// GiveUp takes a sequence out of an open race; false: it is not in one, or the last in it, and what befalls it befalls the
// choice.
func (s *Sequence) GiveUp() bool {
	r := s.race.Load()
	if r == nil {
		return false
	}
	r.mu.Lock()
	left := r.won == nil && r.out == nil || r.out == s || r.won != nil && r.won != s
	if r.won == nil && r.out == nil {
		r.out = s
	}
	other := r.other(s)
	r.mu.Unlock()
	if !left {
		return false
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	other.Wake() // its reader may have looked at s
	return true
}

// Close ends a sequence that nobody wants any more; what runs beside it is returned, ended as well.
func (s *Sequence) Close() (rival *Sequence) {
	s.mu.Lock()
	s.over = true
	r := s.race.Load()
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	r.abandoned = true
	if other := r.other(s); r.won != s && r.out != other {
		rival = other
	}
	r.mu.Unlock()
	if rival != nil {
		rival.mu.Lock()
		rival.over = true
		rival.mu.Unlock()
	}
	return rival
}

// Raced says how a race in which s is or was ended for the sequence that came second: "" where there was none.
func (s *Sequence) Raced() string {
	r := s.race.Load()
	if r == nil {
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch first, second := r.pair[0], r.pair[1]; {
	case r.out == second:
		return "refused"
	case r.won == second, r.out == first:
		return "won"
	case r.won == first:
		return "lost"
	}
	return "open"
}

// Hedge lets Check return Overtaken once, when the first delta has not come within after since the sequence was given to a
// worker; 0 is never. Call it before the sequence is submitted.
func (s *Sequence) Hedge(after time.Duration, w Watch) {
	s.hedgeIn, s.hedgeFrom, s.watch = after, s.created, w
}

// Watch is told how long the first delta took, unless the sequence has waited in a queue. It is called under the lock.
type Watch interface {
	First(took time.Duration)
}

// Watch is what Hedge was given, or nil.
func (s *Sequence) Watch() Watch { return s.watch }

// late says, once, that the first delta is late. The caller holds the lock.
func (s *Sequence) late(now time.Duration) bool {
	if s.hedgeIn == 0 || s.next > 0 || s.queued || now-s.hedgeFrom < s.hedgeIn {
		return false
	}
	s.hedgeIn = 0
	return true
}
