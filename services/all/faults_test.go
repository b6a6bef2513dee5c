package all_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
	"github.com/leathq/leat/services/router"
	"github.com/leathq/leat/services/worker"
)

// fleet is a gateway, a router and two workers with the sim engine, each with a bus of its own.
type fleet struct {
	url     string
	nats    string
	srv     *embed.Server
	web     http.Handler
	gateway *prometheus.Registry
	faults  []*bustest.Faults
}

func deps(t *testing.T, s *embed.Server, id string, f bus.Faults) host.Deps {
	return host.Deps{
		ID: id, Log: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError})),
		Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(),
		Bus: bustest.Connect(t, s, bus.Options{Name: id, Faults: f}), NATS: bus.DefaultConfig(), DrainTimeout: 5 * time.Second,
	}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// start runs the fleet; every service's arriving messages suffer from faults of its own.
func start(t *testing.T, timeouts pool.Timeouts, change ...func(*gateway.Config)) *fleet {
	t.Helper()
	return startOf(t, pool.Config{Timeouts: timeouts}, change...)
}

// startOf is start with more settings of the pools.
func startOf(t *testing.T, settings pool.Config, change ...func(*gateway.Config)) *fleet {
	t.Helper()
	srv := bustest.Start(t)
	f := &fleet{nats: srv.URL(), srv: srv}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	run := func(name string, fn func(context.Context) error) {
		running.Add(1)
		go func() {
			defer running.Done()
			if err := fn(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}()
	}
	bad := func(seed uint64) *bustest.Faults {
		b := &bustest.Faults{Seed: seed, MaxWait: 30 * time.Millisecond}
		f.faults = append(f.faults, b)
		return b
	}
	pools := pool.Set{"default": settings}
	rcfg := router.DefaultConfig()
	rcfg.Pools = pools
	run("router", router.New(rcfg, deps(t, srv, "r1", bad(1))).Run)
	for i := range 2 {
		wcfg := worker.DefaultConfig()
		wcfg.Engine, wcfg.Model, wcfg.Grace = "sim", "sim", time.Second
		id := fmt.Sprintf("w%d", i)
		wcfg.Name = id
		run(id, worker.New(wcfg, deps(t, srv, id, bad(uint64(2+i)))).Run)
	}
	gcfg := gateway.DefaultConfig()
	gcfg.Pools = pools
	for _, fn := range change {
		fn(&gcfg)
	}
	gdeps := deps(t, srv, "g1", bad(9))
	f.gateway = gdeps.Metrics.(*prometheus.Registry)
	g := gateway.New(gcfg, gdeps)
	run("gateway", g.Run)
	web := httptest.NewServer(g.HTTP())
	f.url, f.web = web.URL, g.HTTP()
	t.Cleanup(func() {
		web.Close()
		stop()
		running.Wait()
	})
	f.awaitModel(t, "sim")
	return f
}

func (f *fleet) awaitModel(t *testing.T, model string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond) // without a rest it would take the services' processor time
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		resp, err := http.Get(f.url + "/v1/models/" + model)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == 200 {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("no model can be called")
		}
	}
}

func (f *fleet) worse(loss, double, delay, reorder float64) {
	for _, b := range f.faults {
		b.Set(loss, double, delay, reorder)
	}
}

// stream asks for a stream and returns its text, or what ended it.
func (f *fleet) stream(i, tokens int) (text, end string) {
	body := fmt.Sprintf(`{"model":"sim","stream":true,"seed":%d,"ignore_eos":true,"max_tokens":%d,"messages":[{"role":"user","content":"question %d"}]}`, i, tokens, i)
	resp, err := http.Post(f.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err.Error()
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		data, _ := io.ReadAll(resp.Body)
		return "", resp.Status + " " + string(data)
	}
	var whole bytes.Buffer
	finish := ""
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return whole.String(), finish
		}
		var chunk struct {
			Choices []struct {
				Delta  struct{ Content string }
				Finish string `json:"finish_reason"`
			}
			Error *struct{ Code string }
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			return whole.String(), "bad event: " + data
		}
		if chunk.Error != nil {
			return whole.String(), "error event: " + chunk.Error.Code
		}
		for _, ch := range chunk.Choices {
			whole.WriteString(ch.Delta.Content)
			if ch.Finish != "" {
				finish = ch.Finish
			}
		}
	}
	return whole.String(), "cut"
}

// A network that loses, doubles, delays and reorders any message costs time, never a token: every stream is whole and says
// what it says on a good network.
func TestABadNetworkNeverChangesAnAnswer(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	const n, tokens = 40, 60
	want := make([]string, n)
	f.all(n, tokens, func(i int, text, end string) {
		if want[i] = text; end != "length" || text == "" {
			t.Errorf("on a good network stream %d ended with %q", i, end)
		}
	})
	for _, c := range []struct {
		name                         string
		loss, double, delay, reorder float64
	}{
		{"loss", .03, 0, 0, 0},
		{"doubling", 0, .2, 0, 0},
		{"delay", 0, 0, .2, 0},
		{"reordering", 0, 0, 0, .2},
		{"everything", .02, .05, .1, .05},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.worse(c.loss, c.double, c.delay, c.reorder)
			defer f.worse(0, 0, 0, 0)
			f.all(n, tokens, func(i int, text, end string) {
				if end != "length" || text != want[i] {
					t.Errorf("stream %d ended with %q, %d of %d bytes", i, end, len(text), len(want[i]))
				}
			})
		})
	}
}

// all runs n streams at once.
func (f *fleet) all(n, tokens int, ended func(i int, text, end string)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			text, end := f.stream(i, tokens)
			ended(i, text, end)
		}()
	}
	wg.Wait()
}

// metric is the first sample of a metric; NaN, which equals nothing, while there is none: a router that has just begun has no pool yet.
func metric(t *testing.T, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return math.NaN()
}
