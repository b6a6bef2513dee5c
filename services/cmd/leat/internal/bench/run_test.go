package bench_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/services/cmd/leat/internal/bench"
)

// A server that stands still for 400 ms of a second keeps 40 % of a constant stream of requests waiting. A generator
// that counts from the actual sending sees one slow request; the bench must show them all, even where it has only one
// connection to send them over.
func TestOpenLoopCountsTheWaitOfAStalledServer(t *testing.T) {
	t.Parallel()
	for name, connections := range map[string]int{"one connection": 1, "many connections": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stall sync.Once
			var gate sync.RWMutex
			begun := time.Now()
			cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
				if time.Since(begun) > 300*time.Millisecond {
					stall.Do(func() {
						gate.Lock()
						time.AfterFunc(400*time.Millisecond, gate.Unlock)
					})
				}
				gate.RLock()
				defer gate.RUnlock()
				text(200, "application/json", whole)(w, r)
			}))
			cfg.Stream, cfg.Concurrency, cfg.Requests = false, 0, 0
			cfg.RPS, cfg.Arrivals, cfg.Duration, cfg.MaxConnections = 200, bench.ArrivalsConstant, time.Second, connections
			rep := measure(t, cfg)
			if rep.Sent != 200 || rep.OK != 200 {
				t.Fatalf("sent %d, ok %d, want 200: an open loop does not slow down with its server", rep.Sent, rep.OK)
			}
			if rep.Latency.P90 < 250 || rep.Latency.Max < 350 {
				t.Errorf("latency p90 %.0f ms, max %.0f ms: the stall of 400 ms is hidden", rep.Latency.P90, rep.Latency.Max)
			}
			if connections == 1 && rep.ServiceTime.P90 > rep.Latency.P90/2 {
				t.Errorf("service time p90 %.0f ms, latency %.0f ms: with one connection only one request is slow by itself",
					rep.ServiceTime.P90, rep.Latency.P90)
			}
		})
	}
}

func TestStreamTimes(t *testing.T) {
	t.Parallel()
	const first, gap, late = 60 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond
	wait := func(i int) time.Duration { return [...]time.Duration{0, first, gap, gap, gap, late, 0, 0}[i] }
	cfg := config(start(t, sse(wait, role, token("a"), token("b"), token("c"), token("d"), finish, counts, done)))
	rep := measure(t, cfg)
	decode := 3 * rep.Gaps.Mean
	// A busy machine adds to every time since the start (to a gap it may even add less than nothing, where the token before
	// came late), so lower bounds of those, and sums that hold whatever it adds.
	for name, c := range map[string]struct {
		got  float64
		want time.Duration
	}{
		"TTFT": {rep.TTFT.P50, first}, "TTFT and 3 gaps": {rep.TTFT.Mean + decode, first + 3*gap},
		"latency": {rep.Latency.P50, first + 3*gap + late},
	} {
		if c.got < float64(c.want.Milliseconds()) {
			t.Errorf("%s is %.1f ms, want at least %s", name, c.got, c.want)
		}
	}
	if four := 4 * rep.TPOT.Mean; math.Abs(four-decode) > .01*decode {
		t.Errorf("4 × TPOT is %.2f ms, want the 3 gaps' %.2f: 5 tokens by the server's count, 4 pieces", four, decode)
	}
	if whole := rep.TTFT.Mean + decode; rep.Latency.Mean < whole {
		t.Errorf("latency is %.2f ms, want TTFT and 3 gaps, %.2f, and what came behind the last token", rep.Latency.Mean, whole)
	}
	if rep.Gaps.Count != 30 {
		t.Errorf("%d gaps, want 3 for each of 10 answers", rep.Gaps.Count)
	}
	if want := (bench.Tokens{Prompt: 70, Cached: 30, Output: 50}); rep.Tokens != want {
		t.Errorf("tokens %+v, want %+v", rep.Tokens, want)
	}
	if perSecond := 50 / rep.Window; math.Abs(rep.OutputTokensPerSecond-perSecond) > perSecond*.01 {
		t.Errorf("%.1f tokens/s, want %.1f", rep.OutputTokensPerSecond, perSecond)
	}
}

// The course of the run adds up to its totals, also where the window ends in the middle of a bin and answers come later.
func TestTheSeriesAddsUp(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		step := 10 * time.Millisecond
		if n.Add(1) == 1 {
			step = 300 * time.Millisecond // of four: it ends in the second bin, or later, however slow the others are
		}
		sse(func(int) time.Duration { return step }, token("a"), token("b"), finish, done)(w, r)
	}))
	cfg.Requests, cfg.Duration = 0, 1500*time.Millisecond
	rep := measure(t, cfg)
	requests, tokens := 0.0, 0.0
	for _, p := range rep.Series {
		width := min(1, rep.Window-p.Second)
		requests, tokens = requests+p.RequestsPerSecond*width, tokens+p.TokensPerSecond*width
	}
	if wantRequests, wantTokens := rep.RequestsPerSecond*rep.Window, rep.OutputTokensPerSecond*rep.Window; len(rep.Series) != 2 ||
		math.Abs(requests-wantRequests) > .01 || math.Abs(tokens-wantTokens) > .01 {
		t.Errorf("%d bins with %.2f requests and %.2f tokens; want 2, %.2f and %.2f", len(rep.Series), requests, tokens, wantRequests, wantTokens)
	}
}

func TestGoodputIsTheShareThatMeetsEveryBound(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		slow := time.Duration(n.Add(1)%2) * 1200 * time.Millisecond
		sse(func(i int) time.Duration { return slow * time.Duration(1-min(i, 1)) }, token("a"), token("b"), finish, done)(w, r)
	}))
	cfg.Concurrency, cfg.Requests = 1, 4
	cfg.SLO.TTFT = time.Second
	if rep := measure(t, cfg); rep.Goodput.Share != .5 {
		t.Errorf("goodput %.2f, want 0.5 with every second answer too slow", rep.Goodput.Share)
	}
}

// Warm-up requests are sent and then forgotten.
func TestWarmupIsNotMeasured(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) <= 2 {
			w.WriteHeader(503)
			return
		}
		sse(func(int) time.Duration { return 10 * time.Millisecond }, token("a"), finish, done)(w, r)
	}))
	cfg.Warmup = time.Second
	rep := measure(t, cfg)
	if n.Load() < 12 || rep.OK != 10 || rep.Failed != 0 {
		t.Errorf("of %d answers, the first two of them failures: reported ok %d, failed %d; want 10 and 0", n.Load(), rep.OK, rep.Failed)
	}
}

func TestAnInterruptReportsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 20 {
			interrupt()
			untilGone(r)
			return
		}
		sse(nil, token("a"), finish, done)(w, r)
	}))
	cfg.Requests, cfg.Duration = 0, time.Hour
	rep, err := bench.Run(ctx, cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Interrupted || rep.OK < 19 || rep.OK > 20 || rep.Failed != 0 || rep.Unfinished == 0 || rep.Window > 60 {
		t.Errorf("interrupted %t, ok %d, failed %d, unfinished %d, window %.1f s; want true, 20 or (one being under way) 19, 0, some, short",
			rep.Interrupted, rep.OK, rep.Failed, rep.Unfinished, rep.Window)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	url, opened := countConnections(t, sse(nil, token("a"), finish, done), 0)
	cfg := config(url)
	cfg.Concurrency, cfg.Requests = 3, 60
	if rep := measure(t, cfg); rep.OK != 60 || opened.Load() > 3 {
		t.Errorf("ok %d over %d connections, want 60 over at most 3", rep.OK, opened.Load())
	}
}

// A server may close a connection that idles; that is no failure of the next request.
func TestAnIdleConnectionThatTheServerClosedIsReplaced(t *testing.T) {
	t.Parallel()
	url, opened := countConnections(t, sse(nil, token("a"), finish, done), time.Millisecond)
	cfg := config(url)
	cfg.Concurrency, cfg.RPS, cfg.Arrivals, cfg.Requests = 0, 1, bench.ArrivalsConstant, 3 // a second each to close it in
	if rep := measure(t, cfg); rep.OK != 3 || opened.Load() < 2 {
		t.Errorf("ok %d over %d connections, failures %v", rep.OK, opened.Load(), classes(rep))
	}
}

func TestTheModelIsAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			text(200, "application/json", `{"data":[{"id":"first"},{"id":"second"}]}`)(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if parsed(t, string(body))["model"] == "first" {
			asked.Add(1)
		}
		sse(nil, token("a"), finish, done)(w, r)
	}))
	cfg.Model = ""
	if rep := measure(t, cfg); asked.Load() != 10 || rep.Config.Model != "first" {
		t.Errorf("%d requests named the first model, report says %q", asked.Load(), rep.Config.Model)
	}
}

func TestProcessesAreMeasured(t *testing.T) {
	t.Parallel()
	cfg := config(start(t, func(w http.ResponseWriter, r *http.Request) {
		burn()
		text(200, "application/json", whole)(w, r)
	}))
	cfg.Stream, cfg.Requests = false, 100
	cfg.Processes = []bench.Process{{Name: "self", PID: os.Getpid()}, {Name: "nobody", PID: math.MaxInt32}}
	rep := measure(t, cfg)
	self, nobody := rep.Processes[0], rep.Processes[1]
	if self.CPUSeconds < .1 || self.RSSMax < 1<<20 || self.Error != "" {
		t.Errorf("self: %+v", self)
	}
	if rep.CPUPerRequest < 1 {
		t.Errorf("%.2f ms CPU a request, want about 10", rep.CPUPerRequest)
	}
	if nobody.Error == "" {
		t.Error("a process that does not exist was measured")
	}
}

// burn uses about 10 ms of CPU, however long a busy machine takes to give them.
func burn() {
	x := uint64(1)
	for range 10_000_000 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	if x == 0 {
		panic("xorshift never comes to zero")
	}
}
