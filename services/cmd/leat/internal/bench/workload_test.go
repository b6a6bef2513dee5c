package bench_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/cmd/leat/internal/bench"
)

func bodies(t *testing.T, cfg bench.Config, n int) []string {
	t.Helper()
	list, err := bench.Bodies(cfg, n)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func parsed(t *testing.T, body string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		t.Errorf("%v in %s", err, body)
	}
	return fields
}

func prompt(t *testing.T, body string) string {
	t.Helper()
	fields := parsed(t, body)
	if text, ok := fields["prompt"].(string); ok {
		return text
	}
	return fields["messages"].([]any)[0].(map[string]any)["content"].(string)
}

func TestTheSeedDecidesTheWorkload(t *testing.T) {
	t.Parallel()
	cfg := config("http://h")
	cfg.Workload.PromptTokens = 50
	first, again := bodies(t, cfg, 20), bodies(t, cfg, 20)
	if !slices.Equal(first, again) {
		t.Error("the same seed gives different bodies")
	}
	unique := map[string]bool{}
	for _, b := range first {
		unique[prompt(t, b)] = true
		if n := len(strings.Fields(prompt(t, b))); n != 50 {
			t.Errorf("a prompt has %d words, want 50", n)
		}
	}
	if len(unique) != 20 {
		t.Errorf("%d different prompts among 20", len(unique))
	}
	cfg.Workload.Seed++
	if slices.Equal(first, bodies(t, cfg, 20)) {
		t.Error("another seed gives the same bodies")
	}
}

func TestPrefixesAreSharedWithinTheirGroups(t *testing.T) {
	t.Parallel()
	cfg := config("http://h")
	cfg.Workload.PromptTokens, cfg.Workload.SharedPrefix, cfg.Workload.PrefixGroups = 30, 20, 3
	prefixes, rests := map[string]bool{}, map[string]bool{}
	for _, b := range bodies(t, cfg, 100) {
		words := strings.Fields(prompt(t, b))
		prefixes[strings.Join(words[:20], " ")] = true
		rests[strings.Join(words[20:], " ")] = true
	}
	if len(prefixes) != 3 || len(rests) != 100 {
		t.Errorf("%d prefixes and %d rests among 100 prompts, want 3 and 100", len(prefixes), len(rests))
	}
}

func TestBodiesCarryTheirFields(t *testing.T) {
	t.Parallel()
	cfg := config("http://h")
	cfg.Endpoint = bench.EndpointCompletions
	cfg.Workload.Params = []string{"temperature=0", `stop=["x"]`, "max_tokens=9"}
	got := parsed(t, bodies(t, cfg, 1)[0])
	if got["model"] != "m" || got["max_tokens"] != 9.0 || got["stream"] != true || got["temperature"] != 0.0 || got["prompt"] == nil {
		t.Errorf("body %v", got)
	}
	if options, _ := got["stream_options"].(map[string]any); options["include_usage"] != true {
		t.Errorf("stream_options %v", got["stream_options"])
	}
	cfg.Stream = false
	if got := parsed(t, bodies(t, cfg, 1)[0]); got["stream"] != nil || got["stream_options"] != nil {
		t.Errorf("a body that wants no stream: %v", got)
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInputLinesAreSentInTurn(t *testing.T) {
	t.Parallel()
	cfg := config("http://h")
	cfg.Workload.Input = write(t, "in.jsonl", `{"messages":[{"role":"user","content":"one"}],"max_tokens":1,"stream":false}`+
		"\n\n\"two\"\n")
	got := bodies(t, cfg, 3)
	if prompt(t, got[0]) != "one" || prompt(t, got[1]) != "two" || got[0] != got[2] {
		t.Errorf("bodies %q", got)
	}
	one := parsed(t, got[0])
	if one["max_tokens"] != 1.0 || one["stream"] != true || one["model"] != "m" {
		t.Errorf("the line's own fields win but for stream: %v", one)
	}
	for name, bad := range map[string]string{"empty": "\n", "number": "1\n", "no messages": `{"prompt":"x"}`, "null": "null"} {
		cfg.Workload.Input = write(t, "bad.jsonl", bad)
		if _, err := bench.Bodies(cfg, 1); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	cfg.Workload.Input, cfg.Workload.PromptFile = "", write(t, "p.txt", "tell \"me\"\n")
	if got := prompt(t, bodies(t, cfg, 1)[0]); got != "tell \"me\"\n" {
		t.Errorf("prompt file: %q", got)
	}
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	cfg := config("http://h")
	cfg.RPS = 100
	times := bench.Arrivals(cfg, 10000)
	if !slices.Equal(times, bench.Arrivals(cfg, 10000)) || !slices.IsSorted(times) {
		t.Error("Poisson arrivals are not repeatable or not in order")
	}
	if total := times[9999].Seconds(); math.Abs(total-100) > 5 {
		t.Errorf("10000 arrivals at 100/s take %.1f s", total)
	}
	long := 0
	for i := range 9999 {
		if times[i+1]-times[i] > 10*time.Millisecond {
			long++
		}
	}
	if share := float64(long) / 9999; math.Abs(share-1/math.E) > .02 {
		t.Errorf("%.3f of the gaps are above the mean, want 1/e for a Poisson process", share)
	}
	cfg.Arrivals = bench.ArrivalsConstant
	if times = bench.Arrivals(cfg, 3); times[0] != 0 || times[2] != 20*time.Millisecond {
		t.Errorf("constant arrivals %v", times)
	}
}
