package router

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// pool is one pool's machine and what carries out its actions. Every method locks mu for its whole length: inputs come
// from several subscriptions, and dispatches to one worker must leave in the order of their numbers. Publishing
// writes to the connection at once, or leaves it to who is writing.
type pool struct {
	r    *Router
	name string

	mu       sync.Mutex
	m        *dispatch.Machine
	owned    map[uint32]tenure // partitions that this router owns
	reports  map[string]*inferv1.Report
	seen     map[string]bool // workers that have reported
	born     time.Time
	subjects map[string]string // work subject by worker
	dispatch inferv1.Dispatch  // reused
	waits    prometheus.Observer
	sizing   sizing
}

// forgetPool is how long a pool is kept at least; the machine remembers each of its workers for ten minutes.
const forgetPool = 10 * time.Minute

// tenure is the ownership of a partition, as far as it is known to last.
type tenure struct {
	epoch uint64
	until time.Time
}

// ticket is what the machine carries for a sequence: the wire message, and the span of its time in the queue.
type ticket struct {
	submit *inferv1.Submit
	span   trace.Span // nil where there is no tracing, and after the first dispatch
	at     time.Time
}

func newPool(r *Router, name string) (*pool, error) {
	m, err := r.cfg.machine(name, time.Now())
	if err != nil {
		return nil, err
	}
	return &pool{
		r: r, name: name, m: m, owned: map[uint32]tenure{},
		reports: map[string]*inferv1.Report{}, subjects: map[string]string{}, seen: map[string]bool{}, born: time.Now(),
		waits: r.metrics.queue.WithLabelValues(name), sizing: newSizing(r.cfg.Pools.Of(name).Scaling),
	}, nil
}

// own notes that this router has a partition with an epoch, until a time.
func (p *pool) own(partition uint32, epoch uint64, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owned[partition] = tenure{epoch, until}
}

// disown forgets a partition and what waits in it.
func (p *pool) disown(partition uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.owned, partition)
	p.m.Drop(partition)
	p.carryOut()
}

func (p *pool) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.Tick(now)
	p.carryOut()
}

func (p *pool) idle(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.m.Idle(now)
}

// sweep forgets the reports and subjects of workers that the machine has forgotten, and says which those are and whether
// nothing is left of the pool.
func (p *pool) sweep() (gone []string, empty bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := map[string]bool{}
	for _, w := range p.m.Workers(time.Now()) {
		known[w.Report.Worker] = true
	}
	for worker := range p.seen {
		if !known[worker] {
			gone = append(gone, worker)
			delete(p.seen, worker)
			delete(p.reports, worker)
			delete(p.subjects, worker)
			delete(p.sizing.output, worker)
		}
	}
	idle := time.Since(p.born) > forgetPool && p.m.Queued() == 0 && !p.sizing.kept && !p.r.sleeps(p.name)
	return gone, idle && len(known) == 0
}

// call takes in what a gateway says about a partition that this router owns.
func (p *pool) call(partition uint32, call *inferv1.Call, reply string) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !now.Before(p.owned[partition].until) {
		return // stopped for a while, or cut off: another router may own it already
	}
	switch c := call.GetCall().(type) {
	case *inferv1.Call_Submit:
		p.m.Submit(p.r.submission(c.Submit, partition, reply, p.name, now), now)
		p.wake()
	case *inferv1.Call_Withdraw:
		for _, ref := range c.Withdraw.GetRefs() {
			p.m.Withdraw(refOf(c.Withdraw.GetGateway(), ref), now)
		}
	case *inferv1.Call_Probe:
		p.answerProbe(partition, c.Probe, reply)
	}
	p.carryOut()
}

// outcomes takes in what workers say about dispatches.
func (p *pool) outcomes(o *inferv1.Outcomes) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range o.GetOutcomes() {
		p.m.Outcome(outcomeOf(o.GetWorker(), one), now)
	}
	p.carryOut()
}

func (p *pool) report(rep *inferv1.Report) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[rep.GetWorker()] = true
	if rep.GetState() == inferv1.WorkerState_WORKER_STATE_GONE {
		delete(p.reports, rep.GetWorker())
	} else {
		p.reports[rep.GetWorker()] = rep
	}
	p.m.Report(reportOf(rep, p.r.id), now)
	p.carryOut()
}

func (p *pool) noResponder(worker string, number uint64) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.m.NoResponder(worker, number, now)
	p.carryOut()
}

// carryOut does what the machine wants done; the caller holds mu.
func (p *pool) carryOut() {
	actions := p.m.Actions()
	for i := range actions {
		switch a := &actions[i]; a.Kind {
		case dispatch.Send:
			p.send(a)
		case dispatch.Queued:
			p.reply(a, &inferv1.Status{State: &inferv1.Status_Queued{Queued: &inferv1.Queued{Ahead: uint32(a.Ahead)}}})
		case dispatch.Refuse:
			p.refuse(a)
		case dispatch.Cancel:
			p.cancel(a)
		case dispatch.StepDown:
			p.r.owners.fenced(p.name, a.Call.Partition, a.Epoch)
		}
	}
	clear(actions) // keep no payload alive
	if p.r.pace.Resting() && !p.m.Idle(time.Now()) {
		p.r.pace.Wake()
	}
}

func (p *pool) send(a *dispatch.Action) {
	t := a.Call.Payload.(*ticket)
	p.waits.Observe(time.Since(t.at).Seconds())
	if t.span != nil {
		p.r.endSpan(t, a)
	}
	d := &p.dispatch
	d.Router, d.Pool, d.Partition = p.r.id, p.name, a.Call.Partition
	d.Epoch, d.Number, d.Retry, d.Submit = p.owned[a.Call.Partition].epoch, a.Number, a.Retry, t.submit
	subject := p.subjects[a.Worker]
	if subject == "" {
		subject = events.Work.Name(a.Worker)
		p.subjects[a.Worker] = subject
	}
	reply := "nrs." + p.r.id + "." + a.Worker + "." + strconv.FormatUint(a.Number, 10)
	if err := p.r.bus.Publish(events.Work.Lane, subject, reply, d); err != nil {
		// The next reports say that it never arrived, and it is sent again.
		p.r.log.Warn("dispatch not sent", "worker", a.Worker, "error", err)
	}
	d.Submit = nil
}

func (p *pool) refuse(a *dispatch.Action) {
	t := a.Call.Payload.(*ticket)
	p.r.metrics.refused(p.name, a.Refusal.Code)
	if t.span != nil {
		p.r.endSpan(t, a)
	}
	p.reply(a, &inferv1.Status{State: &inferv1.Status_Refused{Refused: refusalOf(a.Refusal)}})
}

func (p *pool) cancel(a *dispatch.Action) {
	m := &inferv1.Control{Control: &inferv1.Control_Cancel{Cancel: &inferv1.Cancel{
		Gateway: a.Call.Gateway, Refs: []*inferv1.Ref{{Sequence: a.Call.Sequence, Attempt: a.Call.Attempt}},
	}}}
	if err := p.r.bus.Publish(events.Control.Lane, events.Control.Name(a.Worker), "", m); err != nil {
		p.r.log.Warn("cancel not sent", "worker", a.Worker, "error", err)
	}
}
