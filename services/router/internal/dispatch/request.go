package dispatch

import (
	"fmt"
	"slices"
	"time"

	"github.com/leathq/leat/services/router/internal/queue"
)

// request is a sequence from its submission to its end.
type request struct {
	queue.Item[*request]
	Submit
	phase    phase
	avoid    []string
	retries  int
	worker   *worker // where it runs
	number   uint64
	expected int       // blocks of its prefix that worker should have cached
	uncached int       // prompt tokens that worker should have to prefill
	at       time.Time // when it arrived
	sentAt   time.Time
	left     time.Duration // of the time that it may wait, when it was sent

	probe     float64 // its worker has recovered if the first token comes in fewer seconds; 0: it is no probe
	oldPrefix bool    // worker had not been sent the expected blocks for long
}

type phase uint8

const (
	idle    phase = iota
	waiting       // in the queue
	again         // in retries
	running       // at a worker
)

// unknownTokens is charged for an answer whose length nobody bounds.
const unknownTokens = 256

// cost is what a sequence takes of its tenant's share: prompt and, at most 4,096, output tokens.
func (s *Submit) cost() int {
	out := s.MaxTokens
	if out == 0 {
		out = unknownTokens
	}
	return s.PromptTokens + min(out, 4096)
}

// Submit takes in an attempt of a sequence.
func (m *Machine) Submit(s Submit, now time.Time) {
	if old := m.calls[s.Key]; old != nil {
		if s.Attempt <= old.Attempt {
			return // repeated or late: the newest attempt stands
		}
		m.supersede(old, s.Avoid, now)
	}
	m.counts.Submitted++
	if s.Class != queue.Bulk {
		m.onlineAt = now
	}
	r := m.newRequest(s, now)
	if s.Overtakes != 0 {
		m.hedge(r, now)
		return
	}
	if !m.affordable(r, now) || r.refusal(m, now) {
		return
	}
	r.phase = waiting
	m.calls[s.Key] = r
	m.pump(now)
	if r.phase != running {
		m.act(Action{Kind: Queued, Call: r.call(), Ahead: max(m.Queued()-1, 0)})
	}
}

// affordable books a new attempt in the budget: as a request, or as the retry that it is. Where that is one too many, its
// gateway hears the error that it was made for.
func (m *Machine) affordable(r *request, now time.Time) bool {
	switch {
	case r.Failed == nil:
		m.budget.Request()
	case m.budget.Retry(now):
		m.counts.Retried++
	default:
		m.refuse(r, Refusal{Code: WorkerFailed, Message: fmt.Sprintf(
			"a worker of pool %s failed this request, and too many are tried again now: try again, and see the workers' logs", m.pool)})
		return false
	}
	return true
}

func (m *Machine) newRequest(s Submit, now time.Time) *request {
	var r *request
	if n := len(m.free); n > 0 {
		r, m.free = m.free[n-1], m.free[:n-1]
	} else {
		r = &request{}
	}
	if !s.Deadline.IsZero() && s.Wake.After(s.Deadline) {
		s.Wake = s.Deadline
	}
	r.Submit, r.avoid, r.at = s, append(r.avoid[:0], s.Avoid...), now
	r.Item = queue.Item[*request]{
		Class: s.Class, Tenant: s.Tenant, Cost: s.cost(), Due: s.Deadline, Expire: m.expiry(&s, now), Value: r,
	}
	return r
}

// expiry is when a request that begins to wait at now has waited too long.
func (m *Machine) expiry(s *Submit, now time.Time) time.Time {
	wait := s.QueueTimeout
	if wait <= 0 || wait > m.cfg.QueueTimeout {
		wait = m.cfg.QueueTimeout
	}
	at := now.Add(wait)
	if s.Wake.After(at) && m.Cold() {
		at = s.Wake
	}
	if s.Deadline.IsZero() || at.Before(s.Deadline) {
		return at
	}
	return s.Deadline
}

// refusal queues a new request, or refuses it and says so.
func (r *request) refusal(m *Machine, now time.Time) bool {
	if m.hopeless(now) && !m.trialFree(r.Model, now) && !m.wakes(r, now) {
		m.refuse(r, m.noWorker(now))
		return true
	}
	if m.missing(r.Model, now) && !m.trialFree(r.Model, now) {
		m.refuse(r, m.noModel(r.Model))
		return true
	}
	if wait := m.limited(r, now); wait > 0 {
		m.refuse(r, m.limitedAll(wait, nil))
		return true
	}
	err := m.queue.Push(&r.Item)
	if err == nil {
		return false
	}
	after := m.queue.RetryAfter(err, now)
	m.refuse(r, Refusal{Code: QueueFull, RetryAfter: after, Message: fmt.Sprintf(
		"the queue of pool %s is full (%d requests, %d tokens wait): try again in %.0f s",
		m.pool, m.queue.Len(), m.queue.Tokens(), after.Seconds())})
	return true
}

// supersede forgets an attempt because its gateway has started a newer one. Where the gateway says that the worker
// failed it, that counts as it does when the worker says so: one that hangs says nothing.
func (m *Machine) supersede(r *request, avoid []string, now time.Time) {
	if r.phase == running {
		w := r.worker
		tried := w.trial.number == r.number
		if !w.lost && slices.Contains(avoid, w.name) && (tried || !slices.Contains(r.avoid, w.name)) {
			m.failed(w, tried, now)
			r.avoid = append(r.avoid, w.name) // its outcome must not count once more
			if tried {
				w.trial = trial{}
			}
		}
		m.act(Action{Kind: Cancel, Worker: r.worker.name, Call: r.call()})
	}
	m.detach(r)
}

// Withdraw stops a sequence wherever it is. Attempt 0 means every attempt.
func (m *Machine) Withdraw(ref Ref, now time.Time) {
	r := m.calls[ref.Key]
	if r == nil || ref.Attempt != 0 && ref.Attempt < r.Attempt {
		return
	}
	m.counts.Withdrawn++
	if r.phase == running {
		// The worker's outcome frees the slot; until then it is held there.
		m.act(Action{Kind: Cancel, Worker: r.worker.name, Call: r.call()})
	}
	m.detach(r)
	m.pump(now)
}

// detach takes a request out of the books of its gateway. A running one stays in its worker's books, without a
// sequence, until the worker says that it ended.
func (m *Machine) detach(r *request) {
	delete(m.calls, r.Key)
	switch r.phase {
	case waiting:
		m.queue.Remove(&r.Item)
	case again:
		m.retries = slices.DeleteFunc(m.retries, func(o *request) bool { return o == r })
	case running:
		r.Payload, r.Prefix = nil, nil
		return
	}
	m.recycle(r)
}

// attached says whether somebody still waits for the request.
func (m *Machine) attached(r *request) bool { return m.calls[r.Key] == r }

// Probe says what became of an attempt.
func (m *Machine) Probe(ref Ref) Status {
	r := m.calls[ref.Key]
	switch {
	case r == nil:
		return Status{Worker: m.recent.worker(ref)}
	case r.Attempt != ref.Attempt:
		return Status{}
	case r.phase == running:
		return Status{Worker: r.worker.name}
	}
	return Status{Queued: true, Ahead: max(m.Queued()-1, 0)}
}

// Drop forgets the waiting sequences of a partition that has another owner now; their gateways find that out by
// probing. Running ones stay in the workers' books.
func (m *Machine) Drop(partition uint32) {
	for _, r := range m.calls {
		if r.Partition == partition {
			m.detach(r)
		}
	}
}

func (m *Machine) refuse(r *request, why Refusal) {
	m.counts.Refused++
	if why.Cause == nil {
		why.Cause = r.Failed
	}
	m.act(Action{Kind: Refuse, Call: r.call(), Refusal: why})
	m.recycle(r)
}

func (r *request) call() Call {
	return Call{Key: r.Key, Attempt: r.Attempt, Partition: r.Partition, ReplyTo: r.ReplyTo, Payload: r.Payload}
}

// recycle keeps an ended request for the next one.
func (m *Machine) recycle(r *request) {
	*r = request{avoid: r.avoid[:0]}
	if len(m.free) < 1024 {
		m.free = append(m.free, r)
	}
}
