package gateway

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// partition is a share of a pool's requests with one owner.
type partition struct {
	index   int
	pool    string
	number  int
	subject string
	mu      sync.Mutex
	epoch   uint64 // the highest that a router has shown
	claim   bool   // a takeover is under way
	orphans map[uint64]*flight.Sequence
}

// link speaks to routers and workers over the bus. Its handlers run in subscription callbacks and never block.
type link struct {
	g    *Gateway
	bus  *bus.Bus
	base time.Time

	mu    sync.Mutex
	parts map[string]*partition // by subject
	byIdx []*partition

	back atomic.Int64 // when the connection was last back, of now(); 0: it was never lost

	out outbox
}

// settling is how long after a reconnect nobody's absence means anything: others take their time to come back.
const settling = 2 * time.Second

func newLink(g *Gateway) *link {
	return &link{g: g, bus: g.deps.Bus, base: time.Now(), parts: map[string]*partition{}}
}

// now is monotonic time since the link was made; above 0, since 0 means never.
func (l *link) now() time.Duration { return time.Since(l.base) + time.Nanosecond }

// subscribe opens everything that arrives at a gateway.
func (l *link) subscribe() (stop func(), err error) {
	var subs []*nats.Subscription
	stop = func() {
		for _, s := range subs {
			_ = s.Unsubscribe() // fails only on a closed connection
		}
	}
	for _, s := range []struct {
		lane    bus.Lane
		subject string
		handle  nats.MsgHandler
	}{
		{bus.Tokens, events.Frames.Name(l.g.id), l.frame},
		{bus.Control, events.Reply.Name(l.g.id, "*"), l.reply},
		{bus.Control, events.Pongs.Name(l.g.id, "*"), l.pong},
		{bus.Control, events.Reports.All(), l.report},
	} {
		sub, err := l.bus.Subscribe(s.lane, s.subject, s.handle)
		if err != nil {
			stop()
			return nil, err
		}
		subs = append(subs, sub)
	}
	l.bus.OnReconnect(func() {
		l.back.Store(int64(l.now()))
		l.g.table.Each((*flight.Sequence).Hurry)
	})
	return stop, nil
}

// frame takes tokens from a worker to their sequences.
func (l *link) frame(m *nats.Msg) {
	now := l.now()
	err := readFrame(m.Data, func(worker string, a arrival) {
		s := l.g.table.Get(a.sequence)
		if s == nil {
			if a.delta.End == nil { // somebody still works for nothing
				l.out.cancel(worker, &inferv1.Ref{Sequence: a.sequence, Attempt: a.attempt})
			}
			return
		}
		switch s.Deliver(worker, a.attempt, a.delta, now) {
		case flight.Gap:
			l.g.metrics.gaps.Inc()
			l.out.resend(worker, &inferv1.Expect{Ref: &inferv1.Ref{Sequence: a.sequence, Attempt: a.attempt}, Next: s.Where().Next})
		case flight.Stray:
			if a.delta.End == nil {
				l.out.cancel(worker, &inferv1.Ref{Sequence: a.sequence, Attempt: a.attempt})
			}
		}
	})
	if err != nil {
		l.g.metrics.undecodable.Inc()
		l.g.log.Error("frame not understood, dropped; its sequences will ask again", "error", err)
	}
}

func (l *link) report(m *nats.Msg) {
	r := &inferv1.Report{}
	if err := proto.Unmarshal(m.Data, r); err != nil {
		l.g.metrics.undecodable.Inc()
		l.g.log.Error("report not understood, dropped", "subject", m.Subject, "error", err)
		return
	}
	if l.g.directory.report(r, l.now()) {
		go l.describe(r.GetWorker())
	}
}

// describe asks a worker what it serves.
func (l *link) describe(worker string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	p := &inferv1.Description{}
	ask := &inferv1.Control{Control: &inferv1.Control_Describe{Describe: &inferv1.Describe{}}}
	if err := l.bus.Request(ctx, events.Control.Name(worker), ask, p); err != nil {
		l.g.log.Warn("worker did not describe itself; asked again with its next report", "worker", worker, "error", err)
		return
	}
	l.g.directory.describe(p, l.now())
}

// partitionOf is the partition of a tenant's requests to a pool.
func (l *link) partitionOf(pool string, number int) *partition {
	subject := events.Infer.Name(pool, strconv.Itoa(number))
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.parts[subject]
	if p == nil {
		p = &partition{index: len(l.byIdx), pool: pool, number: number, subject: subject, orphans: map[uint64]*flight.Sequence{}}
		l.parts[subject] = p
		l.byIdx = append(l.byIdx, p)
	}
	return p
}

func (l *link) partition(index int) *partition {
	l.mu.Lock()
	defer l.mu.Unlock()
	if index < 0 || index >= len(l.byIdx) {
		return nil
	}
	return l.byIdx[index]
}

// submit sends a sequence's current attempt to its partition's owner.
func (l *link) submit(p *partition, sub *inferv1.Submit) {
	call := &inferv1.Call{Call: &inferv1.Call_Submit{Submit: sub}}
	reply := events.Reply.Name(l.g.id, strconv.FormatUint(sub.GetSequence(), 16))
	if err := l.bus.Publish(bus.Control, p.subject, reply, call); err != nil {
		l.g.log.Warn("submission not sent; it is tried again", "pool", p.pool, "error", err)
	}
}

// again starts the next attempt of a sequence that has had nothing yet; it reports false where that is too late.
func (l *link) again(s *flight.Sequence, lost string) bool {
	sub, ok := s.Payload.(*inferv1.Submit)
	if !ok {
		return false
	}
	attempt, avoid, ok := s.Again(lost, l.now())
	if !ok {
		return false
	}
	l.g.metrics.resubmitted.Inc()
	next := &inferv1.Submit{}
	proto.Merge(next, &inferv1.Submit{
		Gateway: sub.GetGateway(), Sequence: sub.GetSequence(), Tenant: sub.GetTenant(), Class: sub.GetClass(),
		DeadlineUnixMs: sub.GetDeadlineUnixMs(), QueueTimeoutMs: sub.GetQueueTimeoutMs(), PromptTokens: sub.GetPromptTokens(),
		MaxTokens: sub.GetMaxTokens(), Prefix: sub.GetPrefix(), SubmittedUnixNanos: sub.GetSubmittedUnixNanos(),
		Traceparent: sub.GetTraceparent(), Credit: sub.GetCredit(), Claim: sub.GetClaim(),
	})
	next.Body, next.Attempt, next.Avoid = sub.GetBody(), attempt, avoid
	l.submit(l.partition(s.Partition), next)
	return true
}

// reply takes what a router says of sequences, and NATS's word that there is no router.
func (l *link) reply(m *nats.Msg) {
	token := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	if bus.NoResponders(m) {
		l.unowned(token)
		return
	}
	r := &inferv1.Reply{}
	if err := proto.Unmarshal(m.Data, r); err != nil {
		l.g.metrics.undecodable.Inc()
		l.g.log.Error("router's reply not understood, dropped", "error", err)
		return
	}
	for _, st := range r.GetStatuses() {
		if s := l.g.table.Get(st.GetRef().GetSequence()); s != nil && l.current(s, r.GetEpoch()) {
			l.status(s, st)
		}
	}
}

// current tells the owner's word from that of an owner of old.
func (l *link) current(s *flight.Sequence, epoch uint64) bool {
	p := l.partition(s.Partition)
	p.mu.Lock()
	defer p.mu.Unlock()
	if epoch < p.epoch {
		return false
	}
	p.epoch = epoch
	return true
}

func (l *link) status(s *flight.Sequence, st *inferv1.Status) {
	attempt := st.GetRef().GetAttempt()
	place := s.Where()
	switch state := st.GetState().(type) {
	case *inferv1.Status_Queued:
		s.Queued(attempt, l.now())
	case *inferv1.Status_Worker:
		s.Dispatched(attempt, state.Worker, l.now())
	case *inferv1.Status_Refused:
		if attempt == place.Attempt && !place.Bound {
			s.Fail(errs.FromProto(state.Refused))
		}
	case *inferv1.Status_Unknown:
		if attempt == place.Attempt && !place.Bound && place.Worker == "" {
			l.again(s, "")
		}
	}
}

// unowned handles a call that found no router: a submission (the token is its sequence) or a probe ("p" and the
// partition's index). The partition must be claimed first.
func (l *link) unowned(token string) {
	if idx, ok := strings.CutPrefix(token, "p"); ok {
		n, err := strconv.Atoi(idx)
		if p := l.partition(n); err == nil && p != nil {
			l.orphan(p, nil)
		}
		return
	}
	id, err := strconv.ParseUint(token, 16, 64)
	if err != nil {
		return
	}
	if s := l.g.table.Get(id); s != nil {
		l.orphan(l.partition(s.Partition), s)
	}
}

// orphan notes a sequence of a partition without an owner and has the partition claimed.
func (l *link) orphan(p *partition, s *flight.Sequence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s != nil {
		p.orphans[s.ID] = s
	}
	if !p.claim {
		p.claim = true
		go l.takeover(p)
	}
}

// takeover asks the routers to claim a partition until one owns it, then submits again what found nobody. Sequences
// that wait for longer than their connect time-out are ended by their own check.
func (l *link) takeover(p *partition) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	subject := events.Takeovers.Name(p.pool, strconv.Itoa(p.number))
	owner := &inferv1.Owner{}
	for ctx.Err() == nil {
		try, done := context.WithTimeout(ctx, Silence)
		err := l.bus.Request(try, subject, &inferv1.Takeover{Gateway: l.g.id}, owner)
		done()
		if err == nil || !l.wanted(p) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	p.mu.Lock()
	orphans := p.orphans
	p.orphans, p.claim = map[uint64]*flight.Sequence{}, false
	p.mu.Unlock()
	for _, s := range orphans {
		l.again(s, "")
	}
	l.g.table.Each(func(s *flight.Sequence) { // those that the last owner took with it: ask the new one now
		if place := s.Where(); s.Partition == p.index && orphans[s.ID] == nil && !place.Bound && place.Worker == "" {
			s.Hurry()
		}
	})
}

// wanted reports whether a partition has sequences that still wait for an owner.
func (l *link) wanted(p *partition) bool {
	found := false
	l.g.table.Each(func(s *flight.Sequence) {
		if !found && s.Partition == p.index {
			place := s.Where()
			found = !place.Over && !place.Bound
		}
	})
	return found
}

// pong takes a worker's answer to a ping, and NATS's word that the worker is gone.
func (l *link) pong(m *nats.Msg) {
	worker := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	if bus.NoResponders(m) {
		if back := time.Duration(l.back.Load()); back == 0 || l.now()-back > settling {
			l.lost(worker)
		}
		return
	}
	p := &inferv1.Pong{}
	if err := proto.Unmarshal(m.Data, p); err != nil {
		l.g.metrics.undecodable.Inc()
		l.g.log.Error("worker's pong not understood, dropped", "worker", worker, "error", err)
		return
	}
	for _, ref := range p.GetUnknown() {
		if s := l.g.table.Get(ref.GetSequence()); s != nil && s.Unknown(worker, ref.GetAttempt()) {
			l.adrift(s, worker)
		}
	}
}

// lost handles a worker that is gone: all that it ran is adrift.
func (l *link) lost(worker string) {
	l.g.log.Warn("worker is gone", "worker", worker)
	l.g.table.Each(func(s *flight.Sequence) {
		if p := s.Where(); p.Worker == worker && !p.Over {
			l.adrift(s, worker)
		}
	})
}

// adrift moves a sequence whose worker does not run it any more, or ends it where tokens were delivered already.
func (l *link) adrift(s *flight.Sequence, worker string) {
	// Should it run there after all, it must not hold a slot for nobody.
	l.out.cancel(worker, &inferv1.Ref{Sequence: s.ID, Attempt: s.Where().BoundTo})
	if l.again(s, worker) {
		return
	}
	l.g.metrics.lost.Inc()
	s.Fail(errs.New(errs.Upstream, "worker_lost",
		"The worker %s stopped in the middle of this answer. Send the request again.", worker))
}

// withdraw takes sequences back wherever they are.
func (l *link) withdraw(s *flight.Sequence) {
	p := s.Where()
	ref := &inferv1.Ref{Sequence: s.ID, Attempt: p.BoundTo}
	if p.Worker != "" {
		l.out.cancel(p.Worker, ref)
	}
	if !p.Bound {
		part := l.partition(s.Partition)
		call := &inferv1.Call{Call: &inferv1.Call_Withdraw{Withdraw: &inferv1.Withdraw{Gateway: l.g.id, Refs: []*inferv1.Ref{ref}}}}
		if err := l.bus.Publish(bus.Control, part.subject, "", call); err != nil {
			l.g.log.Warn("withdrawal not sent; the sequence's deadline ends it", "pool", part.pool, "error", err)
		}
	}
}

func (l *link) heartbeat() error {
	return l.bus.Publish(bus.Control, events.Heartbeats.Name(l.g.id), "", &inferv1.Heartbeat{Gateway: l.g.id})
}

// ask puts a question about tokens to any worker of a pool.
func (l *link) ask(ctx context.Context, pool string, q *inferv1.Ask) (*inferv1.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if size := proto.Size(q); l.bus.TooLarge(size) {
		data, err := proto.Marshal(q)
		if err != nil {
			return nil, fmt.Errorf("encode question: %w", err)
		}
		claim, err := l.bus.PutClaim(ctx, data)
		if err != nil {
			return nil, fmt.Errorf("hand over question: %w", err)
		}
		q = &inferv1.Ask{Model: q.GetModel(), Claim: claim}
		defer func() { go l.drop([]*inferv1.Claim{claim}) }()
	}
	a := &inferv1.Answer{}
	if err := l.bus.Request(ctx, events.Asks.Name(pool), q, a); err != nil {
		return nil, errs.New(errs.Unavailable, "no_worker", "No worker of pool %s answered. Operator: look at `leat status`.", pool).Because(err)
	}
	if c := a.GetClaim(); c != nil {
		if err := l.bus.GetClaim(ctx, c, 1<<30, a); err != nil {
			return nil, fmt.Errorf("fetch answer: %w", err)
		}
		go l.drop([]*inferv1.Claim{c})
	}
	if a.GetError() != nil {
		return nil, errs.FromProto(a.GetError())
	}
	return a, nil
}

// drop deletes payloads that nobody needs any more. What it cannot delete expires by itself.
func (l *link) drop(claims []*inferv1.Claim) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, c := range claims {
		if err := l.bus.DropClaim(ctx, c); err != nil {
			l.g.log.Warn("claim not deleted; it expires by itself", "object", c.GetObject(), "error", err)
		}
	}
}
