package held

import (
	"slices"
	"time"
)

// routerLife is how long a router without open dispatches is remembered.
const routerLife = time.Minute

// Hear notes that a gateway lives.
func (t *Table) Hear(gateway string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heard[gateway] = now
}

// HearAll gives every gateway its whole time again: this worker was deaf.
func (t *Table) HearAll(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for g := range t.heard {
		t.heard[g] = now
	}
}

// Due is what a sweep found.
type Due struct {
	Late   []*Sequence // their deadline is over
	Orphan []*Sequence // their gateway is silent
	Gone   []string    // silent gateways of which nothing runs any more; forgotten now
	Stuck  int         // sequences that were stopped long ago and still hold their slot
}

// Sweep finds what time has done, and forgets what nobody can ask after any more. A sequence is named once.
func (t *Table) Sweep(now time.Time, stuck time.Duration) Due {
	t.mu.Lock()
	defer t.mu.Unlock()
	var d Due
	silent := map[string]bool{}
	for g, at := range t.heard {
		if now.Sub(at) > t.limits.Silence {
			silent[g] = true
		}
	}
	for s := range t.active {
		_, orphan := silent[s.Gateway]
		if orphan {
			silent[s.Gateway] = false
		}
		switch {
		case !s.stopped.IsZero():
			if now.Sub(s.stopped) > stuck {
				d.Stuck++
			}
		case orphan:
			d.Orphan = append(d.Orphan, s)
			t.stopping(s, now)
		case !s.Deadline.IsZero() && now.After(s.Deadline):
			d.Late = append(d.Late, s)
			t.stopping(s, now)
		}
	}
	for g, idle := range silent {
		if idle {
			d.Gone = append(d.Gone, g)
			delete(t.heard, g)
		}
	}
	t.tidy(now, d.Gone)
	return d
}

func (t *Table) tidy(now time.Time, gone []string) {
	t.trim(now)
	if len(gone) > 0 {
		t.ended = slices.DeleteFunc(t.ended, func(s *Sequence) bool {
			if !slices.Contains(gone, s.Gateway) {
				return false
			}
			t.kept -= s.bytes
			t.unlink(s)
			return true
		})
	}
	t.cancels.expire(now)
	for r, b := range t.books {
		if len(b.open) == 0 && now.Sub(b.heard) > routerLife {
			delete(t.books, r)
		}
	}
}

// Stopping notes that a sequence is asked to stop; only the first time counts.
func (t *Table) Stopping(s *Sequence, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopping(s, now)
}
