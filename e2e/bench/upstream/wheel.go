package upstream

import (
	"sync"
	"time"
)

// tick is the wheel's step: how much too late a token may leave on an idle machine.
const tick = time.Millisecond

// slots is one turn of the wheel; streams due later wait for further turns.
const slots = 4096

// wheel wakes streams at their times: one goroutine and one sleep for all of them (hashed timing wheel, Varghese and
// Lauck 1987).
type wheel struct {
	server *Server
	start  time.Time
	wake   chan struct{}

	mu      sync.Mutex
	slot    [slots][]*stream
	waiting int
	now     int64 // the tick that was last served
	over    bool
}

func newWheel(s *Server) *wheel {
	return &wheel{server: s, start: time.Now(), wake: make(chan struct{}, 1)}
}

// add puts a stream where its due time says. Past times are served with the next tick. After stop nobody would serve it,
// and it ends at once.
func (w *wheel) add(st *stream) {
	if !w.plan(st) {
		st.end(true)
	}
}

func (w *wheel) plan(st *stream) bool {
	at := int64((st.due.Sub(w.start) + tick - 1) / tick)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	if w.waiting == 0 {
		w.now = max(w.now, int64(time.Since(w.start)/tick)-1) // nobody waited, so skip the empty ticks
		w.kick()
	}
	st.at = max(at, w.now+1)
	w.slot[st.at%slots] = append(w.slot[st.at%slots], st)
	w.waiting++
	return true
}

func (w *wheel) kick() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *wheel) stop() {
	w.mu.Lock()
	w.over = true
	w.kick()
	w.mu.Unlock()
}

// turn serves ticks until stop.
func (w *wheel) turn() {
	var due []*stream
	for {
		w.mu.Lock()
		waiting, over, next := w.waiting, w.over, w.now+1
		w.mu.Unlock()
		if over {
			w.release()
			return
		}
		if waiting == 0 {
			<-w.wake
			continue
		}
		sleepUntil(w.start.Add(time.Duration(next) * tick))
		due = w.take(due[:0], next)
		for i, st := range due {
			st.fire()
			due[i] = nil
		}
	}
}

// take removes the streams that are due at a tick.
func (w *wheel) take(due []*stream, at int64) []*stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = at
	slot := w.slot[at%slots]
	later := slot[:0]
	for _, st := range slot {
		if st.at > at {
			later = append(later, st)
		} else {
			due = append(due, st)
		}
	}
	clear(slot[len(later):])
	w.slot[at%slots] = later
	w.waiting -= len(due)
	return due
}

// release ends all streams that still wait.
func (w *wheel) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.slot {
		for _, st := range w.slot[i] {
			st.end(true)
		}
		w.slot[i] = nil
	}
}
