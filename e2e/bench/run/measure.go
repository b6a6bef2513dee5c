package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// report is what this package reads of a `leat bench` report.
type report struct {
	Sent                  int64
	OK                    int64
	Failed                int64
	Truncated             int64
	RequestsPerSecond     float64 `json:"requests_per_second"`
	OutputTokensPerSecond float64 `json:"output_tokens_per_second"`
	Latency               quantiles
	TTFT                  quantiles
	Gaps                  quantiles
	Processes             []usage
	Own                   usage
}

type quantiles struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

type usage struct {
	Name   string
	Cores  float64
	RSSMax float64 `json:"rss_max_bytes"`
	Error  string
}

// turn is one measurement of one target.
type turn struct {
	report
	foreign float64 // cores that other processes took meanwhile
	steal   float64 // cores that the hypervisor withheld
}

// cores is what the processes of the target used.
func (t turn) cores() (sum float64) {
	for _, p := range t.Processes {
		if p.Name != "upstream" {
			sum += p.Cores
		}
	}
	return sum
}

func (t turn) cpuPerRequest() float64 { return per(t.cores(), t.RequestsPerSecond) * 1e3 }     // ms
func (t turn) cpuPerToken() float64   { return per(t.cores(), t.OutputTokensPerSecond) * 1e6 } // µs

func per(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// result is one scenario: for every target its turns, by round.
type result struct {
	scenario scenario
	turns    map[string][]turn
}

// compare lets all targets take turns, in an order that changes by round.
func (b *bench) compare(ctx context.Context, f *fleet, s scenario) error {
	if s.ttft != "" {
		if err := f.pace(ctx, s.ttft, s.tpot); err != nil {
			return err
		}
	}
	r := result{scenario: s, turns: map[string][]turn{}}
	for round := range b.Rounds {
		for _, i := range rand.Perm(len(f.targets)) {
			t := f.targets[i]
			took, err := b.turn(ctx, f, t, fmt.Sprintf("%s-%s-%d", s.name, t.name, round),
				append([]string{"--warmup", max(b.Warmup, s.warmup).String()}, s.args...))
			if err != nil {
				return err
			}
			r.turns[t.name] = append(r.turns[t.name], took)
			b.say("%s, round %d, %s: %.0f req/s, %.0f tok/s, p50 %.2f ms, p99 %.2f ms, gap p99 %.2f ms, %d failed, others took %.2f cores", s.name,
				round+1, t.name, took.RequestsPerSecond, took.OutputTokensPerSecond, took.Latency.P50, took.Latency.P99, took.Gaps.P99, took.Failed, took.foreign)
		}
	}
	b.results = append(b.results, r)
	return nil
}

// turn runs `leat bench` once.
func (b *bench) turn(ctx context.Context, f *fleet, t *target, name string, args []string) (turn, error) {
	file := filepath.Join(b.Work, strings.NewReplacer(" ", "-", "=", "", "/", "-", ",", "").Replace(name)+".json")
	all := append([]string{"bench", "http://" + t.address, "--model", "instant", "--json", file, "--progress", "0",
		"--duration", b.Time.String(), "--warmup", b.Warmup.String(), "--prompt-tokens", "16"}, args...) // args may give either again
	all = append(all, f.pids(t)...)
	before := readCPU()
	out, err := exec.CommandContext(ctx, b.leat, all...).CombinedOutput()
	busy, steal := readCPU().since(before)
	if err != nil {
		return turn{}, fmt.Errorf("leat bench: %w\n%s", err, out)
	}
	took, err := readReport(file)
	took.steal = steal
	took.foreign = max(0, busy-took.all())
	return took, err
}

// all is what every process of the measurement used.
func (t turn) all() float64 {
	sum := t.Own.Cores
	for _, p := range t.Processes {
		sum += p.Cores
	}
	return sum
}

func readReport(file string) (turn, error) {
	var t turn
	data, err := os.ReadFile(file)
	if err != nil {
		return t, fmt.Errorf("read bench report: %w", err)
	}
	if err := json.Unmarshal(data, &t.report); err != nil {
		return t, fmt.Errorf("read bench report %s: %w", file, err)
	}
	for _, p := range t.Processes {
		if p.Error != "" {
			return t, fmt.Errorf("process %s: %s", p.Name, p.Error)
		}
	}
	if t.OK == 0 {
		return t, fmt.Errorf("no request succeeded; see %s", file)
	}
	return t, nil
}
