// Package dispatch is the brain of a router for one pool: which sequence goes to which worker, when, and what becomes
// of it when something fails.
//
// It is a state machine without goroutines, locks, clock or bus: inputs are method calls that carry the time, outputs
// are the Actions that the caller collects after each call and carries out. One goroutine owns a Machine.
//
// It refuses to look into payloads, and to guess: a sequence that has reached a worker is moved only when that worker
// says that it produced nothing.
package dispatch

import (
	"math/rand/v2"
	"time"

	"github.com/leathq/leat/services/router/internal/breaker"
	"github.com/leathq/leat/services/router/internal/policy"
	"github.com/leathq/leat/services/router/internal/prefixindex"
	"github.com/leathq/leat/services/router/internal/queue"
)

// Config are a pool's settings. The zero value of a field means its default.
type Config struct {
	Policy       policy.Policy  // default adaptive
	Queue        queue.Config   // bounds and fairness
	Breaker      breaker.Config // max_fails, fail_timeout
	MaxEjected   int            // percent of the ready workers that may be out at a time, at least one; default 100
	QueueTimeout time.Duration  // how long a request may wait; default 60 s
	NoWorkerWait time.Duration  // how long requests wait while the pool has no worker; default 5 s
	StaleAfter   time.Duration  // a report older than this leaves the load unknown; default 1.5 s
	StallAfter   time.Duration  // an engine that runs something and does no step for so long gets work only where no other has room; default 1 s
	LostAfter    time.Duration  // a worker silent for this long is gone; default 5 s
	MaxRetries   int            // how often one attempt is moved after failures; default 3
	RetryRatio   float64        // retries per request over time; default 0.1
	RetryBurst   float64        // retries at once; default 128
	IndexBytes   int            // memory of the prefix index; default 64 MiB
	Sessions     int            // sessions whose worker is remembered; default 65,536
	SessionIdle  time.Duration  // for how long, since their last request; default 10 min
	BulkReserve  float64        // share of each worker's slots that bulk work leaves free while others come, 0 to .9; default 0
	Explain      int            // picks that Explain remembers; default 256
	Rand         *rand.Rand     // breaks ties; default seeded at random
}

func (c Config) withDefaults() Config {
	if c.Policy == nil {
		c.Policy = policy.Adaptive{}
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	for _, f := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&c.QueueTimeout, time.Minute}, {&c.NoWorkerWait, 5 * time.Second},
		{&c.StallAfter, time.Second}, {&c.StaleAfter, 1500 * time.Millisecond}, {&c.LostAfter, 5 * time.Second},
		{&c.SessionIdle, 10 * time.Minute},
	} {
		if *f.v == 0 {
			*f.v = f.d
		}
	}
	if c.MaxEjected == 0 {
		c.MaxEjected = 100
	}
	if c.MaxRetries == 0 {
		c.MaxRetries = 3
	}
	if c.RetryRatio == 0 {
		c.RetryRatio = 0.1
	}
	if c.RetryBurst == 0 {
		c.RetryBurst = 128
	}
	if c.Sessions == 0 {
		c.Sessions = 1 << 16
	}
	if c.Explain == 0 {
		c.Explain = 256
	}
	return c
}

// Machine holds one pool: its queue, its workers and what they hold. It is not safe for concurrent use.
type Machine struct {
	pool    string
	cfg     Config
	queue   *queue.Queue[*request]
	retries []*request // failed or handed back before the first delta; they go before the queue
	calls   map[Key]*request
	workers map[string]*worker
	order   []*worker // the same workers, in order of arrival
	index   *prefixindex.Index
	budget  *breaker.Budget
	recent  recent
	picks   explain
	actions []Action
	free    []*request
	counts  Counts
	load    load

	rates    policy.Rates     // of all workers together
	prior    float64          // their rate, for workers that have shown nothing yet; 0: unknown
	sessions *policy.Sessions // nil unless the policy keeps sessions where they are
	full     bool             // no worker had room at the last try, and nothing changed since
	alike    *offer           // what all workers serve that say it; nil: none does, or they differ
	mixed    bool             // they differ
	absent   map[string]*want // models that requests came for and no well worker serves
	onlineAt time.Time        // when the last request came that is not bulk
	aloneAt  time.Time        // since when the pool has had no worker
	sickAt   time.Time        // since when none of its workers has been well
	snaps    []policy.Worker
	snapOf   []*worker
	scores   []float64
	usesTree bool   // the policy looks at cached prefixes
	turns    bool   // the policy takes turns
	learns   bool   // the policy goes by what was learnt of workers' rates
	probed   uint64 // dispatches at the last probe
}

// New makes a machine for a pool at now.
func New(pool string, cfg Config, now time.Time) *Machine {
	cfg = cfg.withDefaults()
	m := &Machine{
		pool: pool, cfg: cfg, aloneAt: now, usesTree: policy.UsesPrefixes(cfg.Policy),
		queue:   queue.New[*request](cfg.Queue),
		calls:   map[Key]*request{},
		absent:  map[string]*want{},
		workers: map[string]*worker{},
		index:   prefixindex.New(cfg.IndexBytes),
		budget:  breaker.NewBudget(cfg.RetryRatio, cfg.RetryBurst, cfg.RetryBurst/10),
		recent:  newRecent(4096),
		picks:   explain{ring: make([]Pick, cfg.Explain)},
	}
	_, m.learns = cfg.Policy.(policy.Adaptive)
	_, m.turns = cfg.Policy.(policy.RoundRobin)
	if _, ok := cfg.Policy.(policy.SessionAffinity); ok {
		m.sessions = policy.NewSessions(cfg.Sessions, cfg.SessionIdle)
	}
	return m
}

// Actions returns what is to be done since the last call, in order. The slice is valid until the next input.
func (m *Machine) Actions() []Action {
	a := m.actions
	m.actions = m.actions[:0]
	return a
}

func (m *Machine) act(a Action) { m.actions = append(m.actions, a) }

// Counts are totals since New, for metrics.
type Counts struct {
	Submitted, Dispatched, Retried, Refused, Withdrawn, Lost, Trials uint64
}

// Counts returns the totals.
func (m *Machine) Counts() Counts { return m.counts }

// Queued is the number of sequences that wait for a worker.
func (m *Machine) Queued() int { return m.queue.Len() + len(m.retries) }

// QueuedTokens is the sum of the waiting sequences' tokens.
func (m *Machine) QueuedTokens() int { return m.queue.Tokens() }

// Dispatched is the number of sequences that workers hold for this machine.
func (m *Machine) Dispatched() int {
	n := 0
	for _, w := range m.order {
		n += len(w.inflight)
	}
	return n
}

// IndexBytes is the memory of the index of cached prefixes.
func (m *Machine) IndexBytes() int { return m.index.Bytes() }

// Policy is the name of the pool's policy.
func (m *Machine) Policy() string { return m.cfg.Policy.Name() }

// DrainRate is how many sequences a second leave the queue.
func (m *Machine) DrainRate(now time.Time) float64 {
	items, _ := m.queue.DrainRates(now)
	return items
}
