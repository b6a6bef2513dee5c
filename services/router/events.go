package router

import (
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	settings "github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/pkg/prefix"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/queue"
)

// subscribe opens what every router listens to, owner or not.
func (r *Router) subscribe() (stop func(), err error) {
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
		{events.Outcomes.Lane, events.Outcomes.Name(r.id), r.onOutcomes},
		{events.Undelivered.Lane, "nrs." + r.id + ".*.*", r.onUndelivered},
		{events.Reports.Lane, events.Reports.All(), r.onReport},
		{events.Takeovers.Lane, events.Takeovers.All(), r.owners.onTakeover},
		{events.Shares.Lane, events.Shares.All(), r.onShare},
	} {
		x, err := r.bus.Listen(s.lane, s.handle, s.subject)
		if err != nil {
			stop()
			return nil, err
		}
		listeners = append(listeners, x)
	}
	return stop, nil
}

// decode reads a message, or counts and logs that it cannot be read.
func (r *Router) decode(m *nats.Msg, into proto.Message) bool {
	err := proto.Unmarshal(m.Data, into)
	if err != nil {
		r.metrics.undecodable.Inc()
		r.log.Error("message not understood, dropped", "subject", m.Subject, "error", err)
	}
	return err == nil
}

// onCall takes in a gateway's call for one partition.
func (r *Router) onCall(p *pool, partition uint32) nats.MsgHandler {
	return func(m *nats.Msg) {
		call := &inferv1.Call{}
		if r.decode(m, call) {
			p.call(partition, call, m.Reply)
		}
	}
}

func (r *Router) onOutcomes(m *nats.Msg) {
	o := &inferv1.Outcomes{}
	if !r.decode(m, o) {
		return
	}
	if p := r.poolOf(o.GetWorker()); p != nil {
		p.outcomes(o)
	}
}

// onUndelivered takes NATS's word that nobody listens on a worker's subject.
func (r *Router) onUndelivered(m *nats.Msg) {
	tokens := strings.Split(m.Subject, ".")
	if !bus.NoResponders(m) || len(tokens) != 4 {
		return
	}
	number, err := strconv.ParseUint(tokens[3], 10, 64)
	if p := r.poolOf(tokens[2]); p != nil && err == nil {
		p.noResponder(tokens[2], number)
	}
}

func (r *Router) onReport(m *nats.Msg) {
	rep := &inferv1.Report{}
	if !r.decode(m, rep) || rep.GetWorker() == "" {
		return
	}
	if p := r.pool(rep.GetPool()); p != nil {
		r.setPoolOf(rep.GetWorker(), p)
		p.report(rep)
	}
}

// submission turns a Submit into the machine's form. The message is kept as the payload, without what only routers read.
func (r *Router) submission(s *inferv1.Submit, partition uint32, reply, pool string, now time.Time) dispatch.Submit {
	t := &ticket{submit: s, at: now}
	out := dispatch.Submit{
		Key: dispatch.Key{Gateway: s.GetGateway(), Sequence: s.GetSequence()}, Attempt: s.GetAttempt(), Partition: partition,
		Tenant: s.GetTenant(), Class: classOf(s.GetClass()), QueueTimeout: time.Duration(s.GetQueueTimeoutMs()) * time.Millisecond,
		PromptTokens: int(s.GetPromptTokens()), MaxTokens: int(s.GetMaxTokens()), Prefix: s.GetPrefix(), Avoid: s.GetAvoid(),
		Session: s.GetSession(), Overtakes: s.GetOvertakes(), Model: s.GetModel(),
		ReplyTo: reply, Payload: t, RequestID: s.GetRequestId(),
	}
	if e := s.GetFailed(); e != nil {
		out.Failed = e
	}
	if ms := s.GetDeadlineUnixMs(); ms > 0 {
		out.Deadline = time.UnixMilli(ms)
	}
	if ms := s.GetWakeUntilUnixMs(); ms > 0 {
		out.Wake = time.UnixMilli(ms)
	}
	// Both come from outside this process: what is longer than makes sense costs only its sender.
	out.Prefix, out.Avoid = out.Prefix[:min(len(out.Prefix), prefix.MaxBlocks)], out.Avoid[:min(len(out.Avoid), 32)]
	out.RequestID = out.RequestID[:min(len(out.RequestID), 128)]
	s.Prefix, s.Avoid, s.RequestId, s.Failed, s.Session, s.Overtakes, s.WakeUntilUnixMs, s.Model = nil, nil, "", nil, 0, 0, 0, ""
	if r.tracer != nil {
		r.startSpan(t, pool)
	}
	return out
}

func classOf(c inferv1.Class) queue.Class {
	switch c {
	case inferv1.Class_CLASS_HIGH:
		return queue.High
	case inferv1.Class_CLASS_BULK:
		return queue.Bulk
	}
	return queue.Normal
}

func refOf(gateway string, ref *inferv1.Ref) dispatch.Ref {
	return dispatch.Ref{Key: dispatch.Key{Gateway: gateway, Sequence: ref.GetSequence()}, Attempt: ref.GetAttempt()}
}

var verdicts = map[inferv1.Verdict]dispatch.Verdict{
	inferv1.Verdict_VERDICT_DONE: dispatch.Done, inferv1.Verdict_VERDICT_BROKEN: dispatch.Broken,
	inferv1.Verdict_VERDICT_RETRY: dispatch.Retry, inferv1.Verdict_VERDICT_FULL: dispatch.Full,
	inferv1.Verdict_VERDICT_HANDED_BACK: dispatch.HandedBack, inferv1.Verdict_VERDICT_FENCED: dispatch.Fenced,
	inferv1.Verdict_VERDICT_CANCELLED: dispatch.Cancelled,
}

// outcomeOf reads an outcome; a verdict that this release does not know ends the dispatch.
func outcomeOf(worker string, o *inferv1.Outcome) dispatch.Outcome {
	out := dispatch.Outcome{
		Worker: worker, Number: o.GetNumber(), Verdict: verdicts[o.GetVerdict()],
		Uncached: int(o.GetUsage().GetUncachedInput()), Cached: int(o.GetUsage().GetCacheRead()),
		Epoch: o.GetEpoch(), FirstToken: time.Duration(o.GetFirstTokenNanos()), Prefill: time.Duration(o.GetPrefillNanos()),
	}
	if e := o.GetError(); e != nil {
		out.Cause = e
		if out.Verdict == dispatch.Retry && e.GetCode() == string(dispatch.Overloaded) {
			out.Verdict, out.RetryAfter = dispatch.Limited, time.Duration(e.GetRetryAfterMs())*time.Millisecond
		}
	}
	return out
}

// states has what a worker may say; whatever it says beyond that counts as starting: it takes no work yet.
var states = map[inferv1.WorkerState]dispatch.State{
	inferv1.WorkerState_WORKER_STATE_READY: dispatch.Ready, inferv1.WorkerState_WORKER_STATE_UNHEALTHY: dispatch.Unhealthy,
	inferv1.WorkerState_WORKER_STATE_DRAINING: dispatch.Draining, inferv1.WorkerState_WORKER_STATE_GONE: dispatch.Gone,
	inferv1.WorkerState_WORKER_STATE_CORDONED: dispatch.Cordoned,
}

func reportOf(r *inferv1.Report, router string) dispatch.Report {
	out := dispatch.Report{
		Worker: r.GetWorker(), Number: r.GetNumber(), Started: r.GetStartedUnixNanos(), State: states[r.GetState()],
		Note: r.GetStateNote(), Slots: int(r.GetSlots()), Held: int(r.GetHeld()), QueuedTokens: int(r.GetQueuedTokens()),
		KVUse: r.GetKvUse(), PrefillRate: r.GetPrefillRate(), CachedTokens: r.GetCachedTokens(), OutputTokens: r.GetOutputTokens(),
		Running: int(r.GetRunning()), Steps: r.GetSteps(), Weight: int(min(r.GetWeight(), settings.MaxWeight)), Models: r.GetModels(),
	}
	for _, h := range r.GetHoldings() {
		if h.GetRouter() == router {
			out.Known, out.Highest, out.Numbers = true, h.GetHighest(), h.GetNumbers()
		}
	}
	return out
}
