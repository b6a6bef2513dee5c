package gateway

import (
	"strings"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// pong takes a worker's answer to a ping, and NATS's word that the worker is gone.
func (l *link) pong(m *nats.Msg) {
	worker := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
	if bus.NoResponders(m) {
		if l.settled() {
			l.lost(worker)
		}
		return
	}
	if worker == echoes {
		l.echoed(m)
		return
	}
	l.quiet.spoke(worker)
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
	if l.again(s, worker, nil) {
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
		l.takeBack(l.partition(s.Partition), ref)
	}
}

// takeBack takes a sequence out of a router's queue.
func (l *link) takeBack(part *partition, ref *inferv1.Ref) {
	call := &inferv1.Call{Call: &inferv1.Call_Withdraw{Withdraw: &inferv1.Withdraw{Gateway: l.g.id, Refs: []*inferv1.Ref{ref}}}}
	if err := l.bus.Publish(bus.Control, part.subject, "", call); err != nil {
		l.g.log.Warn("withdrawal not sent; the sequence's deadline ends it", "pool", part.pool, "error", err)
	}
}
