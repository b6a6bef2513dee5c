package child

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// scheduler runs sequences over one model: continuous batching with chunked prefill. Its turn method and everything
// that it calls belong to one goroutine, locked to the OS thread that loaded the model; submit, cancel, pause and
// resume are safe for concurrent use.
type scheduler struct {
	m     *native.Model
	gs    *grammars
	rules wire.Schedule
	chunk int
	emit  func(*wire.Step)

	context     int              // tokens that a slot may hold
	fingerprint string           // what its bits hold for
	lone        bool             // every sequence decodes in calls of its own
	between     func() error     // self-test while others run: gives them a turn
	sum         func() wire.Load // the load of all that share the machine

	slots      []slot
	waiting    []*sequence
	prefilling []*sequence // in order of arrival
	decoding   []*sequence // by slot: a split KV cache batches neighbours
	step       wire.Step   // what the turn in progress has to tell
	load       wire.Load
	clock      uint64
	rows       []native.Token
	picks      []pick
	cpus       int

	moves atomic.Uint64 // turns taken
	busy  atomic.Bool

	mu      sync.Mutex
	inbox   []func()
	calling []*sequence // whose prompts the native call in progress prefills
	wake    chan struct{}
}

// newScheduler makes a scheduler; m is nil where its context comes later.
func newScheduler(m *native.Model, gs *grammars, h *wire.Hello, emit func(*wire.Step)) *scheduler {
	return &scheduler{m: m, gs: gs, rules: h.Schedule, chunk: h.Chunk, emit: emit, slots: make([]slot, h.Slots),
		cpus: runtime.GOMAXPROCS(0), wake: make(chan struct{}, 1)}
}

// batchSize is the most tokens that one native call takes under h.
func batchSize(h *wire.Hello) int {
	if h.Schedule.Mixed {
		return h.Chunk + h.Slots
	}
	return max(h.Chunk, h.Slots)
}

func (s *scheduler) post(f func()) {
	s.mu.Lock()
	s.inbox = append(s.inbox, f)
	s.mu.Unlock()
	s.nudge()
}

// nudge wakes the scheduler's goroutine.
func (s *scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// idle tells that there are no sequences.
func (s *scheduler) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.inbox)+len(s.waiting)+len(s.prefilling)+len(s.decoding) == 0
}

// shut frees the context of an idle scheduler, with what it had cached.
func (s *scheduler) shut() {
	if s.m == nil {
		return
	}
	s.m.Close()
	s.m = nil
	clear(s.slots)
}

// submit queues a sequence.
func (s *scheduler) submit(q *sequence) {
	s.post(func() {
		s.waiting = append(s.waiting, q)
		s.load.QueuedTokens += len(q.prompt)
	})
}

// cancel drops a sequence, whose end the caller tells; one whose prompt a native call is prefilling right now stops that
// call.
func (s *scheduler) cancel(q *sequence) {
	q.cancelled.Store(true)
	s.mu.Lock()
	if slices.Contains(s.calling, q) {
		s.m.Abort(true)
	}
	s.mu.Unlock()
	s.post(func() {})
}

// pause leaves a sequence out of the coming steps, or takes it in again.
func (s *scheduler) pause(q *sequence, on bool) {
	s.post(func() { q.paused = on })
}

// call runs the batch in s.rows; prompts are the sequences whose cancel may abort it.
func (s *scheduler) call(prompts []*sequence) error {
	s.mu.Lock()
	s.calling = prompts
	s.m.Abort(slices.ContainsFunc(prompts, func(q *sequence) bool { return q.cancelled.Load() }))
	s.mu.Unlock()
	err := s.m.Decode(s.rows)
	s.mu.Lock()
	s.calling = nil
	s.m.Abort(false)
	s.mu.Unlock()
	return err
}

// turn does what is due: one decode step for all running sequences, then prompt tokens for about as long. It
// reports false when there is nothing to do until something arrives.
func (s *scheduler) turn() (bool, error) {
	s.moves.Add(1)
	s.drain()
	s.sweep()
	if s.rules.Mixed {
		return s.mixedStep()
	}
	decoded, err := s.decodeStep()
	if err != nil {
		return false, err
	}
	s.drain()
	s.sweep()
	n, err := s.prefillStep(s.room(decoded))
	return decoded+n > 0, err
}

func (s *scheduler) drain() {
	s.mu.Lock()
	inbox := s.inbox
	s.inbox = nil
	s.mu.Unlock()
	for _, f := range inbox {
		f()
	}
}

// sweep clears the slots of the sequences that were cancelled, and tells the load without them.
func (s *scheduler) sweep() {
	swept := false
	gone := func(q *sequence) bool {
		if !q.cancelled.Load() {
			return false
		}
		s.release(q)
		swept = true
		return true
	}
	s.waiting = slices.DeleteFunc(s.waiting, gone)
	s.prefilling = slices.DeleteFunc(s.prefilling, gone)
	s.decoding = slices.DeleteFunc(s.decoding, gone)
	if swept {
		s.flush(wire.StepNone, 0, 0)
	}
}

// release gives a sequence's slot back; its KV entries stay as prefix cache.
func (s *scheduler) release(q *sequence) {
	s.load.QueuedTokens -= max(q.left(), 0)
	if q.slot < 0 {
		return
	}
	s.clock++
	s.slots[q.slot].seq, s.slots[q.slot].used = nil, s.clock
}

func (s *scheduler) event(e wire.Event) { s.step.Events = append(s.step.Events, e) }

// flush sends what a step produced.
func (s *scheduler) flush(kind wire.StepKind, tokens int, elapsed time.Duration) {
	if kind != wire.StepNone {
		s.load.Steps++
		s.learn(kind, tokens, elapsed)
	}
	s.step.Kind, s.step.Tokens, s.step.Elapsed, s.step.Load = kind, tokens, elapsed, s.sum()
	s.emit(&s.step)
	clear(s.step.Events)
	s.step.Events = s.step.Events[:0]
}

// learn keeps running means of the two rates.
func (s *scheduler) learn(kind wire.StepKind, tokens int, elapsed time.Duration) {
	rate := float64(tokens) / max(elapsed.Seconds(), 1e-6)
	mean := &s.load.DecodeRate
	if kind != wire.StepDecode {
		mean = &s.load.PrefillRate
	}
	if *mean == 0 {
		*mean = rate
	} else {
		*mean += (rate - *mean) / 16
	}
}

func (s *scheduler) kvUse() float64 {
	n := 0
	for i := range s.slots {
		if s.slots[i].seq != nil {
			n += len(s.slots[i].tokens)
		}
	}
	return float64(n) / float64(len(s.slots)*s.context)
}

// take emits what a sequence has to show.
func (s *scheduler) take(q *sequence) {
	if d, ok := q.out.Take(); ok {
		s.event(wire.Event{ID: q.id, Delta: &d})
	}
}

// fail ends a sequence that cannot go on, by its own fault.
func (s *scheduler) fail(q *sequence, err error) {
	s.event(wire.Event{ID: q.id, End: true, Err: asEngineError(err)})
	s.release(q)
	s.decoding = slices.DeleteFunc(s.decoding, func(o *sequence) bool { return o == q })
}

// finish ends a sequence well.
func (s *scheduler) finish(q *sequence, why engine.FinishReason) {
	q.out.Finish()
	d, _ := q.out.Take()
	d.Finish = why
	q.close(&d, time.Now())
	s.event(wire.Event{ID: q.id, Delta: &d, End: true})
	s.release(q)
}
