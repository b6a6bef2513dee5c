package run_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/bench/run"
)

// The whole way, short: binaries are built, all targets start, answer and stop, and the report has their numbers.
func TestAShortRunWritesItsReport(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOWORK").Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	var log strings.Builder
	err = run.Run(t.Context(), run.Options{
		Root: filepath.Dir(strings.TrimSpace(string(out))), Output: file, Rounds: 1, Time: 300 * time.Millisecond,
		Only: []string{"unary", "profile"}, Work: t.TempDir(), Log: &log,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"## Bars", "| direct |", "| one process |", "| separate processes |", "| gateway |", "Load average"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "NaN") || strings.Contains(string(text), "Inf") {
		t.Errorf("the report has numbers that are none:\n%s", text)
	}
}

// The same for the soak, which only touches its section of the page.
func TestAShortSoakWritesItsSection(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOWORK").Output()
	if err != nil {
		t.Fatal(err)
	}
	const rest = "# Benchmarks\n\n## Unary latency\n\n| as it was |\n"
	file := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(file, []byte(rest+"\n## Soak: an old one\n\nold words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	err = run.Run(t.Context(), run.Options{
		Root: filepath.Dir(strings.TrimSpace(string(out))), Output: file, Rounds: 1, Time: time.Second, Soak: 3 * time.Second,
		Only: []string{"soak"}, Work: t.TempDir(), Log: &log,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	soak, found := strings.CutPrefix(string(text), rest+"\n## Soak: 3s of 100 streams")
	if !found || strings.Contains(soak, "old words") {
		t.Fatalf("the rest of the page changed, or the old section is still there:\n%s", text)
	}
	for _, want := range []string{"| resident MB |", "grows by less than 5 %", ", 0 failed, gap p99", ", 0 failed, p99", "Load average"} {
		if !strings.Contains(soak, want) {
			t.Errorf("the section lacks %q:\n%s", want, soak)
		}
	}
	for line := range strings.Lines(soak) { // nothing of these is zero in a process that runs
		if strings.HasPrefix(line, "| ") && strings.Contains(line, " 0.0 |") || strings.Contains(line, "NaN") {
			t.Errorf("a number is missing: %s", line)
		}
	}
}

func TestASoakIsJudgedByItsLastThreeQuarters(t *testing.T) {
	t.Parallel()
	rising := func(from, to float64) (rss []float64) {
		for i := range 60 {
			rss = append(rss, from+(to-from)*float64(i)/59)
		}
		return rss
	}
	warm := append(rising(50e6, 70e6)[:45:45], rising(70e6, 71e6)...) // grows while it warms up
	for name, c := range map[string]struct {
		rss  []float64
		held bool
	}{
		"level": {rising(70e6, 70e6), true}, "a little": {rising(70e6, 73e6), true}, "as it was once": {rising(64.5e6, 82.2e6), false},
		"only at first": {append(rising(50e6, 70e6)[:12:12], rising(70e6, 71e6)[:48]...), true}, "for long": {warm, false}, "nothing": {nil, false},
	} {
		if held, got := run.SoakBar(c.rss...); held != c.held {
			t.Errorf("%s: %s is held: %t", name, got, held)
		}
	}
}

func TestARunReplacesOnlyWhatItMeasured(t *testing.T) {
	t.Parallel()
	const main, soak, llama = "# Benchmarks\n\nhead\n\n## Unary latency: before\n\nold numbers\n", "## Soak: 10m0s before\n\nold memory\n", "## The llama engine\n\nold tokens\n"
	old := main + "\n" + llama + "\n" + soak
	for name, c := range map[string]struct {
		page        string
		has, hasNot []string
	}{
		"the soak":         {run.Page(old, false, true, ""), []string{"head", "old numbers", "old tokens", "resident MB"}, []string{"old memory"}},
		"the llama engine": {run.Page(old, false, false, "new tokens"), []string{"head", "old numbers", "old memory", "new tokens"}, []string{"old tokens"}},
		"the comparisons":  {run.Page(old, true, false, ""), []string{"made up", "old memory", "old tokens"}, []string{"head", "old numbers"}},
		"a first soak":     {run.Page("", false, true, ""), []string{"# Benchmarks", "resident MB"}, nil},
	} {
		for _, want := range c.has {
			if strings.Count(c.page, want) != 1 {
				t.Errorf("%s: %q is not there once:\n%s", name, want, c.page)
			}
		}
		for _, bad := range c.hasNot {
			if strings.Contains(c.page, bad) {
				t.Errorf("%s: %q is still there:\n%s", name, bad, c.page)
			}
		}
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	t.Parallel()
	good := run.Options{Rounds: 1, Time: time.Second}
	if err := good.Validate(); err != nil {
		t.Errorf("good options: %v", err)
	}
	for name, o := range map[string]run.Options{
		"scenario": {Rounds: 1, Time: time.Second, Only: []string{"speed"}},
		"rounds":   {Time: time.Second},
		"time":     {Rounds: 1},
		"soak":     {Rounds: 1, Time: time.Second, Soak: -1},
		"no soak":  {Rounds: 1, Time: time.Second, Only: []string{"soak"}},
	} {
		if o.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A bar is judged by ratios within a round: the second round below was on a machine half as fast.
func TestBarsJudgeByRound(t *testing.T) {
	t.Parallel()
	const ratio = "requests/s at c = 64, light client, one process"
	const cpu = "CPU per unary request at saturation, one process"
	turns := func(share, cores float64) []run.Turn {
		return []run.Turn{
			{Target: "direct", RPS: 40000}, {Target: "direct", RPS: 20000},
			{Target: "one process", RPS: 40000 * share, Cores: cores}, {Target: "one process", RPS: 20000 * share, Cores: cores / 2},
		}
	}
	held := run.Bars("closed 64 light client", turns(.2, 1.6)...)
	if !held[ratio] || !held[cpu] {
		t.Errorf("20 %% of direct at 0.2 ms a request: %v", held)
	}
	if held = run.Bars("closed 64 light client", turns(.14, 1.9)...); held[ratio] || held[cpu] {
		t.Errorf("14 %% of direct at 0.34 ms a request: %v", held)
	}
	const p50 = "unary p50 at 500 rps, one process"
	for _, c := range []struct {
		direct, ours float64
		held         bool
	}{{.2, .49, true}, {.2, .51, false}, {.5, .99, true}, {.5, 1.01, false}} {
		held := run.Bars("unary 500 rps", run.Turn{Target: "direct", P50: c.direct}, run.Turn{Target: "one process", P50: c.ours})
		if held[p50] != c.held {
			t.Errorf("direct %.2f ms, ours %.2f ms: held %t", c.direct, c.ours, held[p50])
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]float64{0: nil, 3: {9, 1, 3}, 2.5: {4, 1, 2, 3}} {
		if got := run.Median(values); got != want {
			t.Errorf("median of %v is %g", values, got)
		}
	}
}

func TestAProfileIsSharedOutByTheNearestNamedPart(t *testing.T) {
	t.Parallel()
	const rule = "-----------+-------------------------------------------------------\n"
	traces := "File: leat\nType: cpu\n" +
		rule + "      60ms   internal/runtime/syscall.Syscall6\n             syscall.write\n             net/http.(*conn).serve\n             github.com/leathq/leat/services/gateway.x\n" +
		rule + "      30ms   runtime.memmove\n             runtime.mallocgc\n             github.com/leathq/leat/services/router.(*R).pick\n" +
		rule + "      10ms   runtime.scanobject\n             runtime.gcBgMarkWorker\n" + rule
	want := []string{
		"| HTTP server (net/http) | 60.0 % | 60.0 % | 0.0 % |",
		"| router | 30.0 % | 0.0 % | 30.0 % |",
		"| garbage collection | 10.0 % | 0.0 % | 0.0 % |",
	}
	table := run.ProfileTable(traces)
	for _, line := range want {
		if !strings.Contains(table, line) {
			t.Errorf("lacks %q:\n%s", line, table)
		}
	}
}
