// Package inproc drives fleets inside the test's own process: router and gateway under one host with an embedded NATS,
// each worker under a host of its own on the same NATS.
package inproc

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/scenario"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
)

// Driver implements scenario.Driver.
type Driver struct{}

// fleet is a running platform; its methods are for the test's goroutine.
type fleet struct {
	out     *output
	args    []string
	nats    string
	edge    *process
	members []*member
}

// process is a host that runs.
type process struct {
	host  *host.Host
	stop  context.CancelFunc
	ended chan error
	gone  bool
}

type member struct {
	*process
	name string
}

// Start implements scenario.Driver.
func (Driver) Start(t *testing.T, s scenario.Spec) scenario.Fleet {
	t.Helper()
	f := &fleet{out: &output{}, args: s.Args}
	if s.Config != "" {
		file := filepath.Join(t.TempDir(), "leat.yaml")
		if err := os.WriteFile(file, []byte(s.Config), 0o600); err != nil {
			t.Fatal(err)
		}
		f.args = append([]string{"--config", file}, f.args...)
	}
	f.edge = f.run(t, "leat", []string{"--without", "worker", "--nats-listen", "127.0.0.1:0", "--nats-dir", t.TempDir()}, f.embedded)
	t.Cleanup(func() { f.edge.end(t, f.out) })
	scenario.Ready(t, f.Addrs().HTTP)
	for _, w := range s.Workers {
		f.AddWorker(t, w)
	}
	scenario.Joined(t, f, len(s.Workers))
	return f
}

// run opens a host with all services that args do not leave out, and runs it.
func (f *fleet) run(t *testing.T, name string, args []string, open func(*all.Config) host.Option) *process {
	t.Helper()
	cfg := all.Default()
	opts := []host.Option{host.Inline("gateway", "router", "ingestor", "validator", "worker"), host.Stderr(f.out)}
	if open != nil {
		opts = append(opts, open(&cfg))
	}
	h, err := host.Open(t.Context(), name, append(args, f.args...), nil, &cfg, opts...)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &process{host: h, stop: stop, ended: make(chan error, 1)}
	go func() { p.ended <- h.Run(ctx, all.Services(cfg, h.Deps)...) }()
	return p
}

// embedded opens the bus as `leat up` does: with a NATS inside.
func (f *fleet) embedded(cfg *all.Config) host.Option {
	return host.Bus(func(ctx context.Context, h *host.Host) (*bus.Bus, error) {
		s, err := embed.Start(cfg.Embedded)
		if err != nil {
			return nil, err
		}
		h.OnClose("embedded NATS", func(context.Context) error { s.Stop(); return nil })
		f.nats = s.URL()
		return bus.Connect(ctx, h.NATS, bus.Options{Name: h.ID, Log: h.Log, InProcess: s})
	})
}

// AddWorker implements scenario.Fleet.
func (f *fleet) AddWorker(t *testing.T, w scenario.Worker) scenario.Member {
	t.Helper()
	args := append([]string{"--without", "gateway,router", "--nats", f.nats, "--name", w.Name}, w.Args...)
	m := &member{process: f.run(t, "worker", args, nil), name: w.Name}
	t.Cleanup(func() { m.end(t, nil) })
	f.members = append(f.members, m)
	scenario.Ready(t, "http://"+m.host.Addrs()["http"])
	return m
}

// Addrs implements scenario.Fleet.
func (f *fleet) Addrs() scenario.Addrs {
	a := f.edge.host.Addrs()
	out := scenario.Addrs{HTTP: "http://" + a["http"], GRPC: a["grpc"], NATS: f.nats, Metrics: []string{"http://" + a["http"] + "/metrics"}}
	for _, m := range f.members {
		if !m.gone {
			out.Metrics = append(out.Metrics, "http://"+m.host.Addrs()["http"]+"/metrics")
		}
	}
	return out
}

// Output implements scenario.Fleet.
func (f *fleet) Output() string { return f.out.String() }

// Stop implements scenario.Member.
func (m *member) Stop(t *testing.T) {
	t.Helper()
	m.end(t, nil)
}

// Kill implements scenario.Member: the worker's connections close under it, which is what the others see of a kill -9.
// The rest of it ends later, and however it likes.
func (m *member) Kill(t *testing.T) {
	t.Helper()
	m.gone = true
	for _, lane := range []bus.Lane{bus.Control, bus.Tokens, bus.Bulk} {
		m.host.Bus.Conn(lane).Close()
	}
	m.stop()
}

// end stops a host as SIGTERM does and waits for it.
func (p *process) end(t *testing.T, out *output) {
	t.Helper()
	if p.gone {
		return
	}
	p.gone = true
	p.stop()
	select {
	case err := <-p.ended:
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("%s did not stop cleanly: %v", p.host.ID, err)
		}
	case <-time.After(30 * time.Second):
		t.Errorf("%s has not stopped after 30 s", p.host.ID)
	}
	if out != nil && t.Failed() {
		t.Logf("the last lines that the fleet wrote:\n%s", out.tail(40))
	}
}

// output collects what hosts write.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// tail is the last lines.
func (o *output) tail(n int) string {
	lines := strings.Split(o.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
