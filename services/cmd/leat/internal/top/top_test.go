package top_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/cmd/leat/internal/top"
)

var update = flag.Bool("update", false, "write the golden frames anew")

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// report is a worker's, n quarters of a second into its life, in which it makes so many tokens per second.
func report(pool, name string, n int, rate uint64, change func(*inferv1.Report)) *inferv1.Report {
	r := &inferv1.Report{
		Pool: pool, Worker: name, Number: uint64(n), StartedUnixNanos: 1, State: inferv1.WorkerState_WORKER_STATE_READY, Engine: "llama", Slots: 8,
		Running: 4, Waiting: 1, KvUse: 0.25, Steps: uint64(n) * 10, OutputTokens: uint64(n) * rate / 4, PromptTokens: uint64(n) * rate, CachedTokens: uint64(n) * rate / 2,
	}
	if change != nil {
		change(r)
	}
	return r
}

// fleet has three workers that report four times a second until noon, one that died before and one that left.
func fleet() *top.Fleet {
	f := &top.Fleet{}
	for n := range 17 {
		at := noon.Add(time.Duration(n-16) * 250 * time.Millisecond)
		f.Report(report("big", "w-1", n, 400, func(r *inferv1.Report) { r.Engine, r.Gpus, r.KvUse = "openai", gpus(), 0.875 }), at)
		f.Report(report("small", "w-2", n, 40, nil), at)
		f.Report(report("small", "w-3", n, 80, func(r *inferv1.Report) { r.Waiting = 7 }), at)
		f.Report(report("small", "dead", n, 999, nil), at.Add(-12*time.Second))
	}
	f.Report(report("small", "new", 1, 0, func(r *inferv1.Report) {
		r.State, r.StateNote = inferv1.WorkerState_WORKER_STATE_STARTING, "loading the model"
	}), noon)
	f.Report(report("small", "left", 1, 0, func(r *inferv1.Report) { r.State = inferv1.WorkerState_WORKER_STATE_GONE }), noon.Add(-3*time.Second))
	f.Told(map[string]top.Told{
		"small": {Queued: 12, Scaling: &routerv1.ScalingDecided{
			Verdict: routerv1.ScalingVerdict_SCALING_VERDICT_UP, Desired: 4, Replicas: 3, Reasons: []string{"45 requests wait, more than 32"},
		}},
		"night": {Scaling: &routerv1.ScalingDecided{Verdict: routerv1.ScalingVerdict_SCALING_VERDICT_HOLD, Reasons: []string{"nobody asks", "another"}}},
		"empty": {},
	})
	return f
}

func gpus() []*inferv1.Gpu {
	return []*inferv1.Gpu{
		{Index: 0, Name: "NVIDIA H100 80GB HBM3", Utilization: new(0.93), MemoryUsed: 70 << 30, MemoryTotal: 80 << 30, Temperature: new(64.0), Power: new(612.0)},
		{Index: 1, Name: "NVIDIA H100 80GB HBM3", Fault: "it fell off the bus"},
		{Index: 2, Name: "NVIDIA A100", MemoryUsed: 1 << 30, MigDevices: []*inferv1.MigDevice{{Profile: "1g.5gb", GpuInstance: 7, MemoryUsed: 1 << 30, MemoryTotal: 5 << 30}}},
	}
}

func TestFrames(t *testing.T) {
	for name, v := range map[string]top.View{
		"wide":   {Source: "nats://nats:4222"},
		"narrow": {Source: "nats://nats:4222", Order: top.ByTokens, Width: 60, Height: 14, Keys: true},
	} {
		got, file := v.Frame(fleet(), noon), "testdata/"+name+".golden.txt"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: look at it, then go test -update:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// names lists the workers of a frame from top to bottom.
func names(frame string) string {
	_, rows, _ := strings.Cut(frame, "NOTE\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	var out []string
	for row := range strings.Lines(rows) {
		out = append(out, strings.Fields(row)[0])
	}
	return strings.Join(out, " ")
}

func TestWorkersAreSorted(t *testing.T) {
	for order, want := range map[top.Order]string{
		top.ByName: "w-1 dead left new w-2 w-3", top.ByTokens: "w-1 w-3 w-2 dead left new", top.ByWaiting: "w-3 w-1 new w-2 dead left", top.ByKV: "w-1 new w-2 w-3 dead left",
	} {
		if got := names(top.View{Order: order}.Frame(fleet(), noon)); got != want {
			t.Errorf("by %s: %s, want %s", order, got, want)
		}
	}
}

// A rate is of the last seconds and of one life: it neither remembers an old load nor takes a restart for a loss.
func TestRatesAreOfNow(t *testing.T) {
	f := &top.Fleet{}
	count := uint64(0)
	at := noon
	step := func(tokens uint64, life int64) {
		count, at = count+tokens, at.Add(250*time.Millisecond)
		f.Report(report("p", "w", 0, 0, func(r *inferv1.Report) { r.OutputTokens, r.StartedUnixNanos = count, life }), at)
	}
	out := func() string {
		_, rest, _ := strings.Cut(top.View{}.Frame(f, at), "waiting, ")
		n, _, _ := strings.Cut(rest, " tok/s out")
		return n
	}
	step(0, 1)
	if got := out(); got != "-" {
		t.Errorf("after one report: %s", got)
	}
	for range 40 {
		step(100, 1)
	}
	if got := out(); got != "400" {
		t.Errorf("under load: %s, want 400", got)
	}
	for range 8 {
		step(0, 1)
	}
	if got := out(); got != "0" {
		t.Errorf("two seconds after the load: %s", got)
	}
	count = 0
	step(5, 2)
	if got := out(); got != "-" {
		t.Errorf("after a restart: %s", got)
	}
	step(10, 2)
	if got := out(); got != "40" {
		t.Errorf("a report after the restart: %s, want 40", got)
	}
}

func TestSilentWorkersAreForgotten(t *testing.T) {
	f := fleet()
	f.Sweep(noon.Add(20 * time.Second))
	if got := names(top.View{}.Frame(f, noon.Add(20*time.Second))); got != "w-1 left new w-2 w-3" {
		t.Errorf("20 s later: %s", got)
	}
	f.Sweep(noon.Add(time.Minute))
	if got := (top.View{}).Frame(f, noon.Add(time.Minute)); strings.Contains(got, "no worker reports") || !strings.Contains(got, "night") {
		t.Errorf("a pool that sleeps is not in\n%s", got)
	}
	f.Told(nil)
	if got := (top.View{}).Frame(f, noon.Add(time.Minute)); !strings.Contains(got, "no worker reports") {
		t.Errorf("a minute later:\n%s", got)
	}
}

// The screen takes its size from the terminal, sorts by s and ends by q.
func TestKeysAndSize(t *testing.T) {
	s := top.NewScreen("nats://nats:4222", func() time.Time { return noon })
	s.Update(top.ReportMsg{Report: report("p", "a", 1, 0, nil)})
	s.Update(top.ReportMsg{Report: report("p", "b", 1, 0, func(r *inferv1.Report) { r.Waiting = 5 })})
	s.Update(tea.WindowSizeMsg{Width: 40, Height: 24})
	for _, line := range strings.Split(s.View(), "\n") {
		if len([]rune(line)) > 40 {
			t.Errorf("wider than the window: %s", line)
		}
	}
	s.Update(tea.WindowSizeMsg{Width: 200, Height: 24})
	if got := names(s.View()); got != "a b" {
		t.Errorf("at first: %s", got)
	}
	for range 2 {
		s.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("s")})
	}
	if got := names(s.View()); got != "b a" || !strings.Contains(s.View(), "sorted by waiting") {
		t.Errorf("by waiting: %s in\n%s", got, s.View())
	}
	var out bytes.Buffer
	p := tea.NewProgram(s, tea.WithInput(strings.NewReader("q")), tea.WithOutput(&out), tea.WithContext(t.Context()), tea.WithoutSignalHandler())
	if _, err := p.Run(); err != nil {
		t.Errorf("q does not end it: %v", err)
	}
}
