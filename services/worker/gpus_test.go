package worker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/gpu"
	"github.com/leathq/leat/services/worker/internal/gpu/gputest"
)

// A worker's GPUs are in its reports and among its metrics, the lost ones and the instances, too.
func TestGPUsAreReported(t *testing.T) {
	m := gputest.New(2)
	m.Cards[0].Parts = []*gputest.Part{{Card: m.Cards[0], ID: 3, Profile: "1g.10gb", PartMem: gpu.Memory{Total: 10 << 30, Used: 1 << 30}}}
	m.Cards[0].UtilFails = gpu.NotSupported
	var reg *prometheus.Registry
	f := start(t, setup{engine: &scripted{run: block, slots: 1}, gpus: m.Options().Open, deps: func(d *host.Deps) {
		reg = prometheus.NewRegistry()
		d.Metrics = reg
	}})
	f.await("GPUs", func() bool { return len(f.last().GetGpus()) == 2 })
	f.mu.Lock()
	gpus := f.last().GetGpus()
	f.mu.Unlock()
	cut, whole := gpus[0], gpus[1]
	if whole.GetUuid() != "GPU-0001" || whole.GetIndex() != 1 || whole.GetName() == "" || whole.GetUtilization() != .5 || whole.GetMemoryUsed() != 20<<30 ||
		whole.GetMemoryTotal() != 80<<30 || whole.GetTemperature() != 60 || whole.GetPower() != 300 || whole.GetFault() != "" {
		t.Errorf("%v", whole)
	}
	if p := cut.GetMigDevices(); cut.Utilization != nil || len(p) != 1 || p[0].GetUuid() != "MIG-0000-3" || p[0].GetProfile() != "1g.10gb" ||
		p[0].GetGpuInstance() != 3 || p[0].GetMemoryUsed() != 1<<30 || p[0].GetMemoryTotal() != 10<<30 {
		t.Errorf("%v", cut)
	}
	for _, name := range []string{"leat_worker_gpu_up", "DCGM_FI_DEV_GPU_UTIL"} {
		if !families(t, reg)[name] {
			t.Errorf("no metric %s", name)
		}
	}
	m.Do(func() { m.Cards[1].Fails = gpu.Lost })
	f.await("a lost GPU", func() bool { return strings.Contains(f.last().GetGpus()[1].GetFault(), "bus") })
}

// The GPUs are reported while the engine loads, when a card's memory fills, and let go of when the worker has left.
func TestGPUsFromLoadToLeave(t *testing.T) {
	m := gputest.New(1)
	load := make(chan struct{})
	f := start(t, setup{cfg: worker.Config{Pool: "p"}, engine: &scripted{run: block, slots: 1}, gpus: m.Options().Open, load: func(ctx context.Context) error {
		select {
		case <-load:
		case <-ctx.Done():
		}
		return ctx.Err()
	}})
	f.await("GPUs of a worker that starts", func() bool {
		return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_STARTING && len(f.last().GetGpus()) == 1
	})
	close(load)
	f.await("a worker that is ready", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_READY })
	f.stop()
	f.left()
	m.Do(func() {
		if m.Inits == 0 || m.Open != 0 {
			t.Errorf("%d inits, %d without an end", m.Inits, m.Open)
		}
	})
}

// Who does not want the driver to be asked has it not asked.
func TestNoGPU(t *testing.T) {
	m := gputest.New(1)
	f := start(t, setup{cfg: worker.Config{NoGPU: true}, engine: &scripted{run: block, slots: 1}, gpus: m.Options().Open})
	f.stop()
	f.left()
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.Inits != 0 || len(f.last().GetGpus()) != 0 {
		t.Errorf("%d inits, %v", m.Inits, f.last())
	}
}

func families(t *testing.T, reg *prometheus.Registry) map[string]bool {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Error(err)
	}
	out := map[string]bool{}
	for _, mf := range all {
		out[mf.GetName()] = true
	}
	return out
}
