package routing_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/services/worker"
)

// Under load the turns that a worker has missed because it had no room are not made up for; here all have room.
func TestRoundRobinGivesEachWorkerItsWeight(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		f := start(t, inMemory(t), "round_robin", 1, func(i int, cfg *worker.Config) { cfg.Weight = i + 1 })
		tr := cold(.1, 7)
		tr.rate, tr.warm, tr.measure, tr.after = 42, 0, 100*time.Second, 0
		tr.client = func(ctx context.Context, f *fleet, r *rand.Rand, got func(answer, error)) {
			got(f.complete(ctx, words(r.Uint64(), 20), 4))
		}
		r := f.run(t, tr).check(t)
		t.Log(r)
		for i := range engines {
			name := fmt.Sprint("worker-", i)
			want := float64(len(r.ttft)) * float64(i+1) / (engines * (engines + 1) / 2)
			if got := float64(r.per[name]); math.Abs(got-want) > want/100 {
				t.Errorf("%s with weight %d got %v requests of %d, want %.0f within 1 %%", name, i+1, got, len(r.ttft), want)
			}
		}
	})
}

// Load is what workers hold: under answers that take seconds, a worker five times as slow holds a fifth of what each other
// one does. (Of the requests it then gets less: it has each of them five times as long.)
func TestLeastLatencyGivesASlowWorkerAFifthOfTheLoad(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		f := start(t, inMemory(t), "least_latency", 1, func(i int, cfg *worker.Config) {
			cfg.Sim.Cost = cfg.Sim.Cost.Slower(4) // few tokens for much time, which is cheap to compute
			if i == engines-1 {
				cfg.Sim.Cost = cfg.Sim.Cost.Slower(5)
			}
		})
		tr := cold(.1, 8)
		tr.rate, tr.warm, tr.measure, tr.after = 36, 40*time.Second, 60*time.Second, 0
		tr.client = func(ctx context.Context, f *fleet, r *rand.Rand, got func(answer, error)) {
			got(f.complete(ctx, words(r.Uint64(), 60), 75))
		}
		var held map[string]float64
		var look sync.WaitGroup
		look.Go(func() {
			time.Sleep(tr.warm)
			held = f.held(t, tr.measure)
		})
		r := f.run(t, tr).check(t)
		look.Wait()
		fast := 0.
		for i := range engines - 1 {
			fast += held[fmt.Sprint("worker-", i)] / (engines - 1)
		}
		slow := held[fmt.Sprint("worker-", engines-1)]
		t.Logf("%v; held by a fast worker %.1f, by the slow one %.1f", r, fast, slow)
		if share := slow / fast; share < .15 || share > .27 {
			t.Errorf("the slow worker holds %.3f of what a fast one does, want about .2", share)
		}
	})
}

// held is what each worker holds in the time to come, by the router's last pick of every second, on average.
func (f *fleet) held(t *testing.T, during time.Duration) map[string]float64 {
	held, n := map[string]float64{}, int(during/time.Second)
	for range n {
		time.Sleep(time.Second)
		for _, s := range f.explain(t, 1)[0].GetScores() {
			held[s.GetWorker()] += float64(s.GetHeld()) / float64(n)
		}
	}
	return held
}

const talks = 150

// A user's conversation stays at one worker. When that one dies, its conversations go on elsewhere, each at one worker
// again, and nobody else's moves; no worker ever has more than 1.25 times its share of them.
func TestSessionsStayAndSurviveTheirWorkersDeath(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		f := start(t, inMemory(t), "session_affinity", 1)
		const dead = "worker-2"
		died := time.Now().Add(15 * time.Second)
		var all sync.WaitGroup
		seen := make([]talk, talks)
		for i := range seen {
			all.Go(func() { seen[i] = f.talk(t, uint64(i), died.Add(15*time.Second)) })
		}
		time.Sleep(time.Until(died))
		f.bounded(t, engines)
		f.kill[dead]()
		all.Wait()
		f.bounded(t, engines-1)
		moved, failed := 0, 0
		for i, s := range seen {
			failed += s.failed
			switch {
			case len(s.at) == 1 && s.at[0] != dead && s.failed == 0:
			case len(s.at) == 2 && s.at[0] == dead:
				moved++
			default:
				t.Errorf("session %d was at %v, with %d failures; %s died", i, s.at, s.failed, dead)
			}
		}
		t.Logf("%d of %d sessions moved, %d answers were cut", moved, talks, failed)
		if moved < talks/engines/2 {
			t.Errorf("the dead worker had %d sessions of %d: the experiment shows nothing", moved, talks)
		}
	})
}

// talk is what became of a conversation: the workers that answered, one after the other, and the answers that failed.
type talk struct {
	at     []string
	failed int
}

// talk asks something about every second until the end. What fails is asked again.
func (f *fleet) talk(t *testing.T, id uint64, end time.Time) (seen talk) {
	r := rand.New(rand.NewPCG(id, 9))
	said := words(id, 200)
	for time.Sleep(time.Duration(r.Float64() * float64(time.Second))); time.Now().Before(end); {
		a, err := f.say(t.Context(), fmt.Sprint("session-", id), said, 8)
		if err != nil {
			seen.failed++
			continue
		}
		if n := len(seen.at); n == 0 || seen.at[n-1] != a.worker {
			seen.at = append(seen.at, a.worker)
		}
		said += a.text + words(r.Uint64(), 20)
		time.Sleep(time.Duration((.7 + .6*r.Float64()) * float64(time.Second)))
	}
	return seen
}

// bounded checks that of all conversations no worker has more than 1.25 times its share, as the router explains it.
func (f *fleet) bounded(t *testing.T, workers int) {
	t.Helper()
	most := uint32(math.Ceil(1.25 * talks / float64(workers)))
	per, sum := map[string]uint32{}, uint32(0)
	for _, s := range f.explain(t, 1)[0].GetScores() {
		if s.GetExcluded() != "" {
			continue
		}
		sum += s.GetSessions()
		if per[s.GetWorker()] = s.GetSessions(); s.GetSessions() > most {
			t.Errorf("%s has %d of %d sessions, at most %d are its share", s.GetWorker(), s.GetSessions(), talks, most)
		}
	}
	t.Logf("sessions by worker: %v", per)
	if len(per) != workers || sum != talks {
		t.Errorf("%d sessions at %d workers, want %d at %d", sum, len(per), talks, workers)
	}
}
