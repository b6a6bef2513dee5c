package router

import (
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// reply answers the gateway on the subject that its submission named.
func (p *pool) reply(a *dispatch.Action, s *inferv1.Status) {
	s.Ref = &inferv1.Ref{Sequence: a.Call.Sequence, Attempt: a.Call.Attempt}
	p.answer(a.Call.ReplyTo, a.Call.Partition, s)
}

func (p *pool) answer(subject string, partition uint32, statuses ...*inferv1.Status) {
	if subject == "" {
		return
	}
	m := &inferv1.Reply{Router: p.r.id, Epoch: p.owned[partition].epoch, Statuses: statuses}
	if err := p.r.bus.Publish(events.Reply.Lane, subject, "", m); err != nil {
		// The gateway probes what stays silent.
		p.r.log.Warn("reply not sent", "subject", subject, "error", err)
	}
}

func (p *pool) answerProbe(partition uint32, probe *inferv1.Probe, reply string) {
	if known := probe.GetEpoch(); known > p.owned[partition].epoch {
		p.r.owners.fenced(p.name, partition, known) // it will not hear us
		return
	}
	statuses := make([]*inferv1.Status, 0, len(probe.GetRefs()))
	for _, ref := range probe.GetRefs() {
		out := &inferv1.Status{Ref: ref, State: &inferv1.Status_Unknown{Unknown: true}}
		switch st := p.m.Probe(refOf(probe.GetGateway(), ref)); {
		case st.Queued:
			out.State = &inferv1.Status_Queued{Queued: &inferv1.Queued{Ahead: uint32(st.Ahead)}}
		case st.Worker != "":
			out.State = &inferv1.Status_Worker{Worker: st.Worker}
		}
		statuses = append(statuses, out)
	}
	p.answer(reply, partition, statuses...)
}

// refusalOf renders a refusal; the worker's own error is passed on whole where there is one.
func refusalOf(f dispatch.Refusal) *inferv1.Error {
	if cause, ok := f.Cause.(*inferv1.Error); ok && cause != nil {
		if cause.RetryAfterMs == 0 {
			cause.RetryAfterMs = f.RetryAfter.Milliseconds()
		}
		return cause
	}
	kind := map[dispatch.Code]errs.Kind{
		dispatch.QueueFull: errs.RateLimited, dispatch.Overloaded: errs.RateLimited, dispatch.QueueTimeout: errs.Timeout, dispatch.TotalTimeout: errs.Timeout,
		dispatch.NoWorker: errs.Unavailable, dispatch.NoHedge: errs.Unavailable, dispatch.WorkerFailed: errs.Upstream,
	}[f.Code]
	return &inferv1.Error{
		Kind: kind.String(), Code: string(f.Code), Message: f.Message, RetryAfterMs: f.RetryAfter.Milliseconds(),
	}
}
