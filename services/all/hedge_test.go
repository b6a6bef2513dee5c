package all_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway"
)

// mute is a worker of the pool sim that takes what it is given, heeds cancels, and never says a word.
type mute struct {
	name string
	b    *bus.Bus

	mu     sync.Mutex
	router string
	high   uint64
	holds  map[uint64]*inferv1.Submit // by number
	ever   int
	number uint64
	slots  uint32
}

func (f *fleet) silent(t *testing.T, name string, slots uint32) *mute {
	t.Helper()
	w := &mute{name: name, b: bustest.Connect(t, f.srv, bus.Options{Name: name}), holds: map[uint64]*inferv1.Submit{}, slots: slots}
	for subject, h := range map[string]nats.MsgHandler{events.Work.Name(name): w.dispatched, events.Control.Name(name): w.control} {
		if _, err := w.b.Subscribe(bus.Control, subject, h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.b.Conn(bus.Control).Flush(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			w.report()
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	return w
}

func (w *mute) report() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number++
	h := &inferv1.Holding{Router: w.router, Highest: w.high}
	for n := range w.holds {
		h.Numbers = append(h.Numbers, n)
	}
	_ = w.b.Publish(bus.Control, events.Reports.Name("sim", w.name), "", &inferv1.Report{ // fails once the test has ended
		Worker: w.name, Pool: "sim", Number: w.number, StartedUnixNanos: 1, State: inferv1.WorkerState_WORKER_STATE_READY,
		Slots: w.slots, PrefillRate: 1e9, Held: uint32(len(w.holds)), Holdings: []*inferv1.Holding{h}, Steps: w.number,
	})
}

func (w *mute) dispatched(m *nats.Msg) {
	d := &inferv1.Dispatch{}
	if proto.Unmarshal(m.Data, d) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.router, w.high = d.GetRouter(), max(w.high, d.GetNumber())
	w.holds[d.GetNumber()] = d.GetSubmit()
	w.ever++
}

func (w *mute) control(m *nats.Msg) {
	c := &inferv1.Control{}
	if proto.Unmarshal(m.Data, c) != nil {
		return
	}
	if m.Reply != "" {
		_ = w.b.Publish(bus.Control, m.Reply, "", &inferv1.Pong{})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range c.GetCancel().GetRefs() {
		for n, s := range w.holds {
			if s.GetSequence() == ref.GetSequence() && s.GetGateway() == c.GetCancel().GetGateway() {
				delete(w.holds, n)
				_ = w.b.Publish(bus.Control, events.Outcomes.Name(w.router), "", &inferv1.Outcomes{Worker: w.name, Outcomes: []*inferv1.Outcome{{
					Number: n, Verdict: inferv1.Verdict_VERDICT_CANCELLED, Error: errs.Proto(errs.New(errs.Canceled, "cancelled", "x")),
				}}})
			}
		}
	}
}

// held is how many it holds, and how many it was ever given.
func (w *mute) held() (now, ever int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.holds), w.ever
}

func hedging(budget int) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Pools = pool.Set{"default": {Timeouts: pool.Timeouts{FirstToken: 2 * time.Second}, Hedge: pool.Hedge{Mode: pool.HedgeP95, Budget: budget, Floor: 50 * time.Millisecond}}}
	}
}

// known lets a gateway learn how long first tokens take, and returns what the streams say.
func (f *fleet) known(t *testing.T) (want []string) {
	t.Helper()
	want = make([]string, 60)
	for i := range want {
		text, end := f.stream(i, 5)
		if want[i] = text; end != "length" {
			t.Fatalf("stream %d ended with %q", i, end)
		}
	}
	return want
}

// hedges is how many second runs ended so.
func (f *fleet) hedges(t *testing.T, outcomes ...string) (n int) {
	for _, o := range outcomes {
		n += int(counted(t, f.gateway, "llm_hedges_total", "pool", "sim", "outcome", o))
	}
	return n
}

// Requests that a worker swallows are overtaken by another one: nobody waits until it is found to be gone, every byte is
// the one that it would have been, the header says so, and what was overtaken holds nothing.
func TestASwallowedRequestIsOvertaken(t *testing.T) {
	f := start(t, pool.Timeouts{}, hedging(100))
	want := f.known(t)
	w := f.silent(t, "w-mute", 64)
	marked := 0
	for i := 0; f.hedges(t, "won") < 5 || marked == 0; i++ {
		if i == 400 {
			t.Fatalf("%d hedges of 400 requests won", f.hedges(t, "won"))
		}
		if text, end := f.stream(i%len(want), 5); end != "length" || text != want[i%len(want)] {
			t.Errorf("stream %d: %q with %q, want %q", i, end, text, want[i%len(want)])
		}
		status, h, body := f.chatWith(t, "sim", `,"n":3`)
		if h.Get("X-Leat-Hedged") == "true" {
			marked++
		}
		if status != 200 || strings.Contains(h.Get("X-Leat-Worker"), "mute") {
			t.Errorf("%d %v %s", status, h, body)
		}
	}
	_, ever := w.held()
	t.Logf("the mute worker got %d, %d were overtaken; %d headers", ever, f.hedges(t, "won"), marked)
	if f.awaitRunning(t, 0); ever == 0 || counted(t, f.gateway, "llm_hedge_prompt_tokens_total") == 0 {
		t.Errorf("%d were swallowed", ever)
	}
	until(t, "the mute worker holds nothing", func() bool { now, _ := w.held(); return now == 0 })
}

// paired says whether a request runs at both mute workers.
func paired(a, b *mute) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range a.holds {
		for _, other := range b.holds {
			if one.GetTraceparent() != "" && one.GetTraceparent() == other.GetTraceparent() {
				return true
			}
		}
	}
	return false
}

// untilPaired sends streams, each with a trace of its own, until one runs at both, and returns how all ended once then is done.
func (f *fleet) untilPaired(ctx context.Context, t *testing.T, a, b *mute, model string, then func()) (bodies []string, headers []http.Header) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	n := 0
	until(t, "a request runs at both mute workers", func() bool {
		n++
		trace := fmt.Sprintf("00-%032x-%016x-01", n, n)
		wg.Go(func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/v1/chat/completions", strings.NewReader(
				`{"model":"`+model+`","stream":true,"seed":0,"ignore_eos":true,"max_tokens":5,"messages":[{"role":"user","content":"question 0"}]}`))
			req.Header.Set("Traceparent", trace)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
			defer resp.Body.Close()
			data, _ := io.ReadAll(resp.Body)
			mu.Lock()
			defer mu.Unlock()
			bodies, headers = append(bodies, string(data)), append(headers, resp.Header)
		})
		return paired(a, b)
	})
	then()
	wg.Wait()
	return bodies, headers
}

// Where both runs lose their worker, the request is run anew, once, and the client notices nothing but the time.
func TestARequestThatLosesBothRunsIsRunAnew(t *testing.T) {
	f := start(t, pool.Timeouts{}, hedging(100))
	want := f.known(t)[0]
	a, b := f.silent(t, "w-mute", 64), f.silent(t, "w-mute2", 64)
	bodies, _ := f.untilPaired(t.Context(), t, a, b, "sim", func() {
		ctx, done := context.WithTimeout(t.Context(), 5*time.Second)
		defer done()
		for _, w := range []*mute{a, b} {
			if err := w.b.Close(ctx); err != nil {
				t.Error(err)
			}
		}
	})
	for _, body := range bodies {
		if contents(body) != want || !strings.HasSuffix(body, "data: [DONE]\n\n") {
			t.Errorf("%s, want %q", body, want)
		}
	}
	f.awaitRunning(t, 0)
}

// Where both runs are too late a route's fallback answers, and neither goes on.
func TestAFallbackFollowsBothRuns(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{}, hedging(100), func(c *gateway.Config) {
		c.Models = models.Set{"way": {Targets: []models.Target{{Model: "sim"}}, Say: "Later."}}
	})
	f.known(t)
	a, b := f.silent(t, "w-mute", 64), f.silent(t, "w-mute2", 64)
	bodies, headers := f.untilPaired(t.Context(), t, a, b, "way", func() {})
	fell := 0
	for i, h := range headers {
		if h.Get("X-Leat-Fallback") == "sim:first_token_timeout" && contents(bodies[i]) == "Later." {
			fell++
		} else if h.Get("X-Leat-Pool") != "sim" || !strings.HasSuffix(bodies[i], "data: [DONE]\n\n") {
			t.Errorf("%v %s", h, bodies[i])
		}
	}
	if fell == 0 {
		t.Errorf("none of %d fell back", len(headers))
	}
	f.awaitRunning(t, 0)
	until(t, "the mute workers hold nothing", func() bool {
		one, _ := a.held()
		other, _ := b.held()
		return one+other == 0
	})
}

// No more are made than the budget has; who gets none waits as without.
func TestHedgesKeepToTheirBudget(t *testing.T) {
	f := start(t, pool.Timeouts{}, hedging(5))
	f.known(t)
	f.silent(t, "w-mute", 64)
	const n = 60
	f.all(n, 5, func(i int, _, end string) {
		if end != "length" && !strings.Contains(end, "first_token_timeout") {
			t.Errorf("stream %d ended with %q", i, end)
		}
	})
	made, without := f.hedges(t, "won", "lost", "refused", "cancelled"), f.hedges(t, "budget")
	if t.Logf("%d hedges, %d more were wanted", made, without); made > (60+n)*5/100 || made == 0 || without == 0 {
		t.Errorf("%d hedges, %d without budget", made, without)
	}
}

func TestNothingRunsTwiceByDefault(t *testing.T) {
	f := start(t, pool.Timeouts{FirstToken: time.Second})
	f.known(t)
	w := f.silent(t, "w-mute", 64)
	until(t, "the mute worker has something", func() bool {
		go f.stream(1, 5)
		_, ever := w.held()
		return ever > 0
	})
	f.awaitRunning(t, 0)
	if n := counted(t, f.gateway, "llm_hedges_total"); n != 0 {
		t.Errorf("%v hedges", n)
	}
}

// A client that leaves ends both runs.
func TestAClientThatLeavesEndsBothRuns(t *testing.T) {
	f := start(t, pool.Timeouts{}, hedging(100), func(c *gateway.Config) {
		own := c.Pools["default"]
		own.Timeouts.FirstToken = time.Minute
		c.Pools["default"] = own
	})
	f.known(t)
	w := f.silent(t, "w-mute", 64)
	second := f.silent(t, "w-mute2", 64)
	ctx, leave := context.WithCancel(t.Context())
	f.untilPaired(ctx, t, w, second, "sim", leave)
	f.awaitRunning(t, 0)
	until(t, "they hold nothing", func() bool {
		one, _ := w.held()
		other, _ := second.held()
		return one+other == 0
	})
}
