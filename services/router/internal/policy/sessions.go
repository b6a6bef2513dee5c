package policy

import (
	"container/list"
	"time"
)

// Sessions remembers at which worker sessions are placed, and how many each has. It is bounded in number and forgets
// sessions that have not been used for a while. It is not safe for concurrent use.
type Sessions struct {
	most   int
	idle   time.Duration
	at     map[uint64]*list.Element
	byUse  list.List // of *placed, the newest first
	counts map[string]int
}

type placed struct {
	session uint64
	worker  string
	used    time.Time
}

// NewSessions remembers at most so many sessions, each until it has not been used for idle. Both must be above 0. A
// session takes about 150 bytes.
func NewSessions(most int, idle time.Duration) *Sessions {
	return &Sessions{most: most, idle: idle, at: map[uint64]*list.Element{}, counts: map[string]int{}}
}

// Home is the worker at which a session is placed, or empty. It counts as a use.
func (s *Sessions) Home(session uint64, now time.Time) string {
	s.expire(now)
	e := s.at[session]
	if e == nil {
		return ""
	}
	p := e.Value.(*placed)
	p.used = now
	s.byUse.MoveToFront(e)
	return p.worker
}

// Place puts a session at a worker, wherever it was before.
func (s *Sessions) Place(session uint64, worker string, now time.Time) {
	s.forget(s.at[session])
	if s.byUse.Len() >= s.most {
		s.forget(s.byUse.Back())
	}
	s.at[session] = s.byUse.PushFront(&placed{session, worker, now})
	s.counts[worker]++
}

// Count is how many sessions are placed at a worker.
func (s *Sessions) Count(worker string) int { return s.counts[worker] }

func (s *Sessions) expire(now time.Time) {
	for e := s.byUse.Back(); e != nil && now.Sub(e.Value.(*placed).used) > s.idle; e = s.byUse.Back() {
		s.forget(e)
	}
}

func (s *Sessions) forget(e *list.Element) {
	if e == nil {
		return
	}
	p := s.byUse.Remove(e).(*placed)
	delete(s.at, p.session)
	if s.counts[p.worker]--; s.counts[p.worker] == 0 {
		delete(s.counts, p.worker)
	}
}
