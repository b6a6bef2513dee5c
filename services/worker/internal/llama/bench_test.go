package llama_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
	"github.com/leathq/leat/services/worker/internal/llama/native"
)

// BenchmarkDecode compares the schedules with a bare loop of native calls that only takes the largest logit: tokens per
// second of wall time and of CPU time over all sequences, and the p99 gap between a sequence's tokens. Rounds of the
// contestants alternate in one run, and CPU time leaves out what others do, so the ratios hold on a shared machine.
func BenchmarkDecode(b *testing.B) {
	prompt, output := 24, envInt("LEAT_BENCH_OUTPUT", 48)
	for _, n := range []int{1, 8, 16} {
		contestants := map[string]func() round{}
		for _, schedule := range []string{"exact", "fast"} {
			kids := &nursery{lib: libDir(b)}
			e := start(b, func(c *llama.Config) {
				c.Slots, c.Context, c.Schedule, c.Threads = n, 512, schedule, envInt("LEAT_BENCH_THREADS", 1)
			}, llama.Deps{Log: slog.New(slog.DiscardHandler), Command: kids.command})
			text, err := e.Tokenize(b.Context(), prose, false, false)
			if err != nil {
				b.Fatal(err)
			}
			turn := 0
			contestants[schedule] = func() round {
				turn++
				return crowdSpeed(b, e, n, output, kids.last(), "", func(i int) []int32 {
					at := (7*i + 31*turn) % (len(text) - prompt)
					return text[at : at+prompt]
				})
			}
		}
		loop := newLoop(b, n)
		contestants["loop"] = func() round { return loop.run(n, prompt, output) }
		b.Run(fmt.Sprintf("sequences=%d", n), func(b *testing.B) {
			rounds := map[string][]round{}
			for b.Loop() {
				for name, run := range contestants {
					rounds[name] = append(rounds[name], run())
				}
			}
			for name, rs := range rounds {
				report(b, name, rs)
			}
		})
		loop.m.Close()
	}
}

// round is one contestant's result: tokens per second of wall and of CPU time, and the gaps between tokens.
type round struct {
	wall, cpu float64
	gaps      []time.Duration
}

func report(b *testing.B, name string, rs []round) {
	var wall, cpu []float64
	var gaps []time.Duration
	for _, r := range rs {
		wall, cpu, gaps = append(wall, r.wall), append(cpu, r.cpu), append(gaps, r.gaps...)
	}
	slices.Sort(wall)
	slices.Sort(cpu)
	slices.Sort(gaps)
	b.ReportMetric(wall[len(wall)/2], name+"-tok/s")
	b.ReportMetric(cpu[len(cpu)/2], name+"-tok/cpu-s")
	if len(gaps) > 0 {
		b.ReportMetric(float64(gaps[len(gaps)*99/100].Microseconds())/1e3, name+"-p99-ms")
	}
}

// cpuTime is the CPU time that a process has used.
func cpuTime(b *testing.B, pid int) time.Duration {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(tasks) == 0 {
		b.Fatalf("no scheduling statistics of process %d: %v", pid, err)
	}
	total := int64(0)
	for _, f := range tasks {
		var ns int64
		if raw, err := os.ReadFile(f); err == nil {
			if _, err := fmt.Sscan(string(raw), &ns); err == nil {
				total += ns
			}
		}
	}
	return time.Duration(total)
}

// crowdSpeed runs n sequences at once and returns their decode tokens per second, from the last first token to the
// first end, and all gaps in that time.
func crowdSpeed(b *testing.B, e *llama.Engine, n, output, pid int, grammar string, prompt func(int) []int32) round {
	var wg sync.WaitGroup
	at := make([][]time.Time, n)
	var mu sync.Mutex
	var used [2]time.Duration // CPU time at the last first token and at the first end
	firsts := 0
	for i := range n {
		wg.Go(func() {
			s := &sink{onDelta: func(d engine.Delta) {
				mu.Lock()
				defer mu.Unlock()
				if at[i] = append(at[i], time.Now()); len(at[i]) == 1 {
					if firsts++; firsts == n {
						used[0] = cpuTime(b, pid)
					}
				} else if d.Finish != "" && used[1] == 0 {
					used[1] = cpuTime(b, pid)
				}
			}}
			q := engine.Request{Prompt: engine.Prompt{Tokens: prompt(i)}, Sampling: greedy(), MaxTokens: output, IgnoreEOS: true, Grammar: grammar}
			if err := e.Generate(b.Context(), &q, s); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	var from, to time.Time
	for _, ts := range at {
		if ts[0].After(from) {
			from = ts[0]
		}
		if last := ts[len(ts)-1]; to.IsZero() || last.Before(to) {
			to = last
		}
	}
	var gaps []time.Duration
	tokens := 0.0
	for _, ts := range at {
		for k := 1; k < len(ts); k++ {
			if ts[k].After(from) && !ts[k].After(to) {
				tokens++
				if !ts[k-1].Before(from) {
					gaps = append(gaps, ts[k].Sub(ts[k-1]))
				}
			}
		}
	}
	return round{wall: tokens / to.Sub(from).Seconds(), cpu: tokens / (used[1] - used[0]).Seconds(), gaps: gaps}
}

// loop is the yardstick: llama_decode and nothing else.
type loop struct {
	b *testing.B
	m *native.Model
}

func newLoop(b *testing.B, n int) *loop {
	lib, err := native.OpenLibrary(libDir(b))
	if err != nil {
		b.Fatal(err)
	}
	quiet.Do(lib.Quiet)
	m, err := lib.Load(native.Params{Path: modelPath(b), Threads: envInt("LEAT_BENCH_THREADS", 1), Slots: n, Context: 512, Batch: 128, Flash: true, RowAttention: true})
	if err != nil {
		b.Fatal(err)
	}
	return &loop{b, m}
}

func (l *loop) run(n, prompt, output int) round {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ids, err := l.m.Tokenize(prose, false, false)
	if err != nil {
		l.b.Fatal(err)
	}
	for s := range n {
		l.m.Trim(s, 0)
		var rows []native.Token
		for i := range prompt {
			rows = append(rows, native.Token{ID: ids[s+i], Pos: i, Slot: s, Logits: i == prompt-1})
		}
		if err := l.m.Decode(rows); err != nil {
			l.b.Fatal(err)
		}
	}
	start, used := time.Now(), threadTime(l.b)
	rows := make([]native.Token, n)
	for k := range output - 1 {
		for s := range n {
			rows[s] = native.Token{ID: ids[(s+k)%len(ids)], Pos: prompt + k, Slot: s, Logits: true}
		}
		if err := l.m.Decode(rows); err != nil {
			l.b.Fatal(err)
		}
		if _, err := l.m.Logits(n - 1); err != nil {
			l.b.Fatal(err)
		}
	}
	tokens := float64(n * (output - 1))
	return round{wall: tokens / time.Since(start).Seconds(), cpu: tokens / (threadTime(l.b) - used).Seconds()}
}

// threadTime is the CPU time of the calling OS thread.
func threadTime(b *testing.B) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// BenchmarkCachedPrefix compares the time to the first token of a prompt of 500 + 13 tokens, cold and with the 500 in
// the cache.
func BenchmarkCachedPrefix(b *testing.B) {
	for _, schedule := range []string{"exact", "fast"} {
		e := start(b, func(c *llama.Config) { c.Slots, c.Context, c.Schedule = 4, 1024, schedule }, llama.Deps{Log: slog.New(slog.DiscardHandler)})
		text, err := e.Tokenize(b.Context(), prose+prose+prose, false, false)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(schedule, func(b *testing.B) {
			var cold, warm []float64
			round := 0
			for b.Loop() {
				round++
				first := slices.Concat(text[round:round+1], text[:499], text[round:round+13])
				second := slices.Concat(first[:500], text[100+round:113+round])
				for _, it := range []struct {
					prompt []int32
					to     *[]float64
				}{{first, &cold}, {second, &warm}} {
					var ttft time.Duration
					begin := time.Now()
					once := sync.OnceFunc(func() { ttft = time.Since(begin) })
					q := engine.Request{Prompt: engine.Prompt{Tokens: it.prompt}, Sampling: greedy(), MaxTokens: 2, IgnoreEOS: true}
					if err := e.Generate(b.Context(), &q, &sink{onDelta: func(engine.Delta) { once() }}); err != nil {
						b.Fatal(err)
					}
					*it.to = append(*it.to, float64(ttft.Microseconds())/1e3)
				}
			}
			slices.Sort(cold)
			slices.Sort(warm)
			b.ReportMetric(cold[len(cold)/2], "cold-ms")
			b.ReportMetric(warm[len(warm)/2], "cached-ms")
			b.ReportMetric(100*warm[len(warm)/2]/cold[len(cold)/2], "percent")
		})
	}
}
