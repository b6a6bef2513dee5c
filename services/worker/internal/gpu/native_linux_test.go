//go:build cgo

package gpu_test

import (
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/gpu"
)

// stub compiles a driver's library against NVIDIA's header.
func stub(t *testing.T, source string) string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/NVIDIA/go-nvml").Output()
	if err != nil {
		t.Fatal("find nvml.h:", err)
	}
	lib := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	out, err := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-w", "-I", filepath.Join(strings.TrimSpace(string(dir)), "pkg/nvml"), "-o", lib, source).CombinedOutput()
	if err != nil {
		t.Fatalf("compile %s: %v\n%s", source, err, out)
	}
	return lib
}

// Every function of a driver's library gets what its header says and gives what its header says.
func TestADriversLibrary(t *testing.T) {
	lib, err := gpu.Load(stub(t, "testdata/stub.c"))
	if err != nil {
		t.Fatal(err)
	}
	w := gpu.New(gpu.Options{Log: slog.New(slog.DiscardHandler), Open: func() (gpu.Library, error) { return lib, nil }})
	go w.Run(t.Context())
	for w.Snapshot() == nil { // the calls leave Go, so there is no waiting for them in a bubble
		select {
		case <-t.Context().Done():
		case <-time.After(time.Millisecond):
		}
	}
	s := w.Snapshot()
	g := s.GPUs[0]
	if n := len(g.Processes); n != 40 || g.Processes[0] != (gpu.Process{PID: 1000, Instance: 4}) || g.Processes[39] != (gpu.Process{PID: 1039, Memory: 39, Instance: 4}) {
		t.Errorf("%d processes: %+v", n, g.Processes)
	}
	g.Processes = nil
	known := func(v float64) gpu.Value { return gpu.Value{Value: v, Known: true} }
	want := gpu.GPU{
		Minor: 3, UUID: "GPU-stub", Name: "Stub", Bus: "00000000:07:00.0", Utilization: known(.7), MemoryUtilization: known(.3), Temperature: known(44),
		Power: known(12.345), DriverEnergy: known(1 << 32 * 1e-3), SMClock: known(1980e6), MemoryClock: known(2619e6), Throttle: gpu.Mask{Bits: 0x41, Known: true},
		Memory: gpu.Memory{Total: 40, Reserved: 1, Free: 2, Used: 3},
		MIG:    []gpu.MIG{{UUID: "MIG-stub", Profile: "2g.20gb", Instance: 4, Memory: gpu.Memory{Total: 20, Reserved: 1, Free: 2, Used: 3}}},
		Energy: known(0), LastXID: 94, XIDs: map[uint64]uint64{94: 2},
	}
	if got, want := fmt.Sprintf("%+v", g), fmt.Sprintf("%+v", want); got != want || s.Driver != "580.65.06" {
		t.Errorf("driver %s\n%s\nwant\n%s", s.Driver, got, want)
	}
}

// A library that is not a driver's is said to be none, and nothing is called in it.
func TestALibraryOfAnotherKind(t *testing.T) {
	if _, err := gpu.Load("libc.so.6"); err == nil || !strings.Contains(err.Error(), "NVML") {
		t.Error(err)
	}
}
