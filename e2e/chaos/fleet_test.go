package chaos_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	workerv1 "github.com/leathq/leat/proto/gen/leat/worker/v1"
)

// fleet is a nats-server with routers, gateways and workers around it, all processes of their own.
type fleet struct {
	t        *testing.T
	dir      string
	config   string // YAML file of all of them
	nats     *procs.Server
	routers  []*procs.Process
	gateways []*procs.Process
	workers  map[string]*procs.Process
	conns    map[string]*grpc.ClientConn
}

// newFleet starts everything but workers. settings is the YAML of the pools section, or empty.
func newFleet(t *testing.T, routers, gateways int, settings string) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir(), nats: procs.NewServer(t), workers: map[string]*procs.Process{}, conns: map[string]*grpc.ClientConn{}}
	f.config = filepath.Join(f.dir, "leat.yaml")
	if err := os.WriteFile(f.config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range routers {
		f.routers = append(f.routers, f.service("router", fmt.Sprintf("router %d", i)))
	}
	for i := range gateways {
		f.gateways = append(f.gateways, f.service("gateway", fmt.Sprintf("gateway %d", i)))
	}
	return f
}

func (f *fleet) service(kind, name string, args ...string) *procs.Process {
	f.t.Helper()
	base := []string{"--config", f.config, "--nats", f.nats.NATS, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--pprof"}
	return procs.Run(f.t, procs.Log(f.t, name, 30), programs.Ours(f.t, kind), append(base, args...)...)
}

// worker starts a worker, or a new life of one, and waits until every gateway's clients can reach its model.
func (f *fleet) worker(name, model string, args ...string) *procs.Process {
	f.t.Helper()
	p := f.service("worker", name, append([]string{"--name", name, "--served-model-name", model}, args...)...)
	f.workers[name] = p
	procs.Within(f.t, 60*time.Second, name+" takes work", func() bool {
		r := f.status(name)
		return r != nil && r.GetState() == inferv1.WorkerState_WORKER_STATE_READY
	})
	return p
}

// serving waits until every gateway knows the model and every router its workers and an owner.
func (f *fleet) serving(model string, workers int) {
	f.t.Helper()
	procs.Within(f.t, 20*time.Second, "the fleet serves "+model, func() bool {
		for _, g := range f.gateways {
			if _, body := get(g.HTTP, "/v1/models"); !strings.Contains(body, strconv.Quote(model)) {
				return false
			}
		}
		for _, r := range f.routers {
			p := f.pool(r, model)
			if len(p.GetPartitions()) == 0 || p.GetPartitions()[0].GetOwner() == "" || ready(p) < workers {
				return false
			}
		}
		return true
	})
}

func ready(p *routerv1.Pool) (n int) {
	for _, w := range p.GetWorkers() {
		if w.GetReport().GetState() == inferv1.WorkerState_WORKER_STATE_READY && w.GetAgeMs() < 1000 && w.GetBreaker() == "closed" {
			n++
		}
	}
	return n
}

// conn is a gRPC connection to a process.
func (f *fleet) conn(p *procs.Process) *grpc.ClientConn {
	c := f.conns[p.GRPC]
	if c == nil {
		var err error
		if c, err = grpc.NewClient(p.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			f.t.Fatal(err)
		}
		f.conns[p.GRPC] = c
		f.t.Cleanup(func() { _ = c.Close() })
	}
	return c
}

// status is a worker's report of this moment, or nil where it does not answer.
func (f *fleet) status(name string) *inferv1.Report {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r, err := workerv1.NewWorkerServiceClient(f.conn(f.workers[name])).GetStatus(ctx, &workerv1.GetStatusRequest{})
	if err != nil {
		return nil
	}
	return r.GetReport()
}

// pools is what a router says of itself; empty where it does not answer.
func (f *fleet) pools(router *procs.Process) *routerv1.ListPoolsResponse {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r, err := routerv1.NewRouterServiceClient(f.conn(router)).ListPools(ctx, &routerv1.ListPoolsRequest{})
	if err != nil {
		return &routerv1.ListPoolsResponse{}
	}
	return r
}

// idOf is the name that a router owns partitions by.
func (f *fleet) idOf(router *procs.Process) string { return f.pools(router).GetRouter() }

// pool is what a router says of a pool, or nil.
func (f *fleet) pool(router *procs.Process, name string) *routerv1.Pool {
	for _, p := range f.pools(router).GetPools() {
		if p.GetName() == name {
			return p
		}
	}
	return nil
}

// owner is the lease of a pool's partition 0 as a router sees it.
func (f *fleet) owner(router *procs.Process, pool string) (id string, epoch uint64) {
	p := f.pool(router, pool)
	if len(p.GetPartitions()) == 0 {
		return "", 0
	}
	return p.GetPartitions()[0].GetOwner(), p.GetPartitions()[0].GetEpoch()
}

var plain = &http.Client{Timeout: 5 * time.Second}

// get fetches a page; the status is 0 where nobody answers.
func get(addr, path string) (status int, body string) {
	resp, err := plain.Get("http://" + addr + path)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body) // a cut page is a page without what is looked for
	return resp.StatusCode, string(b)
}

// metric is the sum of a metric's series, −1 where there is none.
func metric(p *procs.Process, name string) float64 {
	_, page := get(p.HTTP, "/metrics")
	sum, found := 0.0, false
	for line := range strings.Lines(page) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
		if err == nil {
			sum, found = sum+v, true
		}
	}
	if !found {
		return -1
	}
	return sum
}

// goroutines is how many a process runs, −1 where it does not say.
func goroutines(p *procs.Process) int {
	_, page := get(p.HTTP, "/debug/pprof/goroutine?debug=1")
	_, rest, _ := strings.Cut(page, "goroutine profile: total ")
	n, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
	if err != nil {
		return -1
	}
	return n
}
