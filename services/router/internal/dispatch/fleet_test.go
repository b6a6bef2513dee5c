package dispatch_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/enginesim"
	"github.com/leathq/leat/pkg/prefix"
	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/policy"
	"github.com/leathq/leat/services/router/internal/queue"
)

// fleet is simulated engines behind a machine, in virtual time. The bus takes no time.
type fleet struct {
	t       testing.TB
	m       *dispatch.Machine
	r       *rand.Rand
	now     time.Time
	engines []*simEngine
	result  *result
	load    workload
	next    uint64
	late    func(i int) time.Duration // when engine i's reports come, within 250 ms
}

type simEngine struct {
	*enginesim.Machine
	name    string
	config  enginesim.Config
	held    map[uint64]*enginesim.Seq
	highest uint64
	reports uint64
	report  time.Time
}

// simJob is what a sequence carries through the engine.
type simJob struct {
	number  uint64
	arrived time.Time
	engine  *simEngine
	done    func(answer int, now time.Time) // the workload's: the next turn
}

// workload makes prompts; at says when the next one arrives.
type workload interface {
	arrivals(f *fleet) (at time.Time, submit func())
}

type result struct {
	ttft           []time.Duration
	prompt, cached int
	per            map[string]int // requests by engine
	warm           time.Time      // before it nothing counts
}

func (r *result) hits() float64 { return float64(r.cached) / float64(r.prompt) }

func (r *result) quantile(q float64) time.Duration {
	slices.Sort(r.ttft)
	return r.ttft[min(int(q*float64(len(r.ttft))), len(r.ttft)-1)]
}

func (r *result) String() string {
	return fmt.Sprintf("hits %.3f, TTFT p50 %v p95 %v p99 %v, %d requests", r.hits(),
		r.quantile(.5).Round(time.Millisecond), r.quantile(.95).Round(time.Millisecond), r.quantile(.99).Round(time.Millisecond), len(r.ttft))
}

// simEngines is six engines that hold 2,048 blocks of KV cache (32 Ki tokens) each; the last one may be slower.
func newFleet(t testing.TB, p policy.Policy, slower float64, seed uint64) *fleet {
	f := &fleet{
		t: t, r: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1_800_000_000, 0), result: &result{per: map[string]int{}},
		late: func(i int) time.Duration { return time.Duration(i) * 40 * time.Millisecond },
	}
	f.m = dispatch.New("p", dispatch.Config{Policy: p, Rand: rand.New(rand.NewPCG(seed, 8))}, f.now)
	for i := range 6 {
		cfg := enginesim.DefaultConfig()
		cfg.KVBlocks = 2048
		if i == 5 {
			cfg = cfg.Slower(slower)
		}
		m, err := enginesim.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		f.engines = append(f.engines, &simEngine{Machine: m, config: cfg, name: fmt.Sprint("e", i), held: map[uint64]*enginesim.Seq{}})
	}
	return f
}

// run lets the workload arrive for a time; the first quarter warms up.
func (f *fleet) run(load workload, d time.Duration) *result {
	f.load = load
	end := f.now.Add(d)
	f.result.warm = f.now.Add(d / 4)
	for i, e := range f.engines {
		f.report(e)
		e.report = f.now.Add(f.late(i))
	}
	tick := f.now
	for f.now.Before(end) {
		at, submit := f.load.arrivals(f)
		act := submit
		if tick.Before(at) {
			at, act = tick, func() { f.m.Tick(f.now); tick = f.now.Add(50 * time.Millisecond) }
		}
		for _, e := range f.engines {
			if next, ok := e.Next(); ok && next.Before(at) {
				at, act = next, func() { f.step(e) }
			}
			if e.report.Before(at) {
				at, act = e.report, func() { f.report(e); e.report = f.now.Add(250 * time.Millisecond) }
			}
		}
		f.now = at
		act()
		f.dispatch()
	}
	return f.result
}

// submit sends a prompt to the machine.
func (f *fleet) submit(tokens []int32, out int, done func(int, time.Time)) {
	f.next++
	canonical := make([]byte, 4*len(tokens))
	for i, t := range tokens {
		binary.LittleEndian.PutUint32(canonical[4*i:], uint32(t))
	}
	f.m.Submit(dispatch.Submit{
		Key: dispatch.Key{Gateway: "g", Sequence: f.next}, Attempt: 1, Tenant: "t", Class: queue.Normal,
		PromptTokens: len(tokens), MaxTokens: out, Prefix: prefix.Blocks(nil, "m", canonical),
		Payload: &enginesim.Seq{Prompt: tokens, MaxTokens: out, Owner: &simJob{arrived: f.now, done: done}},
	}, f.now)
}

func (f *fleet) dispatch() {
	for _, a := range f.m.Actions() {
		if a.Kind != dispatch.Send {
			continue
		}
		i := slices.IndexFunc(f.engines, func(e *simEngine) bool { return e.name == a.Worker })
		e, s := f.engines[i], a.Call.Payload.(*enginesim.Seq)
		job := s.Owner.(*simJob)
		job.number, job.engine = a.Number, e
		e.held[a.Number], e.highest = s, a.Number
		if err := e.Add(s, f.now); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fleet) step(e *simEngine) {
	for _, d := range e.Step(f.now) {
		job := d.Seq.Owner.(*simJob)
		if d.First && job.arrived.After(f.result.warm) {
			f.result.ttft = append(f.result.ttft, f.now.Sub(job.arrived))
			f.result.prompt += len(d.Seq.Prompt)
			f.result.cached += d.Seq.Cached
			f.result.per[e.name]++
		}
		if d.Finish == enginesim.FinishNone {
			continue
		}
		delete(e.held, job.number)
		f.m.Outcome(dispatch.Outcome{
			Worker: e.name, Number: job.number, Verdict: dispatch.Done,
			Uncached: len(d.Seq.Prompt) - d.Seq.Cached, Cached: d.Seq.Cached,
			FirstToken: d.Seq.First.Sub(d.Seq.Arrived), Prefill: d.Seq.First.Sub(d.Seq.Started),
		}, f.now)
		if job.done != nil {
			job.done(d.Seq.Output, f.now)
		}
	}
}

func (f *fleet) report(e *simEngine) {
	s := e.Stats()
	e.reports++
	r := dispatch.Report{
		Worker: e.name, Number: e.reports, Started: 1, State: dispatch.Ready, Slots: 64, Held: len(e.held),
		QueuedTokens: s.QueuedTokens, KVUse: s.KVUse, PrefillRate: s.PrefillRate,
		CachedTokens: s.CachedTokens, OutputTokens: s.OutputTokens, Known: true, Highest: e.highest,
	}
	for n := range e.held {
		r.Numbers = append(r.Numbers, n)
	}
	f.m.Report(r, f.now)
}

// swap gives an engine another speed. What it runs is answered from the new one, from the start.
func (f *fleet) swap(e *simEngine, m *enginesim.Machine) {
	e.Machine = m
	for n, s := range e.held {
		again := &enginesim.Seq{Prompt: s.Prompt, MaxTokens: s.MaxTokens, Owner: s.Owner}
		e.held[n] = again
		if err := m.Add(again, f.now); err != nil {
			f.t.Fatal(err)
		}
	}
}
