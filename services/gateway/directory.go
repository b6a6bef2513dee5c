package gateway

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/calls"
	"github.com/leathq/leat/services/gateway/internal/chat"
)

const (
	unknownAfter = 2 * time.Second  // a worker silent for so long is not counted on
	forgetAfter  = 10 * time.Second // and then forgotten
)

// served is a model of a pool with what a gateway must know to talk to it. It is not changed once it is made.
type served struct {
	*inferv1.Model
	pool     string
	template *chat.Template // nil where the model takes messages as they are, or none
	broken   error          // why the template cannot be used
	params   map[string]bool

	calls       *calls.Format // how calls of tools are spelled, where there is a template
	spellsCalls bool          // the template spells them itself
}

type member struct {
	report *inferv1.Report
	seen   time.Duration
}

// ready says whether the worker takes work, as far as is known.
func (m *member) ready(now time.Duration) bool {
	return m.report.GetState() == inferv1.WorkerState_WORKER_STATE_READY && now-m.seen < unknownAfter
}

// directory knows which models can be called, from what workers report. It is safe for concurrent use; lookups take no
// lock.
type directory struct {
	mu        sync.Mutex
	members   map[string]*member       // by worker
	described map[string][]*served     // by description digest
	kept      map[string]*kept         // by pool that may sleep
	asking    map[string]time.Duration // digests that were asked for, and when
	byModel   atomic.Pointer[map[string]*served]
	byPool    atomic.Pointer[map[poolModel]*served]
}

func newDirectory() *directory {
	d := &directory{members: map[string]*member{}, described: map[string][]*served{}, kept: map[string]*kept{}, asking: map[string]time.Duration{}}
	d.byModel.Store(&map[string]*served{})
	d.byPool.Store(&map[poolModel]*served{})
	return d
}

// report takes in a worker's report. It returns true where the worker should be asked to describe itself.
func (d *directory) report(r *inferv1.Report, now time.Duration) (describe bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.members[r.GetWorker()]
	if r.GetState() == inferv1.WorkerState_WORKER_STATE_GONE {
		delete(d.members, r.GetWorker())
		d.rebuild(now)
		return false
	}
	d.members[r.GetWorker()] = &member{report: r, seen: now}
	changed := old == nil || now-old.seen > unknownAfter || old.report.GetState() != r.GetState() ||
		old.report.GetDescriptionDigest() != r.GetDescriptionDigest()
	if changed {
		d.rebuild(now)
	}
	digest := r.GetDescriptionDigest()
	if digest == "" || d.described[digest] != nil {
		return false
	}
	if asked, ok := d.asking[digest]; ok && now-asked < time.Second {
		return false
	}
	d.asking[digest] = now
	return true
}

// describe takes in a worker's answer.
func (d *directory) describe(p *inferv1.Description, now time.Duration) {
	models := servedOf(p)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.described[p.GetDigest()] = models
	delete(d.asking, p.GetDigest())
	d.rebuild(now)
}

func servedOf(p *inferv1.Description) []*served {
	models := make([]*served, 0, len(p.GetModels()))
	for _, m := range p.GetModels() {
		s := &served{Model: m, pool: p.GetPool(), params: map[string]bool{}}
		for _, name := range m.GetParams() {
			s.params[name] = true
		}
		if m.GetChat() == "template" {
			s.template, s.broken = chat.Parse(m.GetChatTemplate(), m.GetBosToken(), m.GetEosToken())
			s.calls, s.spellsCalls = calls.Of(m.GetChatTemplate())
		}
		models = append(models, s)
	}
	return models
}

// rebuild makes the lookup table anew; the caller holds mu. Where pools share a model's name, one with a worker that
// takes work is preferred, then the first by name.
func (d *directory) rebuild(now time.Duration) {
	table, ready := map[string]*served{}, map[string]bool{}
	pools := map[poolModel]*served{}
	for _, name := range slices.Sorted(maps.Keys(d.members)) {
		m := d.members[name]
		up := m.ready(now)
		for _, s := range d.described[m.report.GetDescriptionDigest()] {
			pools[poolModel{s.pool, s.GetName()}] = s
			have := table[s.GetName()]
			better := have == nil || up && !ready[s.GetName()] || up == ready[s.GetName()] && s.pool < have.pool
			if better {
				table[s.GetName()] = s
				ready[s.GetName()] = up
			}
		}
	}
	d.addSleeping(table, pools)
	d.byModel.Store(&table)
	d.byPool.Store(&pools)
}

// poolModel names a model of a pool.
type poolModel struct{ pool, model string }

// find is lookup of a model of a pool, or of any where pool is empty.
func (d *directory) find(pool, model string) (*served, *errs.Error) {
	if pool == "" {
		return d.lookup(model)
	}
	if s := (*d.byPool.Load())[poolModel{pool, model}]; s != nil {
		return s, nil
	}
	e := errs.New(errs.NotFound, "model_not_found", "No worker of pool %s serves the model '%s'. Operator: look at `leat status`.", pool, clip(model))
	e.Param = "model"
	return nil, e
}

// sweep forgets workers that have been silent for long, and descriptions that nobody has any more.
func (d *directory) sweep(now time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone := false
	used := map[string]bool{}
	for name, m := range d.members {
		if now-m.seen > forgetAfter {
			delete(d.members, name)
			gone = true
			continue
		}
		used[m.report.GetDescriptionDigest()] = true
	}
	for digest := range d.described {
		if !used[digest] {
			delete(d.described, digest)
			gone = true
		}
	}
	if gone {
		d.rebuild(now)
	}
}

// lookup finds a model. An empty name is the only model there is.
func (d *directory) lookup(name string) (*served, *errs.Error) {
	table := *d.byModel.Load()
	if s := table[name]; s != nil {
		return s, nil
	}
	names := slices.Sorted(maps.Keys(table))
	switch {
	case len(names) == 0:
		e := errs.New(errs.Unavailable, "no_worker",
			"No worker serves any model yet. Operator: start one with `leat worker --nats URL`, or look at `leat status`.")
		e.RetryAfter = time.Second
		return nil, e
	case name == "" && len(names) == 1:
		return table[names[0]], nil
	case name == "":
		return nil, errs.Field("model", "missing_required_parameter", "Name a model; there are: %s.", list(names))
	}
	e := errs.New(errs.NotFound, "model_not_found", "The model '%s' does not exist or no worker serves it. There are: %s.", clip(name), list(names))
	e.Param = "model"
	return nil, e
}

// models lists what can be called, by name.
func (d *directory) models() []*served {
	table := *d.byModel.Load()
	out := make([]*served, 0, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		out = append(out, table[name])
	}
	return out
}

// list names at most ten models.
func list(names []string) string {
	out := ""
	for i, n := range names {
		if i == 10 {
			return out + ", …"
		}
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// slots is how many sequences the fleet runs at once, by the last reports of the workers that take work, and one for each
// pool that sleeps: somebody must wake it.
func (d *directory) slots(now time.Duration) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.members {
		if m.ready(now) {
			n += int(m.report.GetSlots())
		}
	}
	for pool := range d.kept {
		if !d.readyIn(pool, now) {
			n++
		}
	}
	return n
}
