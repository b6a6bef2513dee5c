package gateway

import (
	"context"
	"math"
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
	sleeps  bool // its pool may
	mu      sync.Mutex
	epoch   uint64 // the highest that a router has shown
	claim   bool   // a takeover is under way
	orphans map[uint64]*flight.Sequence
}

// link speaks to routers and workers over the bus. Its handlers run where the connection is read and never block.
type link struct {
	g    *Gateway
	bus  *bus.Bus
	base time.Time

	mu    sync.Mutex
	parts map[string]*partition // by subject
	byIdx []*partition

	back atomic.Int64 // when the connection was last back, of now(); 0: it was never lost; away: it is not back

	out   outbox
	peers peers
	quiet silence
}

// settling is how long after a reconnect nobody's absence means anything: others take their time to come back.
const settling = 2 * time.Second

// away is the time at which a lost connection is back. NATS's answers to what was published meanwhile, that nobody listens, may be here before it is told
// that the connection is.
const away = math.MaxInt64

func newLink(g *Gateway) *link {
	return &link{g: g, bus: g.deps.Bus, base: time.Now(), parts: map[string]*partition{}}
}

// now is monotonic time since the link was made; above 0, since 0 means never.
func (l *link) now() time.Duration { return time.Since(l.base) + time.Nanosecond }

// settled says whether NATS's word that nobody listens means anything.
func (l *link) settled() bool {
	back := time.Duration(l.back.Load())
	return back == 0 || l.now()-back > settling
}

// subscribe opens everything that arrives at a gateway.
func (l *link) subscribe() (stop func(), err error) {
	var listeners []*bus.Listener
	stop = func() {
		for _, l := range listeners {
			l.Stop()
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
		{bus.Control, events.Heartbeats.All(), l.heartbeatOf},
	} {
		x, err := l.bus.Listen(s.lane, s.handle, s.subject)
		if err != nil {
			stop()
			return nil, err
		}
		listeners = append(listeners, x)
	}
	l.bus.OnDisconnect(func() { l.back.Store(away) })
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
		l.quiet.spoke(worker)
		s := l.g.table.Get(a.sequence)
		if s == nil {
			if a.delta.End == nil { // somebody still works for nothing
				l.out.cancel(worker, &inferv1.Ref{Sequence: a.sequence, Attempt: a.attempt})
			}
			return
		}
		switch s.Deliver(worker, a.attempt, a.delta, now) {
		case flight.Won:
			l.outrun(s)
		case flight.Failed:
			if !l.again(s, worker, a.delta.End.Err) { // the reader was faster
				s.Deliver(worker, a.attempt, a.delta, now)
			}
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
		p = &partition{index: len(l.byIdx), pool: pool, number: number, subject: subject, sleeps: l.g.sleeps(pool), orphans: map[uint64]*flight.Sequence{}}
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

// again starts the next attempt of a sequence of which nothing was read yet; it reports false where that is too late.
// lost is the worker that it is taken from, failed the error with which that one has ended it, if it has.
func (l *link) again(s *flight.Sequence, lost string, failed *errs.Error) bool {
	if l.conceded(s) {
		return true
	}
	attempt, avoid, payload, ok := s.Again(lost, l.now())
	if !ok {
		return false
	}
	sub := payload.(*inferv1.Submit) // there until the reader takes something
	l.g.metrics.resubmitted.Inc()
	next := afresh(sub)
	next.Attempt, next.Avoid = attempt, avoid
	if failed != nil {
		next.Failed = errs.Proto(failed)
	}
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

// known is the highest epoch that a router has shown.
func (p *partition) known() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch
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
			l.refused(s, errs.FromProto(state.Refused))
		}
	case *inferv1.Status_Unknown:
		if attempt == place.Attempt && !place.Bound && place.Worker == "" {
			l.again(s, "", nil)
		}
	}
}

// refused ends a sequence that a router refused. One that was only to overtake another, which is gone by now, runs as any.
func (l *link) refused(s *flight.Sequence, why *errs.Error) {
	switch {
	case l.conceded(s):
	case why.Code == "no_hedge":
		l.again(s, "", nil)
	default:
		s.Fail(why)
	}
}

func (l *link) heartbeat() error {
	return l.bus.Publish(bus.Control, events.Heartbeats.Name(l.g.id), "", &inferv1.Heartbeat{Gateway: l.g.id})
}
