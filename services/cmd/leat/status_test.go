package main_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	main "github.com/leathq/leat/services/cmd/leat"
)

var update = flag.Bool("update", false, "write the golden output anew")

// A worker that was killed said "ready" last; it is not shown as that.
func TestASilentWorkerIsLost(t *testing.T) {
	worker := func(name string, age int64, s inferv1.WorkerState) *routerv1.Worker {
		return &routerv1.Worker{AgeMs: age, Report: &inferv1.Report{Worker: name, State: s}}
	}
	var out strings.Builder
	err := main.ShowPool(&out, &routerv1.Pool{Name: "p", Workers: []*routerv1.Worker{
		worker("killed", 18_000, inferv1.WorkerState_WORKER_STATE_READY),
		worker("alive", 200, inferv1.WorkerState_WORKER_STATE_READY),
		worker("left", 18_000, inferv1.WorkerState_WORKER_STATE_GONE),
	}})
	for _, want := range []string{`killed +lost`, `alive +ready`, `left +gone`} {
		if err != nil || !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%v; no %s in\n%s", err, want, out.String())
		}
	}
}

// Where a worker has GPUs they are shown with what is known of them; a lost one with its reason, those of a lost worker not.
func TestStatusShowsGPUs(t *testing.T) {
	gpus := []*inferv1.Gpu{
		{Index: 0, Name: "H100", Utilization: new(.87), MemoryUsed: 20 << 30, MemoryTotal: 80 << 30, Temperature: new(61.0), Power: new(412.4)},
		{Index: 1, Name: "A100", MemoryUsed: 6 << 30, MemoryTotal: 40 << 30, MigDevices: []*inferv1.MigDevice{
			{Profile: "3g.20gb", GpuInstance: 2, MemoryUsed: 5 << 30, MemoryTotal: 20 << 30},
		}},
		{Index: 2, Name: "H100", Fault: "the GPU has fallen off the bus"},
	}
	ready := inferv1.WorkerState_WORKER_STATE_READY
	var out strings.Builder
	err := main.ShowPool(&out, &routerv1.Pool{Name: "p", Workers: []*routerv1.Worker{
		{AgeMs: 100, Report: &inferv1.Report{Worker: "a", State: ready, Gpus: gpus}},
		{AgeMs: 9000, Report: &inferv1.Report{Worker: "killed", State: ready, Gpus: gpus}},
		{AgeMs: 100, Report: &inferv1.Report{Worker: "none", State: ready}},
	}})
	_, table, _ := strings.Cut(out.String(), "TEMPERATURE")
	for _, want := range []string{
		`a +0 +87 % +20\.0/80\.0 GiB +61 °C +412 W +H100\n`, `a +1 +- +6\.0/40\.0 GiB +- +- +A100\n`, `a +1/2 +- +5\.0/20\.0 GiB +- +- +MIG 3g\.20gb\n`,
		`a +2 +- +- +- +- +H100, lost: the GPU has fallen off the bus\n`,
	} {
		if err != nil || !regexp.MustCompile(want).MatchString(table) {
			t.Errorf("%v; no %s in\n%s", err, want, out.String())
		}
	}
	if strings.Contains(table, "killed") || strings.Contains(table, "none") {
		t.Errorf("GPUs of workers that have none, or are gone:\n%s", table)
	}
	out.Reset()
	if err := main.ShowPool(&out, &routerv1.Pool{Name: "p", Workers: []*routerv1.Worker{{Report: &inferv1.Report{Worker: "none"}}}}); err != nil || strings.Contains(out.String(), "GPU") {
		t.Errorf("%v; GPUs where there are none:\n%s", err, out.String())
	}
}

// What should become of a pool's size stands above its partitions; a pool that sleeps says so.
func TestStatusShowsHowManyWorkersAreWanted(t *testing.T) {
	decided := func(v routerv1.ScalingVerdict, desired, replicas uint32, reasons ...string) *routerv1.ScalingDecided {
		return &routerv1.ScalingDecided{Verdict: v, Desired: desired, Replicas: replicas, Reasons: reasons}
	}
	var out strings.Builder
	for _, p := range []*routerv1.Pool{
		{Name: "big", Policy: "adaptive", Partitions: []*routerv1.Partition{{Owner: "rt-1", Epoch: 7, Queued: 45}}, Scaling: decided(
			routerv1.ScalingVerdict_SCALING_VERDICT_UP, 3, 2, "45 requests wait, more than 32: 2 batches of 16", "not for 30s yet")},
		{Name: "night", Policy: "adaptive", Partitions: []*routerv1.Partition{{Owner: "rt-1", Epoch: 8}}, Scaling: decided(
			routerv1.ScalingVerdict_SCALING_VERDICT_HOLD, 0, 0, "nobody asks")},
		{Name: "new", Policy: "adaptive", Partitions: []*routerv1.Partition{{}}},
	} {
		if err := main.ShowPool(&out, p); err != nil {
			t.Fatal(err)
		}
	}
	const golden = "testdata/status.golden.txt"
	want, err := os.ReadFile(golden)
	if *update {
		err = os.WriteFile(golden, []byte(out.String()), 0o600)
		want = []byte(out.String())
	}
	if err != nil || out.String() != string(want) {
		t.Errorf("%v: look at it, then go test -update:\n%s\nwant\n%s", err, out.String(), want)
	}
}
