package worker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/gpu"
	"github.com/leathq/leat/services/worker/internal/gpu/gputest"
	"github.com/leathq/leat/services/worker/internal/spot/spottest"
)

const (
	ready = inferv1.WorkerState_WORKER_STATE_READY
	gone  = inferv1.WorkerState_WORKER_STATE_GONE
)

// process is a Group on a bus, and what its workers reported.
type process struct {
	t     *testing.T
	group *worker.Group
	reg   *prometheus.Registry
	bus   *bus.Bus
	stop  context.CancelFunc
	ended chan error

	mu   sync.Mutex
	said map[string]*inferv1.Report // the last of each worker
	seen map[string][]inferv1.WorkerState
}

func launch(t *testing.T, s worker.Setup, open func(worker.Config) error, gpus func() (gpu.Library, error)) *process {
	t.Helper()
	noLeaks(t)
	srv := bustest.Start(t)
	p := &process{t: t, reg: prometheus.NewRegistry(), ended: make(chan error, 1), said: map[string]*inferv1.Report{}, seen: map[string][]inferv1.WorkerState{}}
	p.bus = bustest.Connect(t, srv, bus.Options{Name: "test"})
	_, err := p.bus.Subscribe(bus.Control, events.Reports.All(), func(m *nats.Msg) {
		r := decode[inferv1.Report](t, m)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.said[r.GetWorker()] = r
		if states := p.seen[r.GetWorker()]; len(states) == 0 || states[len(states)-1] != r.GetState() {
			p.seen[r.GetWorker()] = append(states, r.GetState())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.bus.Conn(bus.Control).Flush(); err != nil {
		t.Fatal(err)
	}
	p.group = worker.NewGroupWith(s, host.Deps{
		ID: "w1", Log: slog.New(slog.DiscardHandler), Metrics: p.reg, Tracer: noop.NewTracerProvider(), DrainTimeout: time.Minute,
		Bus: bustest.Connect(t, srv, bus.Options{Name: "worker"}), NATS: bus.DefaultConfig(),
	}, func(_ context.Context, cfg worker.Config, _ worker.Hooks) (engine.Engine, error) {
		if err := open(cfg); err != nil {
			return nil, err
		}
		e := &scripted{run: block, slots: max(cfg.Slots, 1)}
		e.stats.Healthy = true
		return e, nil
	}, gpus)
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	go func() { p.ended <- p.group.Run(ctx) }()
	t.Cleanup(func() { p.stop(); p.left() })
	return p
}

func (p *process) left() {
	p.t.Helper()
	returned(p.t, p.ended)
}

func (p *process) await(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		done := ok()
		p.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("never: %s; ready: %v", what, p.group.Ready())
		}
	}
}

func (p *process) state(name string) inferv1.WorkerState { return p.said[name].GetState() }

func two(change ...func(*worker.Setup)) worker.Setup {
	s := worker.Setup{Config: worker.Config{Engine: "sim", Pool: "p", Slots: 3, Grace: time.Second}}
	a, b := s.Config, s.Config
	a.Name, b.Name, b.Slots, b.Weight = "a", "b", 5, 2
	s.Engines = []worker.Config{a, b}
	for _, c := range change {
		c(&s)
	}
	return s
}

func fine(worker.Config) error { return nil }

// Each engine is a worker of the fleet with settings and numbers of its own, and they leave together.
func TestEnginesOfOneProcessAreWorkersOfTheirOwn(t *testing.T) {
	p := launch(t, two(), fine, nil)
	p.await("both are ready", func() bool { return p.state("w1-a") == ready && p.state("w1-b") == ready })
	p.mu.Lock()
	a, b := p.said["w1-a"], p.said["w1-b"]
	p.mu.Unlock()
	if a.GetSlots() != 3 || b.GetSlots() != 5 || b.GetWeight() != 2 || a.GetPool() != "p" || b.GetPool() != "p" {
		t.Errorf("%v\n%v", a, b)
	}
	if err := p.group.Ready(); err != nil {
		t.Error(err)
	}
	if got := labelled(t, p.reg, "leat_worker_slots"); !slices.Equal(got, []string{"w1-a=3", "w1-b=5"}) {
		t.Errorf("slots by worker: %v", got)
	}
	p.stop()
	p.left()
	p.await("both are gone", func() bool { return p.state("w1-a") == gone && p.state("w1-b") == gone })
}

// labelled is a gauge's value by its label worker.
func labelled(t *testing.T, reg *prometheus.Registry, name string) []string {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, mf := range all {
		if mf.GetName() != name {
			continue
		}
		for _, m := range mf.GetMetric() {
			i := slices.IndexFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == "worker" })
			if i < 0 {
				out = append(out, fmt.Sprintf("%g", m.GetGauge().GetValue()))
				continue
			}
			out = append(out, fmt.Sprintf("%s=%g", m.GetLabel()[i].GetValue(), m.GetGauge().GetValue()))
		}
	}
	slices.Sort(out)
	return out
}

// An engine that cannot start keeps nobody else from working; the process says so, and tries it again.
func TestAnEngineThatCannotStartIsTriedAgainBesideTheOthers(t *testing.T) {
	var mu sync.Mutex
	broken, tries := true, 0
	p := launch(t, two(), func(cfg worker.Config) error {
		mu.Lock()
		defer mu.Unlock()
		if cfg.Name != "w1-b" {
			return nil
		}
		if tries++; broken {
			return errors.New("the model is corrupt")
		}
		return nil
	}, nil)
	p.await("the other is ready", func() bool { return p.state("w1-a") == ready })
	p.await("the broken one says why", func() bool {
		err := p.group.Ready()
		return err != nil && strings.Contains(err.Error(), "w1-b: the sim engine cannot start and is tried again: the model is corrupt") && !strings.Contains(err.Error(), "w1-a")
	})
	mu.Lock()
	broken = false
	mu.Unlock()
	p.await("it is there after all", func() bool { return p.state("w1-b") == ready })
	p.await("the process is ready", func() bool { return p.group.Ready() == nil })
	mu.Lock()
	defer mu.Unlock()
	if tries != 2 {
		t.Errorf("%d tries", tries)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if states := p.seen["w1-a"]; slices.Contains(states, gone) {
		t.Errorf("the other was disturbed: %v", states)
	}
}

// One is drained alone: the others work on.
func TestOneOfSeveralIsDrained(t *testing.T) {
	p := launch(t, two(), fine, nil)
	p.await("both are ready", func() bool { return p.state("w1-a") == ready && p.state("w1-b") == ready })
	drain := &inferv1.Control{Control: &inferv1.Control_Drain{Drain: &inferv1.Drain{}}}
	if err := p.bus.Publish(events.Control.Lane, events.Control.Name("w1-a"), "", drain); err != nil {
		t.Fatal(err)
	}
	p.await("it is gone", func() bool { return p.state("w1-a") == gone })
	p.mu.Lock()
	n := p.said["w1-b"].GetNumber()
	p.mu.Unlock()
	p.await("the other reports on", func() bool { return p.said["w1-b"].GetNumber() > n+2 && p.state("w1-b") == ready })
	if err := p.group.Ready(); err == nil || !strings.Contains(err.Error(), "w1-a: the worker has left") || strings.Contains(err.Error(), "w1-b") {
		t.Errorf("ready: %v", err)
	}
}

// The process's GPUs are sampled and exported once; a worker's report has those that its own engine sees.
func TestSeveralEnginesShareTheirGPUsTelemetry(t *testing.T) {
	m := gputest.New(3)
	p := launch(t, two(func(s *worker.Setup) {
		s.Engines[0].Env = map[string]string{"CUDA_VISIBLE_DEVICES": "0"}
		s.Engines[1].Env = map[string]string{"CUDA_VISIBLE_DEVICES": "2"}
	}), fine, m.Options().Open)
	gpusOf := func(name string) (out []uint32) {
		for _, g := range p.said[name].GetGpus() {
			out = append(out, g.GetIndex())
		}
		return out
	}
	p.await("each has its own", func() bool {
		return slices.Equal(gpusOf("w1-a"), []uint32{0}) && slices.Equal(gpusOf("w1-b"), []uint32{2})
	})
	if got := labelled(t, p.reg, "leat_worker_gpu_up"); !slices.Equal(got, []string{"1", "1"}) {
		t.Errorf("exported: %v", got)
	}
	p.stop()
	p.left()
	m.Do(func() {
		if m.Inits != 1 || m.Open != 0 {
			t.Errorf("%d inits, %d without an end", m.Inits, m.Open)
		}
	})
}

// The machine is one: its notice is heard and counted once, all its workers leave, and the cloud hears that it need not wait when
// the last of them has ended.
func TestSeveralEnginesHearOfTheirMachinesEndOnce(t *testing.T) {
	azure := &spottest.Azure{Name: "vm1"}
	srv := httptest.NewServer(azure)
	t.Cleanup(srv.Close)
	p := launch(t, two(func(s *worker.Setup) { s.Spot = worker.Spot{Provider: "azure", MetadataURL: srv.URL, Approve: true} }), fine, nil)
	p.await("both are ready", func() bool { return p.state("w1-a") == ready && p.state("w1-b") == ready })
	azure.Schedule(preempt(time.Now().Add(time.Hour)))
	p.await("both are gone", func() bool { return p.state("w1-a") == gone && p.state("w1-b") == gone })
	if n := notices(t, p.reg, "azure", "preempt"); n != 1 || len(azure.Approved()) > 0 {
		t.Errorf("%v notices, approved %v before the end", n, azure.Approved())
	}
	p.stop()
	p.left()
	if a := azure.Approved(); !slices.Equal(a, []string{"e1"}) {
		t.Errorf("approved %v", a)
	}
}

func TestSetupsThatCannotWorkAreRefused(t *testing.T) {
	for says, s := range map[string]worker.Setup{
		"entry 2 has no name":       two(func(s *worker.Setup) { s.Engines[1].Name = "" }),
		`two entries are named "a"`: two(func(s *worker.Setup) { s.Engines[1].Name = "a" }),
		"about the machine":         two(func(s *worker.Setup) { s.Engines[1].Spot.Provider = "aws" }),
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	base := worker.DefaultSetup()
	base.Engine, base.Model = "sim", "sim"
	s := two(func(s *worker.Setup) { s.Engines[0], s.Engines[1].Engine = base.Config, "openai" })
	if err := s.Prepare(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "engine b: --model") {
		t.Errorf("an engine without a model: %v", err)
	}
}
