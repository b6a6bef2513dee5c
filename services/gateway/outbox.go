package gateway

import (
	"strconv"
	"sync"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

const (
	// Silence is how long the gateway waits for a word before it asks.
	Silence = flight.Silence
	// flushEvery is how long small messages to one worker are gathered.
	flushEvery = 5 * time.Millisecond
	// sweepEvery is how often sequences are looked at; time-outs are exact to it.
	sweepEvery = 50 * time.Millisecond
)

// outbox gathers cancels, grants and resends per worker into few messages. Cancels and resends leave at once, grants
// within flushEvery. It is safe for concurrent use.
type outbox struct {
	mu      sync.Mutex
	grants  map[string][]*inferv1.Limit
	cancels map[string][]*inferv1.Ref
	resends map[string][]*inferv1.Expect
	wake    chan struct{}
	later   *time.Timer // wakes for grants
	armed   bool
}

func (o *outbox) init() {
	o.grants, o.cancels, o.resends = map[string][]*inferv1.Limit{}, map[string][]*inferv1.Ref{}, map[string][]*inferv1.Expect{}
	o.wake = make(chan struct{}, 1)
	o.later = time.AfterFunc(time.Hour, o.hurry)
	o.later.Stop()
}

func (o *outbox) cancel(worker string, ref *inferv1.Ref) {
	o.mu.Lock()
	o.cancels[worker] = append(o.cancels[worker], ref)
	o.mu.Unlock()
	o.hurry()
}

func (o *outbox) resend(worker string, e *inferv1.Expect) {
	o.mu.Lock()
	o.resends[worker] = append(o.resends[worker], e)
	o.mu.Unlock()
	o.hurry()
}

func (o *outbox) grant(worker string, l *inferv1.Limit) {
	o.mu.Lock()
	o.grants[worker] = append(o.grants[worker], l)
	arm := !o.armed
	o.armed = true
	o.mu.Unlock()
	if arm {
		o.later.Reset(flushEvery)
	}
}

func (o *outbox) hurry() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take empties the outbox. What is empty already stays where it is: others write to it.
func (o *outbox) take() (grants map[string][]*inferv1.Limit, cancels map[string][]*inferv1.Ref, resends map[string][]*inferv1.Expect) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.armed = false
	if len(o.grants) > 0 {
		grants, o.grants = o.grants, map[string][]*inferv1.Limit{}
	}
	if len(o.cancels) > 0 {
		cancels, o.cancels = o.cancels, map[string][]*inferv1.Ref{}
	}
	if len(o.resends) > 0 {
		resends, o.resends = o.resends, map[string][]*inferv1.Expect{}
	}
	return grants, cancels, resends
}

// flush sends what was gathered.
func (l *link) flush() {
	grants, cancels, resends := l.out.take()
	for worker, refs := range cancels {
		l.control(worker, "", &inferv1.Control{Control: &inferv1.Control_Cancel{Cancel: &inferv1.Cancel{Gateway: l.g.id, Refs: refs}}})
	}
	for worker, expects := range resends {
		l.control(worker, "", &inferv1.Control{Control: &inferv1.Control_Resend{Resend: &inferv1.Resend{Gateway: l.g.id, Expects: expects}}})
	}
	for worker, limits := range grants {
		l.control(worker, "", &inferv1.Control{Control: &inferv1.Control_Grant{Grant: &inferv1.Grant{Gateway: l.g.id, Limits: limits}}})
	}
}

func (l *link) control(worker, reply string, c *inferv1.Control) {
	if err := l.bus.Publish(bus.Control, events.Control.Name(worker), reply, c); err != nil {
		l.g.log.Warn("control message not sent", "worker", worker, "error", err)
	}
}

// flushLoop sends small messages until stop is closed, and what is left then.
func (l *link) flushLoop(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			l.flush()
			return
		case <-l.out.wake:
		}
		l.flush()
	}
}

// sweep looks at every sequence: ends those whose wait ran out, and asks after those that are silent, one message a
// partition and one a worker.
func (l *link) sweep() {
	now := l.now()
	probes, pings := map[int][]*inferv1.Ref{}, map[string][]*inferv1.Expect{}
	cold := l.cold(now)
	l.g.table.Each(func(s *flight.Sequence) {
		if cold[s.Partition] {
			s.Cold(now)
		}
		need := s.Check(now)
		if need == flight.Nothing {
			return
		}
		p := s.Where()
		switch need {
		case flight.AskRouter:
			probes[s.Partition] = append(probes[s.Partition], &inferv1.Ref{Sequence: s.ID, Attempt: p.Attempt})
		case flight.AskWorker:
			if l.quiet.asked(p.Worker, now) >= patience(p) {
				l.adrift(s, p.Worker)
				return
			}
			e := &inferv1.Expect{Ref: &inferv1.Ref{Sequence: s.ID, Attempt: p.BoundTo}, Next: p.Next}
			pings[p.Worker] = append(pings[p.Worker], e)
			// A grant that was lost would stall it for ever; limits are absolute, so repeating one does no harm.
			l.out.grant(p.Worker, &inferv1.Limit{Ref: e.Ref, Below: p.Granted})
		case flight.Overtaken:
			l.overtake(s)
		default:
			l.g.expire(s, need)
		}
	})
	for idx, refs := range probes {
		part := l.partition(idx)
		call := &inferv1.Call{Call: &inferv1.Call_Probe{Probe: &inferv1.Probe{Gateway: l.g.id, Refs: refs, Epoch: part.known()}}}
		if err := l.bus.Publish(bus.Control, part.subject, events.Reply.Name(l.g.id, "p"+strconv.Itoa(idx)), call); err != nil {
			l.g.log.Warn("probe not sent; asked again soon", "pool", part.pool, "error", err)
		}
	}
	for worker, expects := range pings {
		c := &inferv1.Control{Control: &inferv1.Control_Ping{Ping: &inferv1.Ping{Gateway: l.g.id, Expects: expects}}}
		l.control(worker, events.Pongs.Name(l.g.id, worker), c)
	}
	if len(pings) > 0 {
		l.echo(now)
	}
}

// expire ends a sequence whose wait ran out, naming the wait.
func (g *Gateway) expire(s *flight.Sequence, need flight.Need) {
	if g.link.conceded(s) {
		return // the other one of a race has the same limits
	}
	var err *errs.Error
	switch need {
	case flight.NoConnect:
		err = errs.New(errs.Unavailable, "no_router",
			"No router took the request within the connect time-out. Operator: start one with `leat router --nats URL`.")
	case flight.NoFirstToken:
		err = errs.New(errs.Timeout, "first_token_timeout",
			"No first token came within the first-token time-out. Send a shorter prompt or try later; operator: pools.<pool>.timeouts.first_token.")
	case flight.NoToken:
		err = errs.New(errs.Timeout, "idle_timeout",
			"The worker sent no further token within the idle time-out. Send the request again; operator: pools.<pool>.timeouts.idle.")
	case flight.NoTime:
		err = errs.New(errs.Timeout, "total_timeout",
			"The answer did not end within the total time-out. Ask for fewer tokens or raise x-leat-timeout; operator: pools.<pool>.timeouts.total.")
	case flight.NoReader:
		err = tooSlow()
	default:
		err = errs.New(errs.Upstream, "stream_gap",
			"A part of the answer was lost on the way and could not be sent again. Send the request again.")
	}
	if s.Fail(err) {
		g.metrics.timeouts.WithLabelValues(err.Code).Inc()
		g.link.withdraw(s)
	}
}

func tooSlow() *errs.Error {
	return errs.New(errs.Timeout, "slow_client",
		"The client took nothing of its stream for too long and was cut. Read faster; operator: gateway.slow_client.")
}
