package policy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/policy"
)

// turns takes n turns of round robin and returns who got them.
func turns(ws []policy.Worker, n int, rnd *rand.Rand) (order []int) {
	scores := make([]float64, len(ws))
	for range n {
		i := policy.Pick(policy.RoundRobin{}, policy.Request{}, ws, scores, rnd)
		policy.RoundRobin{}.Took(ws, i)
		order = append(order, i)
	}
	return order
}

// Exact in every round, and spread: between two picks of a worker lie never more than its share of others, rounded up, twice.
func TestRoundRobinGivesEachItsWeightSpreadOut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, weights := range [][]int{{0, 0, 0}, {5, 1, 1}, {1, 2, 3, 4}, {7, 3}, {1000, 1}} {
		ws, sum := make([]policy.Worker, len(weights)), 0
		for i, w := range weights {
			ws[i].Weight = w
			sum += max(w, 1)
		}
		for round := range 3 {
			order, counts := turns(ws, sum, rnd), make([]int, len(ws))
			last := map[int]int{}
			for at, i := range order {
				counts[i]++
				share := (sum + max(weights[i], 1) - 1) / max(weights[i], 1)
				if before, ok := last[i]; ok && at-before > 2*share {
					t.Errorf("weights %v: worker %d waits for %d picks", weights, i, at-before)
				}
				last[i] = at
			}
			for i, w := range weights {
				if counts[i] != max(w, 1) {
					t.Errorf("weights %v, round %d: picks %v", weights, round, counts)
				}
			}
		}
	}
	// NGINX's own example: 5, 1, 1 never gives the heavy one more than three in a row.
	row := 0
	for _, i := range turns([]policy.Worker{{Weight: 5}, {Weight: 1}, {Weight: 1}}, 700, rnd) {
		if row++; i != 0 {
			row = 0
		}
		if row > 4 { // two before the end of a round and two after
			t.Fatal("five picks of one worker in a row")
		}
	}
}

// A worker that had no room for a while is not owed the turns that it missed.
func TestRoundRobinForgivesTurnsThatNobodyCouldTake(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 1))
	ws := []policy.Worker{{}, {}, {}}
	turns(ws[:2], 1000, rnd)
	counts := make([]int, 3)
	for _, i := range turns(ws, 300, rnd) {
		counts[i]++
	}
	for i, n := range counts {
		if n < 99 || n > 101 {
			t.Errorf("worker %d got %d of 300", i, n)
		}
	}
}

func TestLatencyJumpsToAPeakAndComesDownSlowly(t *testing.T) {
	var l policy.Latency
	near := func(now time.Time, want float64, what string) {
		t.Helper()
		if got := l.Seconds(false, now); math.Abs(got-want) > want/100 {
			t.Errorf("%s: %.4f s, want %.4f", what, got, want)
		}
	}
	if l.Seconds(false, t0) != 0 {
		t.Error("known before anything was observed")
	}
	l.Observe(100*time.Millisecond, t0)
	near(t0, .1, "the first one")
	l.Observe(time.Second, t0.Add(time.Millisecond))
	near(t0.Add(time.Millisecond), 1, "a peak")
	l.Observe(100*time.Millisecond, t0.Add(time.Second))
	near(t0.Add(time.Second), math.Exp(-.1)+.1*(1-math.Exp(-.1)), "a second later")
	now := t0.Add(time.Second)
	for range 1200 {
		now = now.Add(100 * time.Millisecond)
		l.Seconds(false, now) // a look changes nothing
		l.Observe(100*time.Millisecond, now)
	}
	near(now, .1, "two minutes later")
	near(now.Add(10*time.Second), .1/math.E, "unused for 10 s")
	if got := l.Seconds(true, now.Add(time.Minute)); math.Abs(got-.1) > .001 {
		t.Errorf("busy for a minute: %.4f s, want .1 as before", got)
	}
	l.Observe(0, now) // nothing was answered
	near(now, .1, "after a request without a first token")
}

// Requests that stay: a worker five times as slow ends up with a fifth of what each other one holds.
func TestLeastLatencyHoldsLoadInInverseProportion(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	ws, scores := make([]policy.Worker, 6), make([]float64, 6)
	for i := range ws {
		ws[i].Latency = .1
	}
	ws[5].Latency = .5
	for range 520 {
		ws[policy.Pick(policy.LeastLatency{}, policy.Request{}, ws, scores, rnd)].InFlight++
	}
	for i, w := range ws[:5] {
		if w.InFlight < 98 || w.InFlight > 102 {
			t.Errorf("worker %d holds %d", i, w.InFlight)
		}
	}
	if n := ws[5].InFlight; n < 18 || n > 22 {
		t.Errorf("the slow worker holds %d of 520, want 20", n)
	}
}

func TestLeastLatencyTriesAnUnknownWorkerWithOneRequest(t *testing.T) {
	ws := []policy.Worker{{Latency: 9, InFlight: 50}, {}}
	if got := shares(policy.LeastLatency{}, policy.Request{}, ws, 10); got[1] != 10 {
		t.Errorf("a new worker was picked %d times of 10", got[1])
	}
	ws[1].InFlight = 1
	if got := shares(policy.LeastLatency{}, policy.Request{}, ws, 10); got[0] != 10 {
		t.Errorf("a worker that has answered nothing yet got a second request: %v", got)
	}
}

func TestPrefixGoesByTheCacheAndThenByLoad(t *testing.T) {
	ws := []policy.Worker{{Cached: 64}, {Cached: 80, InFlight: 60}, {Cached: 80, InFlight: 61}, {}}
	if got := shares(policy.Prefix{}, policy.Request{Tokens: 100}, ws, 10); got[1] != 10 {
		t.Errorf("picked %v", got)
	}
	cold := []policy.Worker{{InFlight: 3}, {InFlight: 1}, {InFlight: 2}}
	if got := shares(policy.Prefix{}, policy.Request{Tokens: 100}, cold, 10); got[1] != 10 {
		t.Errorf("nothing cached anywhere: picked %v", got)
	}
}

// house is sessions on workers, as a router keeps them.
type house struct {
	t      *testing.T
	ws     []policy.Worker
	homes  *policy.Sessions
	rnd    *rand.Rand
	scores []float64
}

func newHouse(t *testing.T, weights ...int) *house {
	h := &house{t: t, homes: policy.NewSessions(1<<16, time.Hour), rnd: rand.New(rand.NewPCG(5, 1)), scores: make([]float64, len(weights))}
	for i, w := range weights {
		h.ws = append(h.ws, policy.Worker{Name: fmt.Sprint("worker-", i), Weight: w})
	}
	return h
}

// ask lets a session ask something; it returns the worker.
func (h *house) ask(session uint64) string {
	home, total, weight := h.homes.Home(session, t0), 1, 0
	for i := range h.ws {
		w := &h.ws[i]
		w.Sessions, w.Home = h.homes.Count(w.Name), w.Name == home
		total += w.Sessions
		weight += max(w.Weight, 1)
	}
	w := h.ws[policy.Pick(policy.SessionAffinity{}, policy.Request{Session: session}, h.ws, h.scores, h.rnd)]
	if w.Home {
		return w.Name
	}
	h.homes.Place(session, w.Name, t0)
	if most := math.Ceil(1.25 * float64(total) * float64(max(w.Weight, 1)) / float64(weight)); float64(w.Sessions+1) > most {
		h.t.Errorf("%s has %d of %d sessions, at most %v are its share", w.Name, w.Sessions+1, total, most)
	}
	return w.Name
}

func TestSessionsStayAndOnlyADeadWorkersMove(t *testing.T) {
	const n = 3000
	h, at := newHouse(t, 0, 0, 0, 0, 0, 0), map[uint64]string{}
	for s := range uint64(n) {
		at[s+1] = h.ask(s + 1)
	}
	for s, w := range at {
		if got := h.ask(s); got != w {
			t.Fatalf("session %d moved from %s to %s for nothing", s, w, got)
		}
	}
	dead := h.ws[2].Name
	h.ws, h.scores = append(h.ws[:2:2], h.ws[3:]...), h.scores[:5]
	moved := map[string]int{}
	for s, w := range at {
		switch got := h.ask(s); {
		case w == dead:
			moved[got]++
		case got != w:
			t.Fatalf("session %d moved from %s to %s though that one is alive", s, w, got)
		}
	}
	for _, w := range h.ws { // what the dead one had spreads over all, not on a neighbour
		if moved[w.Name] < n/6/5*3/4 || moved[w.Name] > n/6/5*5/4 {
			t.Errorf("of the dead worker's sessions %v", moved)
		}
		if k := h.homes.Count(w.Name); k > n*5/4/5 {
			t.Errorf("%s has %d of %d sessions, more than 1.25 times the mean", w.Name, k, n)
		}
	}
}

// Two routers that know nothing of each other place a session at the same worker, unless the bound moves it: a takeover
// costs few caches.
func TestPlacesAreTheSameEverywhere(t *testing.T) {
	a, b, same := newHouse(t, 0, 0, 0, 0), newHouse(t, 0, 0, 0, 0), 0
	for s := range uint64(1000) {
		b.ask(1000 - s)
	}
	for s := range uint64(1000) {
		if a.ask(s+1) == b.ask(s+1) {
			same++
		}
	}
	if same < 950 {
		t.Errorf("%d of 1000 sessions have the same place in both", same)
	}
}

func TestSessionsGoByWeight(t *testing.T) {
	h := newHouse(t, 1, 2, 3)
	for s := range uint64(6000) {
		h.ask(s + 1)
	}
	for i, w := range h.ws {
		if n, want := h.homes.Count(w.Name), 1000*(i+1); n < want*9/10 || n > want*11/10 {
			t.Errorf("weight %d has %d sessions of 6000, want about %d", i+1, n, want)
		}
	}
}

// All sessions of the world would hash to one worker: the bound spreads them all the same.
func TestTheBoundHoldsAgainstSkew(t *testing.T) {
	h := newHouse(t, 0, 0, 0, 0)
	first := h.ws[0].Name
	asked := 0
	for s := uint64(1); asked < 400; s++ {
		if alone := newHouse(t, 0, 0, 0, 0).ask(s); alone == first {
			h.ask(s)
			asked++
		}
	}
	for _, w := range h.ws {
		if n := h.homes.Count(w.Name); n > 125 {
			t.Errorf("%s has %d of 400 sessions", w.Name, n)
		}
	}
}

func TestWithoutASessionTheLeastBusyGetsIt(t *testing.T) {
	ws := []policy.Worker{{InFlight: 3}, {InFlight: 1}, {InFlight: 2}}
	if got := shares(policy.SessionAffinity{}, policy.Request{}, ws, 10); got[1] != 10 {
		t.Errorf("picked %v", got)
	}
}

func TestSessionsAreBoundedAndForgotten(t *testing.T) {
	s := policy.NewSessions(100, time.Minute)
	for i := range uint64(200) {
		s.Place(i, "a", t0)
	}
	if s.Count("a") != 100 || s.Home(99, t0) != "" || s.Home(100, t0) != "a" {
		t.Errorf("%d sessions kept of 100", s.Count("a"))
	}
	if s.Home(100, t0.Add(50*time.Second)) != "a" { // used again
		t.Error("forgotten within the time")
	}
	s.Place(101, "b", t0.Add(50*time.Second))
	if s.Home(102, t0.Add(70*time.Second)) != "" || s.Home(100, t0.Add(70*time.Second)) != "a" {
		t.Error("what is not used is kept, or what is used is not")
	}
	if s.Count("a") != 1 || s.Count("b") != 1 {
		t.Errorf("a has %d and b %d, want 1 each", s.Count("a"), s.Count("b"))
	}
}
