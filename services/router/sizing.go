package router

import (
	"slices"
	"time"

	settings "github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/scaling"
)

const (
	// settle is how long a new owner listens before it decides: until then workers that are there may not have reported.
	settle = 3 * time.Second
	// shareLives is for how long what another router said counts; it says it once a second.
	shareLives = 3 * time.Second
	// decisionLives is for how long a decision is passed on after it was heard last.
	decisionLives = 5 * time.Second
)

// sizing is what a router knows to judge a pool's size. The pool's mu guards it.
type sizing struct {
	on      bool
	cfg     scaling.Config
	history scaling.History
	meter   scaling.Meter
	leading time.Time                // since when this router owns the first partition; zero: it does not
	asked   time.Time                // when the last request came, as far as is known
	kept    bool                     // what the pool serves is kept, so that a request can wake it
	output  map[string]output        // by worker
	shares  map[string]*heardShare   // by router, this one's included
	decided *routerv1.ScalingDecided // this router's, or the owner's
	heard   time.Time                // when decided was made or heard
	told    *routerv1.ScalingDecided // the last that was published
}

// output is what a life of a worker has generated.
type output struct {
	started int64
	tokens  uint64
}

// heardShare is a router's last share, and what of it has been counted.
type heardShare struct {
	*routerv1.PoolShare
	at      time.Time
	first   uint64
	seconds float64
}

func newSizing(c settings.Scaling) sizing {
	return sizing{
		on: c.On(), output: map[string]output{}, shares: map[string]*heardShare{},
		cfg: scaling.Config{
			Min: max(c.Min, 1), Max: c.Max, Zero: c.Min == 0, Idle: c.ZeroAfter, QueueFactor: c.QueueFactor, GPUMemory: c.GPUMemory, GPUUse: c.GPUUse, TTFTRise: c.TTFTRise,
			SlotUse: c.SlotUse, UpAfter: c.UpAfter, DownAfter: c.DownAfter, CoolDown: c.CoolDown,
		},
	}
}

// size is called once a second: it says what this router's partitions add to the pool's load, where it has some, and
// decides where it owns the first. fact is a decision that differs from the one before.
func (p *pool) size(now time.Time) (share *routerv1.PoolShare, fact *routerv1.ScalingDecided) {
	p.mu.Lock()
	defer p.mu.Unlock()
	z := &p.sizing
	if !z.on || len(p.owned) == 0 {
		z.leading = time.Time{}
		return nil, nil
	}
	share = p.share()
	z.take(share, now)
	if !now.Before(p.owned[0].until) {
		z.leading = time.Time{}
		return share, nil
	}
	if z.leading.IsZero() {
		z.lead(now)
	}
	signals := p.observe(now)
	if now.Sub(z.leading) < settle || z.cfg.Zero && !p.r.sleepersKnown() {
		return share, nil
	}
	var d scaling.Decision
	d, z.history = scaling.Decide(z.cfg, z.history, signals)
	z.decided, z.heard = decidedOf(p.name, p.r.id, d, signals), now
	share.Decided = z.decided
	if z.told == nil || z.told.GetVerdict() != z.decided.GetVerdict() || z.told.GetDesired() != z.decided.GetDesired() {
		z.told, fact = z.decided, z.decided
	}
	return share, fact
}

// lead begins to decide, from where the owner before left off.
func (z *sizing) lead(now time.Time) {
	z.leading, z.meter, z.history, z.told = now, scaling.Meter{}, scaling.History{}, nil
	if z.decided != nil && now.Sub(z.heard) < z.cfg.DownAfter {
		z.history = scaling.Since(int(z.decided.GetDesired()))
	}
}

// share is what this router alone knows of the pool's load; the caller holds mu.
func (p *pool) share() *routerv1.PoolShare {
	first, seconds := p.m.FirstTokens()
	return &routerv1.PoolShare{
		Router: p.r.id, Queued: uint32(p.m.Queued()), Running: uint32(p.m.Dispatched()), FirstTokens: first, FirstTokenSeconds: seconds,
		Submitted: p.m.Counts().Submitted,
	}
}

// take keeps a router's share. Every router notes when requests come: whoever decides next must know it.
func (z *sizing) take(s *routerv1.PoolShare, now time.Time) {
	h := z.shares[s.GetRouter()]
	switch {
	case h == nil: // what came before is not of late
		h = &heardShare{first: s.GetFirstTokens(), seconds: s.GetFirstTokenSeconds()}
		z.shares[s.GetRouter()] = h
	case s.GetSubmitted() < h.GetSubmitted(): // it began anew
		h.first, h.seconds = 0, 0
	case s.GetSubmitted() > h.GetSubmitted():
		z.asked = now
	}
	h.PoolShare, h.at = s, now
}

// observe gathers the signals of now; the caller holds mu.
func (p *pool) observe(now time.Time) scaling.Signals {
	z := &p.sizing
	s := scaling.Signals{At: now}
	sample := scaling.Sample{At: now, Tokens: z.generated(p.reports)}
	for router, h := range z.shares {
		if now.Sub(h.at) > shareLives {
			delete(z.shares, router)
			continue
		}
		s.Queued, s.Running = s.Queued+int(h.GetQueued()), s.Running+int(h.GetRunning())
		sample.FirstTokens += h.GetFirstTokens() - h.first
		sample.FirstSeconds += max(h.GetFirstTokenSeconds()-h.seconds, 0)
		h.first, h.seconds = h.GetFirstTokens(), h.GetFirstTokenSeconds()
	}
	p.count(&s, now)
	p.look(&s)
	s.LastRequest, s.Since, s.Kept = z.asked, z.leading, z.kept
	sample.Load = s.Queued + s.Running
	z.meter.Add(sample)
	z.meter.Fill(&s)
	return s
}

// generated is how many tokens the workers have generated since it was called last.
func (z *sizing) generated(reports map[string]*inferv1.Report) (n uint64) {
	for worker, r := range reports {
		before, known := z.output[worker]
		if before.started != r.GetStartedUnixNanos() {
			before.tokens = 0
		}
		if known {
			n += max(r.GetOutputTokens(), before.tokens) - before.tokens
		}
		z.output[worker] = output{r.GetStartedUnixNanos(), r.GetOutputTokens()}
	}
	return n
}

// count counts the workers by what they do.
func (p *pool) count(s *scaling.Signals, now time.Time) {
	slots := 0
	for _, w := range p.m.Workers(now) {
		if w.Excluded == "lost" || w.Report.State == dispatch.Draining || w.Report.State == dispatch.Gone {
			continue
		}
		s.Replicas++
		switch w.Report.State {
		case dispatch.Starting:
			s.Starting++
		case dispatch.Cordoned:
			s.Cordoned++
		case dispatch.Ready:
			s.Ready++
			slots += w.Report.Slots
		}
	}
	if s.Ready > 0 {
		s.MaxBatch = (slots + s.Ready - 1) / s.Ready
	}
}

// look reads what ready workers say of their GPUs: the mean of their use, and the fullest memory.
func (p *pool) look(s *scaling.Signals) {
	use, cards := 0.0, 0
	memory := func(used, total uint64) {
		if total > 0 {
			s.GPUMemory = scaling.Level{Value: max(s.GPUMemory.Value, float64(used)/float64(total)), Known: true}
		}
	}
	for _, r := range p.reports {
		if r.GetState() != inferv1.WorkerState_WORKER_STATE_READY {
			continue
		}
		for _, g := range r.GetGpus() {
			if g.Utilization != nil {
				use += g.GetUtilization()
				cards++
			}
			if len(g.GetMigDevices()) == 0 {
				memory(g.GetMemoryUsed(), g.GetMemoryTotal())
			}
			for _, m := range g.GetMigDevices() {
				memory(m.GetMemoryUsed(), m.GetMemoryTotal())
			}
		}
	}
	if cards > 0 {
		s.GPUUse = scaling.Level{Value: use / float64(cards), Known: true}
	}
}

// decision is the pool's last decision, where it is fresh.
func (p *pool) decision(now time.Time) *routerv1.ScalingDecided {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.freshDecision(now)
}

// freshDecision is decision for who holds mu.
func (p *pool) freshDecision(now time.Time) *routerv1.ScalingDecided {
	if z := &p.sizing; z.decided != nil && now.Sub(z.heard) < decisionLives {
		return z.decided
	}
	return nil
}

var verdictsOf = [...]routerv1.ScalingVerdict{
	scaling.Hold: routerv1.ScalingVerdict_SCALING_VERDICT_HOLD, scaling.Up: routerv1.ScalingVerdict_SCALING_VERDICT_UP,
	scaling.Down: routerv1.ScalingVerdict_SCALING_VERDICT_DOWN, scaling.Suboptimal: routerv1.ScalingVerdict_SCALING_VERDICT_BATCHING_SUBOPTIMAL,
}

func decidedOf(pool, router string, d scaling.Decision, s scaling.Signals) *routerv1.ScalingDecided {
	level := func(l scaling.Level) *float64 {
		if !l.Known {
			return nil
		}
		return &l.Value
	}
	return &routerv1.ScalingDecided{
		Pool: pool, Router: router, UnixNanos: s.At.UnixNano(), Verdict: verdictsOf[d.Verdict], Desired: uint32(d.Desired), Replicas: uint32(d.Replicas),
		Reasons: slices.Clone(d.Reasons), Signals: &routerv1.ScalingSignals{
			Queued: uint32(s.Queued), Running: uint32(s.Running), Ready: uint32(s.Ready), MaxBatch: uint32(s.MaxBatch),
			GpuUse: level(s.GPUUse), GpuMemory: level(s.GPUMemory), TtftSeconds: s.TTFT, TtftUsualSeconds: s.TTFTUsual,
			TokensPerSecond: s.Tokens, TokensUsual: s.TokensUsual, Load: s.Load, LoadUsual: s.LoadUsual,
		},
	}
}
