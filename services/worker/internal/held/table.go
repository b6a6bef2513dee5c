package held

import (
	"sync"
	"time"
)

// Limits bound a table.
type Limits struct {
	Slots     int           // sequences held at once
	Keep      time.Duration // how long an ended sequence can be asked after
	KeepBytes int           // bytes of all ended sequences' outputs
	Silence   time.Duration // after which a gateway is gone
}

// Table holds a worker's sequences. All methods are safe for concurrent use.
type Table struct {
	mu      sync.Mutex
	limits  Limits
	closed  Verdict // not None: nothing is taken, and this is the answer
	active  map[*Sequence]struct{}
	byKey   map[Key]*Sequence // the newest attempt by key with Attempt 0
	epochs  map[place]uint64
	books   map[string]*book
	cancels cancels
	heard   map[string]time.Time // gateways
	ended   []*Sequence          // in order of ending
	kept    int                  // bytes of ended
}

type place struct {
	pool      string
	partition uint32
}

// New makes an empty table.
func New(l Limits) *Table {
	return &Table{
		limits: l, active: map[*Sequence]struct{}{}, byKey: map[Key]*Sequence{}, epochs: map[place]uint64{},
		books: map[string]*book{}, cancels: cancels{at: map[Key]time.Time{}}, heard: map[string]time.Time{},
	}
}

// Admit decides on a dispatch. A sequence is returned where it is new and taken: prepare has set its Out and Stop, and
// the caller runs it and calls End. A verdict other than None is the outcome to send to d.Ticket; with neither, the
// dispatch only repeats what is known. prepare must not call the table.
func (t *Table) Admit(d Dispatch, now time.Time, prepare func(*Sequence)) (*Sequence, Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.books[d.Router]
	if b == nil {
		b = &book{open: map[uint64]struct{}{}}
		t.books[d.Router] = b
	}
	fresh := b.arrive(d.Number, now)
	known := t.find(d.Key)
	switch {
	case known != nil && !known.ended.IsZero():
		return nil, known.outcome
	case known != nil:
		if fresh {
			known.tickets = append(known.tickets, d.Ticket)
		}
		return nil, Outcome{}
	case !fresh:
		return nil, Outcome{}
	}
	if v := t.refuse(d, now); v != None {
		o := Outcome{Verdict: v}
		if v == Fenced {
			o.Epoch = t.epochs[place{d.Pool, d.Partition}]
		}
		return nil, o
	}
	s := &Sequence{Dispatch: d, Accepted: now, tickets: []Ticket{d.Ticket}}
	prepare(s)
	t.active[s] = struct{}{}
	any := Key{Gateway: d.Gateway, Sequence: d.Sequence}
	s.sibling = t.byKey[any]
	t.byKey[any] = s
	if _, ok := t.heard[d.Gateway]; !ok {
		t.heard[d.Gateway] = now
	}
	return s, Outcome{}
}

func (t *Table) refuse(d Dispatch, now time.Time) Verdict {
	p := place{d.Pool, d.Partition}
	if d.Epoch < t.epochs[p] {
		return Fenced
	}
	t.epochs[p] = d.Epoch
	switch {
	case t.cancels.has(d.Key, now):
		return Cancelled
	case t.closed != None:
		return t.closed
	case len(t.active) >= t.limits.Slots:
		return Full
	}
	return None
}

// find returns the sequence of an exact key, active or ended.
func (t *Table) find(k Key) *Sequence {
	for s := t.byKey[Key{Gateway: k.Gateway, Sequence: k.Sequence}]; s != nil; s = s.sibling {
		if s.Attempt == k.Attempt {
			return s
		}
	}
	return nil
}

// Find returns a sequence that is active, or ended not long ago and has said so: a cancelled one told its gateway nothing.
func (t *Table) Find(k Key) (*Sequence, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(k)
	if s == nil || !s.ended.IsZero() && s.outcome.Verdict == Cancelled {
		return nil, false
	}
	return s, true
}

// Cancel stops the sequences of a key with a cause and remembers the key for dispatches that come late. Ended ones are
// forgotten. It returns those that run.
func (t *Table) Cancel(k Key, now time.Time) (running []*Sequence) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := false
	for s := t.byKey[Key{Gateway: k.Gateway, Sequence: k.Sequence}]; s != nil; s = s.sibling {
		if k.Attempt != 0 && s.Attempt != k.Attempt {
			continue
		}
		known = true
		if s.ended.IsZero() {
			t.stopping(s, now)
			running = append(running, s)
		}
	}
	if !known || k.Attempt == 0 {
		t.cancels.add(k, now)
	}
	return running
}

func (t *Table) stopping(s *Sequence, now time.Time) {
	if s.stopped.IsZero() {
		s.stopped = now
	}
}

// End books the outcome of a sequence and frees its slot. bytes is what its output keeps. It returns the tickets that
// the outcome is for; they stay in the router's holdings until Sent.
func (t *Table) End(s *Sequence, o Outcome, bytes int, now time.Time) []Ticket {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.active, s)
	s.ended, s.outcome, s.bytes = now, o, bytes
	switch o.Verdict {
	case Retry, HandedBack, Full, Fenced:
		t.unlink(s) // it may come again and is then run anew
	default:
		t.ended = append(t.ended, s)
		t.kept += bytes
		t.trim(now)
	}
	return s.tickets
}

// Sent says that the outcome of a ticket is on its way.
func (t *Table) Sent(k Ticket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.books[k.Router]; b != nil {
		delete(b.open, k.Number)
	}
}

func (t *Table) trim(now time.Time) {
	n := 0
	for n < len(t.ended) && (t.kept > t.limits.KeepBytes || now.Sub(t.ended[n].ended) >= t.limits.Keep) {
		t.kept -= t.ended[n].bytes
		t.unlink(t.ended[n])
		t.ended[n] = nil
		n++
	}
	t.ended = t.ended[n:]
}

func (t *Table) unlink(s *Sequence) {
	any := Key{Gateway: s.Gateway, Sequence: s.Sequence}
	if t.byKey[any] == s {
		if s.sibling == nil {
			delete(t.byKey, any)
		} else {
			t.byKey[any] = s.sibling
		}
		return
	}
	for at := t.byKey[any]; at != nil; at = at.sibling {
		if at.sibling == s {
			at.sibling = s.sibling
			return
		}
	}
}

// Close makes the table refuse every further dispatch with a verdict; None opens it again.
func (t *Table) Close(v Verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = v
}

// Resize changes the number of slots. Sequences above it run on.
func (t *Table) Resize(slots int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits.Slots = slots
}
