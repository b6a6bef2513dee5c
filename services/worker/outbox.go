package worker

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/held"
)

// maxOutcomes is how many outcomes travel in one message at most.
const maxOutcomes = 512

// outbox sends outcomes to routers, in batches as they come.
type outbox struct {
	member  *member
	wake    chan struct{}
	mu      sync.Mutex
	pending map[string][]*inferv1.Outcome
	closed  bool
}

func newOutbox(m *member) *outbox {
	return &outbox{member: m, wake: make(chan struct{}, 1), pending: map[string][]*inferv1.Outcome{}}
}

// put queues an outcome for every router that holds a ticket.
func (b *outbox) put(tickets []held.Ticket, o held.Outcome) {
	p := outcome(o)
	b.mu.Lock()
	for _, t := range tickets {
		if p.Number != 0 {
			p = proto.CloneOf(p)
		}
		p.Number = t.Number
		b.pending[t.Router] = append(b.pending[t.Router], p)
	}
	b.mu.Unlock()
	b.rouse()
}

func (b *outbox) rouse() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run publishes until close; what is queued then still leaves.
func (b *outbox) run() {
	for range b.wake {
		b.mu.Lock()
		pending, closed := b.pending, b.closed
		b.pending = map[string][]*inferv1.Outcome{}
		b.mu.Unlock()
		for router, outcomes := range pending {
			b.send(router, outcomes)
		}
		if closed {
			return
		}
	}
}

func (b *outbox) send(router string, outcomes []*inferv1.Outcome) {
	for len(outcomes) > 0 {
		n := min(len(outcomes), maxOutcomes)
		msg := &inferv1.Outcomes{Worker: b.member.name, Outcomes: outcomes[:n]}
		if err := b.member.bus.Publish(events.Outcomes.Lane, events.Outcomes.Name(router), "", msg); err != nil {
			b.member.log.Warn("outcomes not sent, reports will show it", "router", router, "outcomes", n, "error", err)
		}
		for _, o := range outcomes[:n] { // only now: a report that leaves them out must come after them
			b.member.table.Sent(held.Ticket{Router: router, Number: o.Number})
		}
		outcomes = outcomes[n:]
	}
}

func (b *outbox) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.rouse()
}

func outcome(o held.Outcome) *inferv1.Outcome {
	p := &inferv1.Outcome{
		Verdict: inferv1.Verdict(o.Verdict), FirstTokenNanos: int64(o.FirstToken), PrefillNanos: int64(o.Prefill),
		TotalNanos: int64(o.Total), Epoch: o.Epoch,
		Usage: &inferv1.Usage{
			UncachedInput: uint32(o.Usage.UncachedInput), CacheRead: uint32(o.Usage.CacheRead),
			CacheWrite: uint32(o.Usage.CacheWrite), Output: uint32(o.Usage.Output), Reasoning: uint32(o.Usage.Reasoning),
			Estimated: o.Usage.Estimated,
		},
	}
	if o.Error != nil {
		p.Error = errs.Proto(o.Error)
	}
	return p
}
