package gateway

import (
	"context"
	"time"

	"github.com/zeebo/xxh3"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/calls"
)

// attempt is a call made ready for one model: all that is needed to run it there.
type attempt struct {
	model     *served
	bodies    []body
	parsers   []*calls.Parser
	holds     string // the parameter that became the answers' grammar
	part      *partition
	waits     pool.Timeouts
	session   uint64
	hedger    *hedger // nil: nothing is run twice
	maxTokens uint32
	wake      time.Duration // how long it may wait where its pool sleeps; 0: that does not sleep
	asleep    bool          // it does now
}

// prepare makes a call ready for a model.
func (g *Gateway) prepare(ctx context.Context, c *call, m *served) (*attempt, error) {
	for _, name := range c.given {
		if !m.can(name) {
			return nil, errs.Field(name, "unsupported_parameter",
				"The engine %s behind model '%s' cannot honour '%s'. Leave it out, or call a model whose engine can.", m.GetEngine(), m.GetName(), name)
		}
	}
	bodies, err := g.bodies(c, m)
	if err != nil {
		return nil, err
	}
	cfg := g.pools.Of(m.pool)
	at := &attempt{
		model: m, bodies: bodies, parsers: c.parsers(m, len(bodies)), holds: c.holds(m), waits: lower(cfg.Timeouts, c.waits),
		part:    g.link.partitionOf(m.pool, int(xxh3.HashString(c.tenant)%uint64(cfg.Partitions))),
		session: sessionOf(c), maxTokens: c.template.GetMaxTokens(), hedger: g.hedger(c, m, cfg.Hedge),
	}
	if dl, ok := ctx.Deadline(); ok {
		at.waits.Total = min(at.waits.Total, time.Until(dl))
	}
	if cfg.Scaling.Sleeps() {
		at.wake, at.asleep = wakeWithin(cfg.Scaling.WakeTimeout, c.waits, at.waits.Total), !g.directory.awake(m.pool, g.link.now())
	}
	if m.GetUnaryBlocks() && !c.stream {
		at.waits.FirstToken = at.waits.Total // nothing comes before the end
	}
	return at, nil
}

// run submits the attempt's sequences as the answer's.
func (a *answer) run(ctx context.Context, at *attempt) error {
	a.model, a.parsers, a.holds, a.choices = at.model, at.parsers, at.holds, len(at.bodies)
	for _, b := range at.bodies {
		if err := a.launch(ctx, at, b); err != nil {
			a.takeBack()
			return err
		}
	}
	return nil
}

// generate starts a call: it finds the model, renders the prompt and submits one sequence per choice. Every return
// without an error must be followed by Close.
func (g *Gateway) generate(ctx context.Context, c *call) (*answer, error) {
	a := &answer{g: g, call: c, chat: c.messages != nil, wake: make(chan struct{}, 1)}
	err := a.begin(ctx)
	c.forget()
	if err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// begin runs the call on the model that its name stands for.
func (a *answer) begin(ctx context.Context) error {
	if _, routed := a.g.cfg.Models[a.call.model]; routed {
		return a.depart(ctx)
	}
	m, e := a.g.directory.lookup(a.call.model)
	if e != nil {
		return e
	}
	a.call.model = m.GetName() // an empty name is the only model
	at, err := a.g.prepare(ctx, a.call, m)
	if err != nil {
		return err
	}
	return a.run(ctx, at)
}

// takeBack ends what runs.
func (a *answer) takeBack() {
	for i, s := range a.seqs {
		if a.over[i] {
			continue
		}
		a.over[i] = true
		rival := s.Close()
		a.g.link.retire(s)
		if rival != nil {
			a.g.link.retire(rival)
			a.g.metrics.hedges.WithLabelValues(a.model.pool, "cancelled").Inc()
		}
	}
	a.left = 0
}

// pristine is a copy of what all sequences share, for an attempt that fills in what its own model needs.
func pristine(p *inferv1.Request) *inferv1.Request {
	out, ok := proto.Clone(p).(*inferv1.Request)
	if !ok {
		panic("a clone of another type")
	}
	return out
}
