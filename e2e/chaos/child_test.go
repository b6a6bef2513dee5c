package chaos_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

const (
	llamaSlots   = 4
	llamaStreams = 24
)

// A killed engine child costs only the streams that it had begun: the worker lives, gives the rest to another one, and
// starts a new child.
func TestKilledEngineChildCostsOnlyTheStreamsItHadBegun(t *testing.T) {
	f := newFleet(t, 1, 1, "gateway: {window: 16}\n")
	for _, name := range []string{"l0", "l1"} {
		f.worker(name, "llama", "--engine", "llama", "--slots", fmt.Sprint(llamaSlots), "--threads", "1")
	}
	f.serving("llama", 2)
	var pages []ask
	for i := range 12 {
		pages = append(pages, ask{
			Model: "llama", Prompt: fmt.Sprintf("Letter %d begins like this:", i), MaxTokens: 24, Seed: int64(i), Temperature: 0.7, IgnoreEOS: true, Stream: true,
		})
	}
	b := learn(t, f.gateways[0].HTTP, 2*llamaSlots, pages)
	idle := goroutines(f.workers["l0"])
	l := begin(llamaStreams, func(int) string { return f.gateways[0].HTTP }, func(client, i int) ask { return pages[(client+5*i)%len(pages)] })
	procs.Within(t, 60*time.Second, "all slots are taken", func() bool {
		return l.seen() > 2*llamaSlots && f.status("l0").GetRunning() == llamaSlots && f.status("l1").GetRunning() == llamaSlots
	})
	child := childOf(t, f.workers["l0"].PID())
	killed := time.Now()
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	procs.Within(t, 5*time.Second, "the worker says that its engine is gone", func() bool {
		return f.status("l0").GetState() == inferv1.WorkerState_WORKER_STATE_UNHEALTHY
	})
	again := procs.Within(t, 60*time.Second, "the worker has a new engine", func() bool {
		return f.status("l0").GetState() == inferv1.WorkerState_WORKER_STATE_READY
	})
	ready := time.Now()
	on(lasts)
	got := l.end()
	lost := func(o *outcome) bool {
		return o.verdict() == broken && o.worker == "l0" && o.chunks > 0 && o.began.Before(killed)
	}
	b.honest(t, got, lost)
	broke := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return !lost(o) })
	later := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return o.worker != "l0" || !o.first.After(ready) })
	tell(t, "engine child of one of two `llama` workers killed, %d slots each, under %d streams: %s; clients heard of it after %.0f ms at most; ready again after %.1f s, and answered %d",
		llamaSlots, llamaStreams, tally(got), ms(quantile(broke, 1, func(o *outcome) time.Duration { return o.ended.Sub(killed) })), again.Seconds(), len(later))
	if len(broke) > llamaSlots {
		t.Errorf("%d streams broke; the child had %d slots", len(broke), llamaSlots)
	}
	if len(later) == 0 {
		t.Error("the new engine got no work")
	}
	for _, name := range []string{"l0", "l1"} {
		procs.Within(t, 15*time.Second, name+" holds nothing", func() bool { r := f.status(name); return r.GetHeld() == 0 && r.GetRunning() == 0 })
	}
	procs.Within(t, 15*time.Second, "the gateway holds no sequence", func() bool { return metric(f.gateways[0], "leat_gateway_sequences") == 0 })
	procs.Within(t, 15*time.Second, "the worker runs no more goroutines than before", func() bool { n := goroutines(f.workers["l0"]); return n >= 0 && n <= idle+8 })
}

// childOf finds the only child process of a process.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		_, rest, _ := strings.Cut(string(data), ") ") // behind the name in parentheses: state, parent, …
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			return pid
		}
	}
	t.Fatalf("process %d has no child", parent)
	return 0
}
