package worker_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// adaptive is an engine that takes adapters.
type adaptive struct {
	*scripted
	mu     sync.Mutex
	loaded []engine.Adapter
	asked  []string // the adapters that sequences asked for
}

func (e *adaptive) Info() engine.Info {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.scripted.Info()
	i.Adapters = slices.Clone(e.loaded)
	return i
}

func (e *adaptive) Generate(ctx context.Context, req *engine.Request, out engine.Output) error {
	e.mu.Lock()
	e.asked = append(e.asked, req.Adapter)
	e.mu.Unlock()
	return e.scripted.Generate(ctx, req, out)
}

func (e *adaptive) LoadAdapter(_ context.Context, name, path string) (engine.Adapter, error) {
	if path == "/none" {
		return engine.Adapter{}, &engine.Error{Code: "invalid_adapter", Param: "adapter", Client: true, Message: "no such file"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	a := engine.Adapter{Name: name, Path: path, Version: "a1", Fingerprint: "f-" + name, Exact: true}
	e.loaded = append(e.loaded, a)
	return a, nil
}

func (e *adaptive) UnloadAdapter(_ context.Context, name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loaded = slices.DeleteFunc(e.loaded, func(a engine.Adapter) bool { return a.Name == name })
	return nil
}

func (f *fleet) adapters(c *inferv1.Control) *inferv1.Adapters {
	f.t.Helper()
	out := new(inferv1.Adapters)
	f.ask(c, out)
	return out
}

// starts are what answers said of their model.
func (f *fleet) starts() (out []*inferv1.Start) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, frame := range f.frames {
		for _, d := range frame.GetDeltas() {
			if d.GetStart() != nil {
				out = append(out, d.GetStart())
			}
		}
	}
	return out
}

func load(name, path string) *inferv1.Control {
	return &inferv1.Control{Control: &inferv1.Control_LoadAdapter{LoadAdapter: &inferv1.LoadAdapter{Name: name, Path: path}}}
}

// A loaded adapter is a model of its own, with its own version and fingerprint, until it is unloaded.
func TestAdaptersAreModels(t *testing.T) {
	e := &adaptive{}
	f := start(t, setup{cfg: worker.Config{Names: []string{"m", "alias"}}, engine: &scripted{run: say(1), slots: 2}, wrap: func(s *scripted) engine.Engine {
		e.scripted = s
		return e
	}})
	f.await("ready", func() bool { return len(f.reports) > 0 && len(f.last().GetModels()) == 2 })
	a := f.adapters(load("poet", "/a.gguf"))
	if a.GetError() != nil || len(a.GetAdapters()) != 1 || !slices.Equal(a.GetAdapters()[0].GetModels(), []string{"m:poet", "alias:poet"}) {
		t.Fatalf("%v", a)
	}
	f.await("its models", func() bool {
		return slices.Equal(f.last().GetModels(), []string{"m", "alias", "m:poet", "alias:poet"})
	})
	d := new(inferv1.Description)
	f.ask(&inferv1.Control{Control: &inferv1.Control_Describe{Describe: &inferv1.Describe{}}}, d)
	if m := d.GetModels(); len(m) != 4 || m[2].GetName() != "m:poet" || m[2].GetVersion() != "v1+a1" || m[2].GetFingerprint() != "f-poet" || m[0].GetFingerprint() != "f1" {
		t.Errorf("%v", m)
	}
	if d.GetDigest() == "" || d.GetDigest() != f.last().GetDescriptionDigest() {
		t.Errorf("digest %q, reported %q", d.GetDigest(), f.last().GetDescriptionDigest())
	}
	if err := f.adapters(load("x", "/none")).GetError(); err.GetCode() != "invalid_adapter" || !strings.Contains(err.GetMessage(), "no such file") {
		t.Errorf("%v", err)
	}
	o := f.order()
	o.req.Model = "alias:poet"
	n := f.send(o)
	f.await("the answer", func() bool { return len(f.outcomes[n]) == 1 })
	if p := f.starts(); len(p) != 1 || p[0].GetFingerprint() != "f-poet" || p[0].GetModelVersion() != "v1+a1" {
		t.Errorf("the answer begins with %v", p)
	}
	e.mu.Lock()
	if !slices.Equal(e.asked, []string{"poet"}) {
		t.Errorf("the engine was asked for %q", e.asked)
	}
	e.mu.Unlock()
	unload := &inferv1.Control{Control: &inferv1.Control_UnloadAdapter{UnloadAdapter: &inferv1.UnloadAdapter{Name: "poet"}}}
	if a := f.adapters(unload); a.GetError() != nil || len(a.GetAdapters()) != 0 {
		t.Errorf("%v", a)
	}
	f.await("no models of it", func() bool { return len(f.last().GetModels()) == 2 })
	// Another worker of the pool may have it.
	o = f.order()
	o.req.Model = "m:poet"
	n = f.send(o)
	f.await("the outcome", func() bool { return len(f.outcomes[n]) == 1 })
	if o := f.outcomes[n][0]; o.GetError().GetCode() != "model_not_found" || o.GetVerdict() != inferv1.Verdict_VERDICT_RETRY {
		t.Errorf("%v", o)
	}
}

func TestAnEngineWithoutAdaptersSaysSo(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(1), slots: 2}})
	if err := f.adapters(load("poet", "/a.gguf")).GetError(); err.GetCode() != "unsupported_operation" {
		t.Errorf("%v", err)
	}
}
