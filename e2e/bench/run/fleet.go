package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
)

// The targets of a comparison.
const (
	direct     = "direct"
	oneProcess = "one process"
	separate   = "separate processes"
)

// slots is how many sequences the worker takes at once: above every concurrency that is measured.
const slots = "4096"

// fleet is the upstream and the variants of Leat in front of it.
type fleet struct {
	upstream *process
	address  string // of the upstream
	control  string
	targets  []*target
}

// target is something that answers.
type target struct {
	name      string
	address   string
	processes []*process // those of Leat
	gateway   *process
}

// startFleet starts the upstream and the named variants, and waits until each serves the model.
func (b *bench) startFleet(ctx context.Context, variants ...string) (*fleet, error) {
	f := &fleet{}
	if err := b.startUpstream(ctx, f); err != nil {
		return nil, err
	}
	f.targets = append(f.targets, &target{name: direct, address: f.address})
	for _, v := range variants {
		b.say("starting Leat: %s", v)
		start := b.startOne
		if v == separate {
			start = b.startSeparate
		}
		t := &target{name: v}
		f.targets = append(f.targets, t)
		if err := start(ctx, f, t); err != nil {
			f.stop()
			return nil, err
		}
	}
	return f, nil
}

func (b *bench) startUpstream(ctx context.Context, f *fleet) (err error) {
	if f.address, err = freeAddress(ctx); err != nil {
		return err
	}
	if f.control, err = freeAddress(ctx); err != nil {
		return err
	}
	if f.upstream, err = b.start(ctx, "upstream", b.upstream, "--address", f.address, "--control", f.control); err != nil {
		return err
	}
	if err := f.upstream.await(ctx, serves(f.address)); err != nil {
		f.stop()
		return err
	}
	return nil
}

// engine is what makes a worker relay to the upstream.
func (f *fleet) engine() []string {
	return []string{"--engine", "openai", "--upstream", "http://" + f.address, "--model", "instant", "--slots", slots, "--upstream-slots", slots}
}

// add starts one process of a target.
func (b *bench) add(ctx context.Context, t *target, name string, args ...string) error {
	p, err := b.start(ctx, name, b.leat, args...)
	if err != nil {
		return err
	}
	t.processes = append(t.processes, p)
	return nil
}

func (b *bench) startOne(ctx context.Context, f *fleet, t *target) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	t.address = address
	args := append([]string{"up", "--http", address, "--grpc", "127.0.0.1:0", "--nats-listen", "", "--pprof",
		"--nats-dir", filepath.Join(b.Work, "nats-one")}, f.engine()...)
	if err := b.add(ctx, t, "leat-up", args...); err != nil {
		return err
	}
	t.gateway = t.processes[0]
	return t.gateway.await(ctx, serves(address))
}

func (b *bench) startSeparate(ctx context.Context, f *fleet, t *target) error {
	bus, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	if t.address, err = freeAddress(ctx); err != nil {
		return err
	}
	quiet := []string{"--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"}
	router := append([]string{"up", "--without", "gateway,worker", "--nats-listen", bus, "--nats-dir", filepath.Join(b.Work, "nats-separate")}, quiet...)
	if err := b.add(ctx, t, "leat-router-and-nats", router...); err != nil {
		return err
	}
	nats := []string{"--nats", "nats://" + bus, "--nats-connect-timeout", "30s"}
	if err := b.add(ctx, t, "leat-worker", append(append([]string{"worker"}, quiet...), append(nats, f.engine()...)...)...); err != nil {
		return err
	}
	if err := b.add(ctx, t, "leat-gateway", append([]string{"gateway", "--http", t.address, "--grpc", "127.0.0.1:0", "--pprof"}, nats...)...); err != nil {
		return err
	}
	t.gateway = t.processes[2]
	return t.gateway.await(ctx, serves(t.address))
}

func (f *fleet) target(name string) *target {
	for _, t := range f.targets {
		if t.name == name {
			return t
		}
	}
	return nil
}

// stop ends everything, clients before servers.
func (f *fleet) stop() {
	for i := len(f.targets) - 1; i >= 0; i-- {
		for j := len(f.targets[i].processes) - 1; j >= 0; j-- {
			f.targets[i].processes[j].stop()
		}
	}
	if f.upstream != nil {
		f.upstream.stop()
	}
}

// pids are the --pid flags of a target: its own processes and the upstream.
func (f *fleet) pids(t *target) []string {
	flags := []string{"--pid", "upstream=" + strconv.Itoa(f.upstream.pid())}
	for _, p := range t.processes {
		flags = append(flags, "--pid", p.name+"="+strconv.Itoa(p.pid()))
	}
	return flags
}

// pace sets how the upstream times its streams, as Go durations.
func (f *fleet) pace(ctx context.Context, ttft, tpot string) error {
	body, _ := json.Marshal(map[string]string{"ttft": ttft, "tpot": tpot}) // a map of strings always encodes
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.control, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("set the upstream's pace: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("set the upstream's pace: %s", resp.Status)
	}
	return nil
}
