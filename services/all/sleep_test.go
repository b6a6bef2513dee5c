package all_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/pkg/sleepers"
	"github.com/leathq/leat/services/gateway"
	"github.com/leathq/leat/services/router"
	"github.com/leathq/leat/services/worker"
)

// dorm is a router and a gateway whose pools may sleep, and workers that come and go. The pools' time-outs for the queue and
// the first token are far shorter than it takes a worker to come.
type dorm struct {
	fleet

	pools      pool.Set
	router     *prometheus.Registry
	stopRouter func()
	change     func(*gateway.Config)
}

func dormOf(t *testing.T, wake time.Duration, change func(*gateway.Config)) (d *dorm, stopGateway func()) {
	d = &dorm{change: change, fleet: fleet{srv: bustest.Start(t)}, pools: pool.Set{
		"default": {
			NoWorkerWait: 50 * time.Millisecond,
			Timeouts:     pool.Timeouts{Queue: 100 * time.Millisecond, FirstToken: 500 * time.Millisecond, Total: 60 * time.Second},
		},
		"sim": {Scaling: pool.Scaling{Mode: pool.ScalingOn, ZeroAfter: time.Second, WakeTimeout: wake}},
	}}
	d.routes(t, "r1")
	return d, d.edge(t, "g1")
}

// routes runs a router, which is the one to look at from now on.
func (d *dorm) routes(t *testing.T, id string) {
	cfg := router.DefaultConfig()
	cfg.Pools = d.pools
	own := deps(t, d.srv, id, nil)
	d.router = own.Metrics.(*prometheus.Registry)
	d.stopRouter = d.run(t, router.New(cfg, own).Run)
}

// run runs something until it is stopped, or the test ends.
func (d *dorm) run(t *testing.T, fn func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := fn(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// edge runs a gateway, which requests go to from now on.
func (d *dorm) edge(t *testing.T, id string) (stop func()) {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.Pools = d.pools
	if d.change != nil {
		d.change(&cfg)
	}
	g := gateway.New(cfg, deps(t, d.srv, id, nil))
	end := d.run(t, g.Run)
	web := httptest.NewServer(g.HTTP())
	t.Cleanup(web.Close)
	d.url = web.URL
	until(t, "the gateway is ready", func() bool { return g.Ready() == nil })
	return end
}

// worker runs one of a pool that serves the model of its name.
func (d *dorm) worker(t *testing.T, id, pool string) (stop func()) {
	t.Helper()
	cfg := worker.DefaultConfig()
	cfg.Engine, cfg.Model, cfg.Grace, cfg.Name, cfg.Pool, cfg.Names = "sim", "sim", time.Second, id, pool, []string{pool}
	return d.run(t, worker.New(cfg, deps(t, d.srv, id, nil)).Run)
}

// sleep has the pool sim be up once, and go.
func (d *dorm) sleep(t *testing.T) {
	t.Helper()
	stop := d.worker(t, "w0", "sim")
	d.awaitModel(t, "sim")
	b := bustest.Connect(t, d.srv, bus.Options{Name: "looker"})
	until(t, "what the pool serves is kept", func() bool {
		kv, err := b.JetStream().KeyValue(t.Context(), sleepers.Bucket)
		if err != nil {
			return false
		}
		_, err = kv.Get(t.Context(), "sim")
		return err == nil
	})
	d.awaitWanted(t, 0)
	stop()
	until(t, "the pool has no worker", func() bool { return d.scaling(t, "replicas") == 0 })
}

// scaling is a number of the pool's last decision; −1 while there is none.
func (d *dorm) scaling(t *testing.T, name string) float64 {
	t.Helper()
	families, err := d.router.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "leat_router_scaling_"+name && m.GetLabel()[0].GetValue() == "sim" {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

func (d *dorm) awaitWanted(t *testing.T, n float64) {
	t.Helper()
	until(t, fmt.Sprintf("%v workers are wanted", n), func() bool { return d.scaling(t, "desired_replicas") == n })
}

// reply is an answer that is on its way.
type reply struct {
	status int
	header http.Header
	body   string
}

func (d *dorm) asking(t *testing.T, model string) <-chan reply {
	out := make(chan reply, 1)
	go func() {
		status, h, body := d.chatWith(t, model, "")
		out <- reply{status, h, body}
	}()
	return out
}

// A pool without workers keeps its models, also for a gateway that starts meanwhile. A request for one wakes the pool, waits
// for longer than the queue and the first token may take, and is answered by the worker that comes.
func TestARequestToASleepingPoolWakesItAndIsAnswered(t *testing.T) {
	t.Parallel()
	d, stop := dormOf(t, 30*time.Second, nil)
	d.sleep(t)
	stop()
	d.edge(t, "g2")
	d.awaitModel(t, "sim")
	if _, _, list := d.ask(t, "GET", "/v1/models", "", nil); !strings.Contains(list, `"id":"sim"`) {
		t.Errorf("a sleeping pool's model is not listed: %s", list)
	}
	answer := d.asking(t, "sim")
	d.awaitWanted(t, 1)
	select {
	case r := <-answer:
		t.Fatalf("answered without a worker: %+v", r)
	case <-time.After(1200 * time.Millisecond): // more than the pool's own waits
	}
	d.worker(t, "w1", "sim")
	if r := <-answer; r.status != http.StatusOK || r.header.Get("X-Leat-Worker") != "w1" {
		t.Errorf("%d %v\n%s", r.status, r.header, r.body)
	}
}

func TestARequestThatNobodyWakesForSaysWhatToDo(t *testing.T) {
	t.Parallel()
	d, _ := dormOf(t, 700*time.Millisecond, nil)
	d.sleep(t)
	r := <-d.asking(t, "sim")
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") != "30" || !strings.Contains(r.body, `"no_worker"`) ||
		!strings.Contains(r.body, "pool sim sleeps") || !strings.Contains(r.body, "try again in 30 s") || !strings.Contains(r.body, "wake_timeout") {
		t.Errorf("%d %v\n%s", r.status, r.header, r.body)
	}
	d.awaitWanted(t, 1) // whoever asks next may find one
	// The client's own wait for the queue bounds it, too.
	d.pools["sim"] = pool.Config{Scaling: pool.Scaling{Mode: pool.ScalingOn, WakeTimeout: time.Hour}}
	d.edge(t, "g2")
	d.awaitModel(t, "sim")
	status, _, raw := d.ask(t, "POST", "/v1/completions", "application/json", strings.NewReader(`{"model":"sim","prompt":"a"}`), "x-leat-timeout", "queue=300ms")
	if status != http.StatusServiceUnavailable || !regexp.MustCompile(`pool sim sleeps, and no worker came up within the (\d+ms|\d(\.\d)?s) `).MatchString(raw) {
		t.Errorf("%d %s", status, raw) // 54 s are what is left of the request's total time
	}
}

// A router that dies takes no waiting request with it, nor how long that may wait.
func TestARequestWaitsForASleepingPoolThoughItsRouterDies(t *testing.T) {
	t.Parallel()
	d, _ := dormOf(t, 30*time.Second, nil)
	d.sleep(t)
	answer := d.asking(t, "sim")
	until(t, "it waits", func() bool { return metric(t, d.router, "llm_queue_depth") == 1 })
	dies := d.stopRouter
	d.routes(t, "r2")
	dies()
	until(t, "it waits at the other router", func() bool { return metric(t, d.router, "llm_queue_depth") == 1 })
	d.awaitWanted(t, 1)
	d.worker(t, "w1", "sim")
	if r := <-answer; r.status != http.StatusOK {
		t.Errorf("%d %v\n%s", r.status, r.header, r.body)
	}
}

// A route goes on to a model that is up, and the one that sleeps is woken for the next request. Where all sleep the first
// one is waited for.
func TestARouteDoesNotWaitForASleepingModelWhileAnotherIsUp(t *testing.T) {
	t.Parallel()
	d, _ := dormOf(t, 30*time.Second, func(c *gateway.Config) {
		c.Models = models.Set{
			"big":  {Targets: []models.Target{{Model: "sim"}}, Fallback: []models.Target{{Model: "small"}}},
			"only": {Targets: []models.Target{{Model: "sim"}}, Say: "Come back later."},
		}
	})
	d.sleep(t)
	small := d.worker(t, "s0", "small")
	d.awaitModel(t, "small")
	r := <-d.asking(t, "big")
	if r.status != http.StatusOK || r.header.Get("X-Leat-Model") != "small" || r.header.Get("X-Leat-Fallback") != "sim:asleep" {
		t.Errorf("%d %v\n%s", r.status, r.header, r.body)
	}
	d.awaitWanted(t, 1)
	small()
	answer := d.asking(t, "only")
	until(t, "it waits", func() bool { return metric(t, d.router, "llm_queue_depth") == 1 })
	d.worker(t, "w1", "sim")
	if r := <-answer; r.status != http.StatusOK || r.header.Get("X-Leat-Model") != "sim" || r.header.Get("X-Leat-Fixed") != "" {
		t.Errorf("%d %v\n%s", r.status, r.header, r.body)
	}
}

const sleepyJob = `{"model":"sim","max_tokens":2,"messages":[{"role":"user","content":"hi"}]}`

// A job wakes a pool as a request does, though there is no fleet at all, and is done by the worker that comes.
func TestAJobWakesASleepingPool(t *testing.T) {
	t.Parallel()
	d, _ := dormOf(t, 30*time.Second, nil)
	d.sleep(t)
	j := d.jobber(t)
	j.publish(t, "jobs.bulk.default.chat", nats.Header{"Nats-Msg-Id": {"job"}}, sleepyJob)
	d.awaitWanted(t, 1)
	d.worker(t, "w1", "sim")
	if r := j.result(t, "chat", "job"); !r.OK() {
		t.Errorf("%+v", r)
	}
}

// A job that waited for a worker in vain has not failed: it is tried again later.
func TestAJobThatNobodyWakesForWaits(t *testing.T) {
	t.Parallel()
	d, _ := dormOf(t, 300*time.Millisecond, nil)
	d.sleep(t)
	j := d.jobber(t)
	ack := j.publish(t, "jobs.normal.default.chat", nil, sleepyJob)
	until(t, "it is put off", func() bool {
		kv, err := j.bus.JetStream().KeyValue(t.Context(), "jobtries")
		if err != nil {
			return false
		}
		e, err := kv.Get(t.Context(), strconv.FormatUint(ack.Sequence, 10))
		return err == nil && strings.Contains(string(e.Value()), `"failed":0,"waited":1`)
	})
	s, err := j.bus.JetStream().Stream(t.Context(), events.JobsStream)
	if err != nil || s.CachedInfo().State.Msgs != 1 {
		t.Errorf("%d jobs are left, %v", s.CachedInfo().State.Msgs, err)
	}
}

// What cannot be read in the store does not keep a gateway from its start, nor its pool from being up.
func TestABadEntryOfASleepingPoolIsPassedOver(t *testing.T) {
	t.Parallel()
	d, stop := dormOf(t, time.Second, nil)
	stop()
	b := bustest.Connect(t, d.srv, bus.Options{Name: "spoiler"})
	if err := sleepers.New(b, bus.DefaultConfig()).Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	kv, err := b.JetStream().KeyValue(t.Context(), sleepers.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"sim", "other"} {
		if _, err := kv.Put(t.Context(), key, []byte("\xff\xff")); err != nil {
			t.Fatal(err)
		}
	}
	d.edge(t, "g2")
	d.worker(t, "w0", "sim")
	d.awaitModel(t, "sim")
	until(t, "it is written anew", func() bool {
		e, err := kv.Get(t.Context(), "sim")
		return err == nil && len(e.Value()) > 10
	})
}

// A pool whose min is 1 again is forgotten by the gateway that starts with that.
func TestAPoolThatSleepsNoMoreIsForgotten(t *testing.T) {
	t.Parallel()
	d, stop := dormOf(t, time.Second, nil)
	d.sleep(t)
	stop()
	d.pools = pool.Set{"default": {}}
	d.edge(t, "g2")
	b := bustest.Connect(t, d.srv, bus.Options{Name: "looker"})
	kv, err := b.JetStream().KeyValue(t.Context(), sleepers.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "nothing is kept of it", func() bool {
		_, err := kv.Get(t.Context(), "sim")
		return err != nil
	})
	if r := <-d.asking(t, "sim"); r.status != http.StatusServiceUnavailable || strings.Contains(r.body, "sleeps") {
		t.Errorf("%d %s", r.status, r.body)
	}
}
