package chaos_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/bench/upstream"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// The fault wall: six engines under load, one of which is bad for 10 of 18 seconds, in the three ways of the comparison
// in docs/faults.md.
const (
	engines     = 6
	bad         = "w0"
	wallStreams = 150 // clients that stream: 20 ms to the first token, 20 ms a token, 64 tokens
	wallWhole   = 30  // clients that ask for whole answers
	idleTimeout = time.Second
	before      = 4 * time.Second
	during      = 10 * time.Second
	after       = 4 * time.Second
)

func TestARefusingEngineCostsNoAnswer(t *testing.T) { wall(t, upstream.FaultRefuse) }

func TestAnEngineThatAnswers500CostsNoAnswer(t *testing.T) { wall(t, upstream.FaultError) }

// A hang can only be told from a pause by waiting: it costs the streams that the engine held, and no others.
func TestAHangingEngineCostsOnlyTheStreamsItHeld(t *testing.T) { wall(t, upstream.FaultHangStream) }

func wall(t *testing.T, fault upstream.Fault) {
	f := newFleet(t, 1, 1, "pools: {default: {timeouts: {idle: 3s}}}\n")
	sick := f.engines()
	w := &watch{}
	stopped := make(chan struct{})
	watching := w.follow(f, stopped)
	l := begin(wallStreams+wallWhole, func(int) string { return f.gateways[0].HTTP }, wallAsk)
	on(before)
	began := time.Now()
	set(t, sick, fault)
	on(during)
	healed := time.Now()
	set(t, sick, upstream.FaultNone)
	on(after)
	got := l.end()
	close(stopped)
	<-watching
	r := result{fault: fault, out: w.out(began), back: back(got, healed)}
	for _, o := range got {
		if !o.ask.Stream {
			r.whole++
			continue
		}
		r.streams++
		if o.worker == bad && o.began.Before(began) && o.ended.After(began) {
			r.held++
		}
	}
	r.judge(t, got, began)
	note("wall", "%s", r.row())
	t.Log(r.row())
	t.Logf("%s: %s", fault, tally(got))
}

// engines starts the six upstreams with a worker each, and returns the one that will be bad.
func (f *fleet) engines() *upstream.Server {
	f.t.Helper()
	var first *upstream.Server
	for i := range engines {
		s, err := upstream.Start(upstream.Config{
			Address: "127.0.0.1:0", Model: "wall", Profile: upstream.Profile{TTFT: 20 * time.Millisecond, TPOT: 20 * time.Millisecond, Tokens: 64},
		})
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(s.Close)
		if i == 0 {
			first = s
		}
		f.worker(fmt.Sprintf("w%d", i), "wall", "--engine", "openai", "--model", "wall", "--upstream", "http://"+s.Address(), "--idle-timeout", idleTimeout.String())
	}
	f.serving("wall", engines)
	return first
}

func set(t *testing.T, s *upstream.Server, fault upstream.Fault) {
	t.Helper()
	if err := s.Fail(fault); err != nil {
		t.Fatal(err)
	}
}

func wallAsk(client, _ int) ask {
	a := ask{Model: "wall", Prompt: "Say something.", MaxTokens: 64, Stream: true}
	if client >= wallStreams {
		a.MaxTokens, a.Stream = 4, false
	}
	return a
}

// watch follows whether the router gives work to the bad worker.
type watch struct{ changes []change }

type change struct {
	at    time.Time
	taken bool
}

// follow looks every 10 ms until stop is closed; what it returns is closed when it has ended.
func (w *watch) follow(f *fleet, stop <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, p := range f.pool(f.routers[0], "wall").GetWorkers() {
				if p.GetReport().GetWorker() != bad {
					continue
				}
				taken := p.GetReport().GetState() == inferv1.WorkerState_WORKER_STATE_READY && p.GetBreaker() == "closed"
				if len(w.changes) == 0 || w.changes[len(w.changes)-1].taken != taken {
					w.changes = append(w.changes, change{time.Now(), taken})
				}
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return done
}

// out is how long after the fault the worker was taken out; 0: never.
func (w *watch) out(fault time.Time) time.Duration {
	for _, c := range w.changes {
		if c.at.After(fault) && !c.taken {
			return c.at.Sub(fault)
		}
	}
	return 0
}

// back is how long after the engine was healthy its worker gave the first token of a new request; 0: never.
func back(got []*outcome, healed time.Time) (d time.Duration) {
	for _, o := range got {
		if o.worker == bad && o.began.After(healed) && !o.first.IsZero() && (d == 0 || o.first.Sub(healed) < d) {
			d = o.first.Sub(healed)
		}
	}
	return d
}

// result is one fault's row of the wall.
type result struct {
	fault                       upstream.Fault
	streams, whole, held        int
	status, events, cuts, hangs int
	out, back                   time.Duration
}

// judge counts what clients saw, and fails the test where the fault cost more than it may.
func (r *result) judge(t *testing.T, got []*outcome, began time.Time) {
	t.Helper()
	wrong := slices.DeleteFunc(slices.Clone(got), func(o *outcome) bool { return o.verdict() == complete && intact(o) })
	shown := 0
	for _, o := range wrong {
		switch o.verdict() {
		case refused:
			r.status++
		case broken:
			r.events++
		case hung:
			r.hangs++
		default:
			r.cuts++
		}
		held := r.fault == upstream.FaultHangStream && o.verdict() == broken && o.worker == bad && o.began.Before(began.Add(2*idleTimeout))
		if shown++; !held && shown <= 10 {
			t.Errorf("%s: %v", r.fault, o)
		}
	}
	if r.out == 0 || r.out > 3*idleTimeout {
		t.Errorf("%s: out after %v, want within %v", r.fault, r.out, idleTimeout)
	}
	if r.back == 0 || r.back > 6*time.Second {
		t.Errorf("%s: back after %v, want ≤ 3 s", r.fault, r.back)
	}
}

// intact tells that no token of a complete answer was lost, doubled or swapped: token i is " ti".
func intact(o *outcome) bool {
	want := ""
	for i := range o.ask.MaxTokens {
		want += fmt.Sprintf(" t%d", i)
	}
	return o.text == want
}

// row is the result as a row of a Markdown table.
func (r *result) row() string {
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %d | %.2f | %.2f |",
		map[upstream.Fault]string{
			upstream.FaultRefuse: "refuses connections", upstream.FaultError: "answers 500", upstream.FaultHangStream: "hangs in mid-stream",
		}[r.fault], r.streams, r.whole, r.held, r.status, r.events, r.cuts, r.hangs, r.out.Seconds(), r.back.Seconds())
}
