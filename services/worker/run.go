package worker

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/frames"
	"github.com/leathq/leat/services/worker/internal/held"
)

// admit takes a dispatch and starts its sequence, or sends the outcome that says why not.
func (m *member) admit(d held.Dispatch, sub *inferv1.Submit) {
	var ctx context.Context
	now := time.Now()
	s, refusal := m.table.Admit(d, now, func(s *held.Sequence) {
		var stop context.CancelCauseFunc
		ctx, stop = context.WithCancelCause(m.life)
		s.Stop, s.Out = stop, m.sender.Open(m.spec(d, sub, now))
		m.working.Add(1) // here: once the table is closed the drain counts
	})
	switch {
	case s != nil:
		m.metrics.accepted.Inc()
		m.classify()
		m.wake()
		go func() {
			defer m.working.Done()
			m.work(ctx, s, sub)
		}()
	case refusal.Verdict != held.None:
		if refusal.Error == nil {
			refusal.Error = refusals[refusal.Verdict]
		}
		m.metrics.ended(refusal.Verdict)
		m.outbox.put([]held.Ticket{d.Ticket}, refusal)
	}
}

func (m *member) spec(d held.Dispatch, sub *inferv1.Submit, now time.Time) frames.Spec {
	spec := frames.Spec{Gateway: d.Gateway, Sequence: d.Sequence, Attempt: d.Attempt, Credit: sub.GetCredit()}
	if spec.Credit == 0 {
		spec.Credit = firstCredit
	}
	id := m.identity.get()
	spec.Start = frames.Start{Fingerprint: id.info.Fingerprint, ModelVersion: id.info.ModelVersion}
	if at := sub.GetSubmittedUnixNanos(); at > 0 {
		spec.Start.QueueNanos = max(0, now.UnixNano()-at)
	}
	return spec
}

// work runs one sequence to its end and books the outcome.
func (m *member) work(ctx context.Context, s *held.Sequence, sub *inferv1.Submit) {
	defer s.Stop(nil)
	span := m.span(&ctx, sub)
	err := m.safely(func() error { return m.generate(ctx, s, sub, span) })
	o := m.conclude(ctx, s, err)
	bytes := s.Out.Close()
	p := s.Out.Progress()
	span.end(o, p)
	m.metrics.ended(o.Verdict)
	m.metrics.vllm.finish(m.identity.get().names[0], o, p)
	m.outbox.put(m.table.End(s, o, bytes, time.Now()), o)
	m.classify()
}

// generate gets the request from where it lies and gives it to the engine.
func (m *member) generate(ctx context.Context, s *held.Sequence, sub *inferv1.Submit, span *span) error {
	if !s.Deadline.IsZero() && time.Now().After(s.Deadline) {
		return errDeadline
	}
	req, err := m.request(ctx, sub)
	if err != nil {
		return err
	}
	s.Request = req.GetRequestId()
	id := m.identity.get()
	adapter, ok := id.find(req.GetModel())
	if !ok {
		e := errs.New(errs.NotFound, "model_not_found", "Worker %s does not serve the model %q.", m.name, req.GetModel())
		if id.lacks(req.GetModel()) { // another worker of the pool may have the adapter
			return errRetry{e}
		}
		return e
	}
	r, err := engineRequest(req, id.info.Model)
	if err != nil {
		return err
	}
	if adapter != nil {
		r.Adapter = adapter.Name
		s.Out.Begin(frames.Start{Fingerprint: adapter.Fingerprint, ModelVersion: versionWith(id.info, *adapter)})
	}
	s.Out.Streamed(r.Stream)
	span.request(r)
	return m.engine.Generate(ctx, r, s.Out)
}

func (m *member) request(ctx context.Context, sub *inferv1.Submit) (*inferv1.Request, error) {
	req := new(inferv1.Request)
	if c := sub.GetClaim(); c != nil {
		switch err := m.bus.GetClaim(ctx, c, maxRequest, req); {
		case errors.Is(err, bus.ErrClaimGone):
			return nil, errs.New(errs.Unavailable, "request_lost", "The request's payload is gone from the object store. Send the request again.").Because(err)
		case err != nil:
			return nil, errRetry{errs.New(errs.Unavailable, "payload_unreachable", "The worker could not fetch the request's payload.").Because(err)}
		}
		return req, nil
	}
	if err := proto.Unmarshal(sub.GetBody(), req); err != nil {
		return nil, errs.New(errs.Invalid, "invalid_request", "The worker cannot read the request that its gateway sent.").Because(err)
	}
	return req, nil
}

// classify reports at once when the worker became full, or free again.
func (m *member) classify() {
	if _, room := m.table.Held(); m.room.Swap(room) != room {
		m.kick()
	}
}

// kick asks for a report now.
func (m *member) kick() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func stack() string { return string(debug.Stack()) }
