package worker

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/gpu"
)

const visibleDevices = "CUDA_VISIBLE_DEVICES"

// newGPUs makes the watcher of the GPUs that the engines of this process may use: those of each engine's own variable, else
// of the process's.
func newGPUs(log *slog.Logger, open func() (gpu.Library, error), engines ...Config) *gpu.Watcher {
	o := gpu.Options{Log: log, Open: open, VisibleSet: true}
	var lists []string
	for _, c := range engines {
		list, set := c.Env[visibleDevices]
		if !set {
			list, set = os.LookupEnv(visibleDevices)
		}
		o.VisibleSet = o.VisibleSet && set
		if list != "" {
			lists = append(lists, list)
		}
	}
	o.Visible = strings.Join(lists, ",")
	return gpu.New(o)
}

// snapshotGPUs are the GPUs of this worker's engine. Of a process's GPUs they are those that its own variable names.
func (w *Worker) snapshotGPUs() *gpu.Snapshot {
	if list, own := w.cfg.Env[visibleDevices]; own {
		return w.gpus.Snapshot().Only(list)
	}
	return w.gpus.Snapshot()
}

// nodeName is dcgm-exporter's label Hostname: the Kubernetes node where that is told, else the machine.
func nodeName() string {
	if node := os.Getenv("NODE_NAME"); node != "" {
		return node
	}
	name, err := os.Hostname()
	if err != nil {
		return "" // as dcgm-exporter does
	}
	return name
}

// watchGPUs samples the GPUs until the returned function is called.
func (w *Worker) watchGPUs(ctx context.Context) (stop func()) {
	if w.cfg.NoGPU || w.sharesGPUs {
		return func() {}
	}
	return watchGPUs(ctx, w.gpus)
}

func watchGPUs(ctx context.Context, gpus *gpu.Watcher) (stop func()) {
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { gpus.Run(ctx) })
	return func() {
		end()
		running.Wait()
	}
}

// reportGPUs is a sample as a report has it.
func reportGPUs(s *gpu.Snapshot) []*inferv1.Gpu {
	if s == nil {
		return nil
	}
	out := make([]*inferv1.Gpu, 0, len(s.GPUs))
	for _, g := range s.GPUs {
		r := &inferv1.Gpu{
			Index: uint32(g.Index), Uuid: g.UUID, Name: g.Name, Fault: g.Fault, MemoryUsed: g.Memory.Used, MemoryTotal: g.Memory.Total,
			Utilization: optional(g.Utilization), Temperature: optional(g.Temperature), Power: optional(g.Power),
		}
		for _, m := range g.MIG {
			r.MigDevices = append(r.MigDevices, &inferv1.MigDevice{
				Uuid: m.UUID, Profile: m.Profile, GpuInstance: m.Instance, MemoryUsed: m.Memory.Used, MemoryTotal: m.Memory.Total,
			})
		}
		out = append(out, r)
	}
	return out
}

func optional(v gpu.Value) *float64 {
	if !v.Known {
		return nil
	}
	return &v.Value
}
