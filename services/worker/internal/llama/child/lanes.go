package child

import (
	"errors"
	"fmt"
	"sync"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

// lanes runs the model without an adapter and each loaded adapter, which llama.cpp applies to a whole context: a scheduler
// and a context each over the same weights, in turns on one OS thread. Contexts of adapters are made when they are needed and
// at most limit at once; the one that was idle for longest gives way. enter, leave and post are safe for concurrent use; the
// rest belongs to the scheduler's goroutine.
type lanes struct {
	base    *scheduler
	hello   *wire.Hello
	lib     *native.Library
	limit   int
	clock   uint64
	proving int // contexts that are not in order yet

	mu     sync.Mutex
	byName map[string]*lane
	order  []*lane
	ops    []func()
}

// lane is one loaded adapter. Its scheduler has a model while it has a context.
type lane struct {
	s       *scheduler
	adapter *native.Adapter
	info    wire.Adapter
	used    uint64
	users   int           // sequences that the server holds for it; guarded by lanes.mu
	leaving chan struct{} // not nil: it takes no more, and closes when it is unloaded
}

func newLanes(base *scheduler, lib *native.Library, h *wire.Hello) *lanes {
	l := &lanes{base: base, hello: h, lib: lib, limit: max(h.AdapterContexts, 1), byName: map[string]*lane{}}
	base.sum = l.sum
	return l
}

// enter finds the scheduler for a sequence and keeps its adapter loaded until leave. The error is the client's.
func (l *lanes) enter(adapter string) (*lane, error) {
	if adapter == "" {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.byName[adapter]
	if a == nil || a.leaving != nil || a.s == nil {
		return nil, &engine.Error{Code: "model_not_found", Param: "model", Client: true, Message: fmt.Sprintf("the adapter %q is not loaded", adapter)}
	}
	a.users++
	return a, nil
}

func (l *lanes) leave(a *lane) {
	if a == nil {
		return
	}
	l.mu.Lock()
	a.users--
	leaving := a.leaving != nil
	l.mu.Unlock()
	if leaving {
		l.post(func() {})
	}
}

// post has f run between two turns.
func (l *lanes) post(f func()) {
	l.mu.Lock()
	l.ops = append(l.ops, f)
	l.mu.Unlock()
	l.base.nudge()
}

// turn gives every scheduler that has work a turn.
func (l *lanes) turn() (bool, error) {
	l.mu.Lock()
	ops := l.ops
	l.ops = nil
	l.mu.Unlock()
	for _, f := range ops {
		f()
	}
	worked, err := l.round()
	if err == nil {
		l.settle()
	}
	return worked || len(ops) > 0, err
}

// round is a turn of every scheduler.
func (l *lanes) round() (bool, error) {
	worked, err := l.base.turn()
	if err != nil {
		return false, err
	}
	for _, a := range l.list() {
		a.s.drain()
		a.s.sweep()
		if a.s.m == nil {
			if len(a.s.waiting) == 0 {
				continue
			}
			if err := l.open(a); err != nil {
				l.refuse(a, err)
				continue
			}
		}
		w, err := a.s.turn()
		if err != nil {
			return false, fmt.Errorf("adapter %s: %w", a.info.Name, err)
		}
		if w {
			l.clock++
			a.used = l.clock
		}
		worked = worked || w
	}
	return worked, nil
}

func (l *lanes) list() []*lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.order[:len(l.order):len(l.order)]
}

// refuse ends the sequences of an adapter that cannot have a context; where all are busy they wait.
func (l *lanes) refuse(a *lane, err error) {
	if errors.Is(err, errContextsBusy) {
		return
	}
	for _, q := range a.s.waiting {
		a.s.fail(q, &engine.Error{Code: "engine_unavailable", Message: "the adapter cannot run: " + err.Error(), Retry: true})
	}
	a.s.waiting = nil
	a.s.flush(wire.StepNone, 0, 0)
}

// open makes a context for an adapter, in place of an idle one where there are enough.
func (l *lanes) open(a *lane) error {
	var oldest *lane
	n := l.proving
	for _, o := range l.list() {
		if o.s.m == nil {
			continue
		}
		n++
		if o.s.idle() && (oldest == nil || o.used < oldest.used) {
			oldest = o
		}
	}
	if n >= l.limit {
		if oldest == nil {
			return errContextsBusy
		}
		oldest.s.shut()
	}
	m, err := l.base.m.Fork(a.adapter, l.hello.AdapterSlots)
	if err == nil {
		a.s.m = m
	}
	return err
}

// load brings an adapter into memory and proves what its context computes, while the others go on.
func (l *lanes) load(name, path string) (info wire.Adapter) {
	info = wire.Adapter{Name: name, Path: path}
	fail := func(code string, err error) wire.Adapter {
		info.Code, info.Err = code, err.Error()
		return info
	}
	a := &lane{}
	l.mu.Lock()
	taken := l.byName[name] != nil
	if !taken {
		l.byName[name] = a
	}
	l.mu.Unlock()
	if taken {
		return fail("adapter_exists", fmt.Errorf("an adapter named %q is loaded already: unload it first, or take another name", name))
	}
	err := l.bring(a, &info)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		delete(l.byName, name)
		return fail("invalid_adapter", err)
	}
	a.info = info
	l.order = append(l.order[:len(l.order):len(l.order)], a)
	return info
}

var errContextsBusy = errors.New("all contexts for adapters are busy: try again when their sequences have ended, or allow more with --adapter-contexts")

func (l *lanes) bring(a *lane, info *wire.Adapter) (err error) {
	if info.Digest, err = modelDigest(info.Path, l.hello.CacheDir); err != nil {
		return err
	}
	if a.adapter, err = l.base.m.LoadAdapter(info.Path); err != nil {
		return err
	}
	s := newScheduler(nil, l.base.gs, l.hello, l.base.emit)
	s.slots, s.context, s.wake, s.sum = make([]slot, l.hello.AdapterSlots), l.base.context, l.base.wake, l.sum
	probe := &lane{s: s, adapter: a.adapter}
	if err := l.open(probe); err != nil {
		a.adapter.Close()
		return err
	}
	l.proving++
	defer func() { l.proving-- }()
	s.between = func() error {
		_, err := l.round()
		return err
	}
	s.lone = a.adapter.Plain && l.hello.SelfTest
	if err = l.prove(s, info); err != nil {
		s.shut()
		a.adapter.Close()
		return err
	}
	s.between = nil
	info.Fingerprint = adapterFingerprint(l.base.fingerprint, info.Digest, s.lone)
	l.mu.Lock()
	a.s = s
	l.mu.Unlock()
	return nil
}

// prove runs the self-test in the adapter's context. Sequences of an adapter that is not quantised decode in calls of their own, as the
// kernels for these types treat a lone row otherwise than several. It shows in few tokens, so the self-test may miss it; those
// of other adapters do so where the self-test finds that sharing calls makes a difference.
func (l *lanes) prove(s *scheduler, info *wire.Adapter) (err error) {
	if err := s.warm(); err != nil || !l.hello.SelfTest {
		return err
	}
	if info.ExactNote, err = s.prove(); err == nil && info.ExactNote != "" && !s.lone {
		s.lone, s.rules = true, l.hello.Schedule
		info.ExactNote, err = s.prove()
	}
	info.Exact = err == nil && info.ExactNote == ""
	return err
}

// unload stops taking sequences for an adapter; the channel closes when its last one has ended and its memory is free.
func (l *lanes) unload(name string) (<-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.byName[name]
	if a == nil || a.s == nil {
		return nil, &engine.Error{Code: "adapter_not_found", Message: fmt.Sprintf("no adapter named %q is loaded", name), Client: true}
	}
	if a.leaving == nil {
		a.leaving = make(chan struct{})
	}
	return a.leaving, nil
}

// settle frees the adapters that shall go and are idle.
func (l *lanes) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	keep := l.order[:0:0]
	for _, a := range l.order {
		if a.leaving == nil || a.users > 0 || !a.s.idle() {
			keep = append(keep, a)
			continue
		}
		a.s.shut()
		a.adapter.Close()
		delete(l.byName, a.info.Name)
		close(a.leaving)
	}
	if len(keep) < len(l.order) {
		l.order = keep
	}
}

// sum is the load of all schedulers. They share the machine, so the rates are those of the quickest.
func (l *lanes) sum() wire.Load {
	t := l.base.load
	t.KVUse = l.base.kvUse()
	n := 1.0
	for _, a := range l.list() {
		o := &a.s.load
		t.QueuedTokens += o.QueuedTokens
		t.PromptTokens += o.PromptTokens
		t.CachedTokens += o.CachedTokens
		t.OutputTokens += o.OutputTokens
		t.Steps += o.Steps
		t.PrefillRate, t.DecodeRate = max(t.PrefillRate, o.PrefillRate), max(t.DecodeRate, o.DecodeRate)
		if a.s.m != nil {
			n++
			t.KVUse += a.s.kvUse()
		}
	}
	t.KVUse /= n
	return t
}

// close frees all contexts and adapters, before their model is.
func (l *lanes) close() {
	for _, a := range l.list() {
		a.s.shut()
		a.adapter.Close()
	}
}
