package flight

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/pkg/errs"
)

// Waits are a sequence's limits. Total is counted from its creation, FirstToken from there, or from when Cold was said last, to the first delta, Idle
// between deltas while the reader has room, Slow while the reader takes nothing.
type Waits struct {
	Connect, FirstToken, Idle, Total, Slow time.Duration
}

// Sequence is one prompt on its way to one choice. All methods are safe for concurrent use.
type Sequence struct {
	ID        uint64
	Partition int    // the gateway's own number of the pool partition
	Payload   any    // what is submitted again after a loss; set before the first call, dropped when the reader takes a delta
	Wake      func() // called, never under the lock, whenever Take would return something new

	waits  Waits
	window uint32

	mu       sync.Mutex
	attempt  uint32 // of the last submission
	avoid    []string
	worker   string // that runs it, bound or as the router told
	bound    bool   // the first delta has come
	boundTo  uint32 // its attempt
	next     uint32 // index of the delta that is missing
	consumed uint32 // deltas that the reader took
	granted  uint32 // deltas that the worker may send
	pending  []Delta
	over     bool // the end is in pending or was taken, or the sequence failed
	err      *errs.Error

	created, submitted, heard, delta, asked, gap, stuck, cold time.Duration
	queued, taken                                             bool
	unknown                                                   int  // how often in a row its worker did not know it
	failed                                                    bool // a worker's error has been kept from the reader

	race      atomic.Pointer[race] // with another sequence for the same choice; nil: none
	hedgeIn   time.Duration        // when another one is to overtake it, from hedgeFrom; 0: not
	hedgeFrom time.Duration        // when it was given to a worker, as far as is known
	waited    bool                 // in a router's queue, or for another attempt
	watch     Watch                // nil: nobody wants to know
}

// New makes a sequence that is about to be submitted for the first time. window is how many deltas a worker may send
// beyond what the reader took.
func New(id uint64, partition int, window uint32, w Waits, now time.Duration) *Sequence {
	return &Sequence{
		ID: id, Partition: partition, waits: w, window: window, granted: window, attempt: 1,
		created: now, submitted: now, heard: now, delta: now, asked: now,
	}
}

// Verdict says what became of a delta.
type Verdict uint8

// The verdicts.
const (
	Kept      Verdict = iota // in order, handed to the reader
	Duplicate                // seen before
	Gap                      // something before it is missing; ask for a resend
	Waiting                  // something before it is missing and was asked for already
	Stray                    // of another worker or attempt: cancel it there
	Late                     // the sequence is over
	Won                      // as Kept, and the sequence has won its race: the other one is to be taken back
	Failed                   // it would end an answer of which the reader has nothing: run it elsewhere, or deliver it again
)

// Deliver takes a delta from a worker's attempt. The first one binds the sequence to both. The verdict Failed comes at most
// once a sequence.
func (s *Sequence) Deliver(worker string, attempt uint32, d Delta, now time.Duration) Verdict {
	v := s.deliver(worker, attempt, d, now)
	if v == Kept || v == Won {
		s.Wake()
	}
	return v
}

func (s *Sequence) deliver(worker string, attempt uint32, d Delta, now time.Duration) Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound && (worker != s.worker || attempt != s.boundTo) {
		return Stray
	}
	if s.over {
		return Late
	}
	if !s.bound {
		if d.Index > 0 && attempt != s.attempt {
			return Stray // the middle of an attempt that was given up
		}
		if attempt < s.attempt && slices.Contains(s.avoid, worker) {
			return Stray // of the worker that it was taken from: it has been told to stop
		}
		s.bound, s.boundTo, s.worker = true, attempt, worker
	}
	s.heard, s.unknown = now, 0
	switch {
	case d.Index < s.next:
		return Duplicate
	case d.Index > s.next && s.gap > 0:
		return Waiting
	case d.Index > s.next:
		s.gap = now
		return Gap
	}
	s.gap = 0
	if d.End != nil && d.End.Retry && s.consumed == 0 && (!s.failed || s.Rival() != nil) {
		s.failed = true
		return Failed
	}
	v := Kept
	if s.next == 0 {
		if v = s.begins(now); v == Stray {
			return v
		}
	}
	s.next++
	s.delta = now
	s.pending = append(s.pending, d)
	s.over = d.End != nil
	return v
}

// begins is what the first delta means: the end of a race, and a time for the books. The caller holds the lock.
func (s *Sequence) begins(now time.Duration) Verdict {
	v := Kept
	if r := s.race.Load(); r != nil {
		switch first, is := r.win(s); {
		case first:
			v = Won
		case !is:
			s.over = true
			return Stray
		}
	}
	if s.watch != nil && !s.waited {
		s.watch.First(now - s.created)
	}
	return v
}

// Take hands over what has come. It appends to dst; grant is a new limit to send to the worker where it is above 0.
// After the last delta, or a failure, over is true; err is set where the sequence failed.
func (s *Sequence) Take(dst []Delta, now time.Duration) (out []Delta, grant uint32, over bool, err *errs.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out = append(dst, s.pending...)
	s.consumed += uint32(len(s.pending))
	if len(s.pending) > 0 {
		s.Payload = nil
		clear(s.pending)
		s.pending = s.pending[:0]
		if cap(s.pending) > 64 {
			s.pending = nil
		}
		s.stuck = 0
	}
	if !s.over && s.granted-s.consumed <= s.window/2 {
		if s.granted == s.consumed {
			s.delta = now // it was paused until now: idle time starts here
		}
		s.granted = s.consumed + s.window
		grant = s.granted
	}
	return out, grant, s.over, s.err
}

// Fail ends the sequence with an error that its reader will see, unless it is over already.
func (s *Sequence) Fail(err *errs.Error) bool {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return false
	}
	s.over, s.err = true, err
	s.mu.Unlock()
	s.Wake()
	return true
}

// Place is where a sequence is believed to be.
type Place struct {
	Attempt uint32 // to name to a router
	Worker  string // empty where unknown
	BoundTo uint32 // attempt to name to the worker
	Next    uint32 // index of the delta that is missing
	Granted uint32 // deltas that the worker may send
	Bound   bool
	Taken   bool // the reader has some of it: it cannot be run anew
	Over    bool
}

// Where says where the sequence is believed to be.
func (s *Sequence) Where() Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place()
}

func (s *Sequence) place() Place {
	p := Place{Attempt: s.attempt, Worker: s.worker, BoundTo: s.boundTo, Next: s.next, Granted: s.granted, Bound: s.bound, Taken: s.consumed > 0, Over: s.over}
	if !s.bound {
		p.BoundTo = s.attempt
	}
	return p
}

// Queued notes that a router has it in its queue.
func (s *Sequence) Queued(attempt uint32, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if attempt == s.attempt {
		s.queued, s.taken, s.heard, s.waited = true, true, now, true
	}
}

// Dispatched notes the worker that a router gave it to.
func (s *Sequence) Dispatched(attempt uint32, worker string, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if attempt == s.attempt && !s.bound {
		if s.worker != worker {
			s.unknown = 0
		}
		if s.queued {
			s.hedgeFrom = now
		}
		s.worker, s.queued, s.taken, s.heard = worker, false, true, now
	}
}

// Again starts the next attempt where the reader has nothing yet: it returns its number, the workers to avoid and the
// payload, or false where that is too late. What has come and was not taken is forgotten. lost is the worker that was
// lost with it, or empty.
func (s *Sequence) Again(lost string, now time.Duration) (attempt uint32, avoid []string, payload any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.consumed > 0 || s.bound && s.next > 0 && lost == "" {
		return 0, nil, nil, false
	}
	if lost != "" {
		s.avoid = append(s.avoid, lost)
	}
	s.attempt++
	s.worker, s.bound, s.queued, s.taken, s.unknown, s.gap = "", false, false, false, 0, 0
	s.granted, s.next, s.pending, s.stuck = s.window, 0, nil, 0
	s.submitted, s.heard, s.asked = now, now, now
	s.hedgeFrom, s.waited = now, true
	return s.attempt, slices.Clone(s.avoid), s.Payload, true
}

// Unknown notes that the worker believed to run it has never heard of it. It reports true when that is settled: said
// twice in a row, since a question may overtake a dispatch.
func (s *Sequence) Unknown(worker string, attempt uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.worker != worker || s.place().BoundTo != attempt {
		return false
	}
	s.unknown++
	return s.unknown >= 2
}
