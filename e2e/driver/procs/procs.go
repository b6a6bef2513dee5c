// Package procs drives fleets of separate operating-system processes: the gateway, router and worker commands as they
// are built from this tree, against a nats-server process.
package procs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/e2e/scenario"
)

// Driver implements scenario.Driver.
type Driver struct{}

type fleet struct {
	out     *Output
	args    []string
	nats    string
	gateway *Process
	router  *Process
	members []*Process
}

// Start implements scenario.Driver.
func (Driver) Start(t *testing.T, s scenario.Spec) scenario.Fleet {
	t.Helper()
	f := &fleet{out: Log(t, "the fleet", 40), args: s.Args, nats: NATS(t)}
	if s.Config != "" {
		file := filepath.Join(t.TempDir(), "leat.yaml")
		if err := os.WriteFile(file, []byte(s.Config), 0o600); err != nil {
			t.Fatal(err)
		}
		f.args = append([]string{"--config", file}, f.args...)
	}
	f.router, f.gateway = f.run(t, "router"), f.run(t, "gateway")
	scenario.Ready(t, f.router.URL())
	scenario.Ready(t, f.gateway.URL())
	for _, w := range s.Workers {
		f.AddWorker(t, w)
	}
	scenario.Joined(t, f, len(s.Workers))
	return f
}

// run starts one of our commands on free ports and waits until it listens.
func (f *fleet) run(t *testing.T, name string, args ...string) *Process {
	t.Helper()
	args = append([]string{"--nats", f.nats, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}, args...)
	return Run(t, f.out, programs.Ours(t, name), append(args, f.args...)...)
}

// AddWorker implements scenario.Fleet.
func (f *fleet) AddWorker(t *testing.T, w scenario.Worker) scenario.Member {
	t.Helper()
	p := f.run(t, "worker", append([]string{"--name", w.Name}, w.Args...)...)
	f.members = append(f.members, p)
	scenario.Ready(t, p.URL())
	return p
}

// Addrs implements scenario.Fleet.
func (f *fleet) Addrs() scenario.Addrs {
	out := scenario.Addrs{HTTP: f.gateway.URL(), GRPC: f.gateway.GRPC, NATS: f.nats}
	for _, p := range append([]*Process{f.gateway, f.router}, f.members...) {
		if !p.gone {
			out.Metrics = append(out.Metrics, p.URL()+"/metrics")
		}
	}
	return out
}

// Output implements scenario.Fleet.
func (f *fleet) Output() string { return f.out.String() }
