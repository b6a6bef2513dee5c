package flight_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

const ms = time.Millisecond

func sequence(window uint32) *flight.Sequence {
	s := flight.New(7, 0, window, flight.Waits{
		Connect: 500 * ms, FirstToken: 2000 * ms, Idle: 1000 * ms, Total: 10000 * ms, Slow: 3000 * ms,
	}, 1*ms)
	s.Payload = "payload"
	s.Wake = func() {}
	return s
}

func delta(i int) flight.Delta { return flight.Delta{Index: uint32(i), Text: string(rune('a' + i%26))} }

func last(i int) flight.Delta {
	return flight.Delta{Index: uint32(i), End: &flight.End{Finish: "stop"}}
}

// Whatever the network does to deltas, the reader gets each once and in order, as long as what is missing is resent.
func TestTheReaderGetsEveryDeltaOnceAndInOrder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s := sequence(1 << 20)
		const n = 60
		all := make([]flight.Delta, n)
		for i := range all {
			all[i] = delta(i)
		}
		all[n-1] = last(n - 1)
		var got []flight.Delta
		over := false
		for round := 0; !over; round++ {
			if round > 1000 {
				t.Fatal("never over")
			}
			next := int(s.Where().Next)
			for _, i := range rng.Perm(n) { // any order, some lost, some twice, from what is missing and before
				if rng.IntN(4) == 0 || i < next-3 {
					continue
				}
				for range 1 + rng.IntN(2) {
					s.Deliver("w", 1, all[i], time.Duration(round)*ms)
				}
			}
			got, _, over, _ = s.Take(got, time.Duration(round)*ms)
		}
		if len(got) != n {
			t.Fatalf("seed %d: %d deltas", seed, len(got))
		}
		for i, d := range got {
			if int(d.Index) != i {
				t.Fatalf("seed %d: place %d has delta %d", seed, i, d.Index)
			}
		}
	}
}

func TestTheFirstDeltaWins(t *testing.T) {
	s := sequence(8)
	attempt, avoid, _, ok := s.Again("w0", 2*ms)
	if !ok || attempt != 2 || len(avoid) != 1 || avoid[0] != "w0" {
		t.Fatalf("again: %d %v %v", attempt, avoid, ok)
	}
	if v := s.Deliver("w1", 1, delta(3), 3*ms); v != flight.Stray {
		t.Fatalf("the middle of an attempt that was given up: %v", v)
	}
	if v := s.Deliver("w1", 1, delta(0), 3*ms); v != flight.Kept {
		t.Fatalf("a late first attempt that speaks first: %v", v)
	}
	if v := s.Deliver("w2", 2, delta(0), 4*ms); v != flight.Stray {
		t.Fatalf("the second to speak: %v", v)
	}
	s.Take(nil, 5*ms)
	if _, _, _, ok := s.Again("w1", 5*ms); ok {
		t.Fatal("started again after the reader had a delta")
	}
}

// A worker that dies after its first delta, before anybody has read it, costs nothing: the answer is made anew.
func TestWhatNobodyHasReadIsRunAnew(t *testing.T) {
	s := sequence(8)
	s.Deliver("w1", 1, delta(0), 2*ms)
	s.Deliver("w1", 1, delta(1), 2*ms)
	if _, _, _, ok := s.Again("", 3*ms); ok {
		t.Fatal("started again though its worker runs it")
	}
	attempt, avoid, payload, ok := s.Again("w1", 3*ms)
	if !ok || attempt != 2 || payload != "payload" || len(avoid) != 1 {
		t.Fatalf("again: %d %v %v %v", attempt, avoid, payload, ok)
	}
	if v := s.Deliver("w1", 1, delta(0), 4*ms); v != flight.Stray {
		t.Fatalf("the worker that was given up speaks again: %v", v)
	}
	s.Deliver("w2", 2, delta(0), 5*ms)
	s.Deliver("w2", 2, last(1), 5*ms)
	got, _, over, err := s.Take(nil, 6*ms)
	if len(got) != 2 || got[0].Index != 0 || !over || err != nil {
		t.Fatalf("the reader got %v, over %v, %v", got, over, err)
	}
}

func failing(i int, retry bool) flight.Delta {
	return flight.Delta{Index: uint32(i), End: &flight.End{Err: errs.New(errs.Upstream, "engine_crashed", "x"), Retry: retry}}
}

// An error that another worker may not have is kept from a reader who has nothing yet, once.
func TestAnErrorThatAnotherWorkerMayNotHaveIsNotToldAtOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(*flight.Sequence)
		retry bool
		want  flight.Verdict
	}{
		{"nothing came before it", func(*flight.Sequence) {}, true, flight.Failed},
		{"nothing was read", func(s *flight.Sequence) { s.Deliver("w1", 1, delta(0), 2*ms) }, true, flight.Failed},
		{"something was read", func(s *flight.Sequence) { s.Deliver("w1", 1, delta(0), 2*ms); s.Take(nil, 3*ms) }, true, flight.Kept},
		{"the request's own fault", func(*flight.Sequence) {}, false, flight.Kept},
		{"the second time", func(s *flight.Sequence) {
			s.Deliver("w1", 1, failing(0, true), 2*ms)
			s.Again("w1", 2*ms)
		}, true, flight.Kept},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sequence(8)
			c.setup(s)
			p := s.Where()
			d := failing(int(p.Next), c.retry)
			if v := s.Deliver("w1", p.Attempt, d, 4*ms); v != c.want {
				t.Fatalf("verdict %v, want %v", v, c.want)
			}
			got, _, over, _ := s.Take(nil, 5*ms)
			if over != (c.want == flight.Kept) {
				t.Fatalf("the reader got %v, over %v", got, over)
			}
			if c.want == flight.Failed && len(got) > 0 { // it was faster than the retry
				if _, _, _, ok := s.Again("w1", 6*ms); ok {
					t.Fatal("started again after the reader had a delta")
				}
				if v := s.Deliver("w1", p.Attempt, d, 6*ms); v != flight.Kept {
					t.Fatalf("delivered again: %v", v)
				}
			}
		})
	}
}

func TestAGapIsAskedForOnceAndGivenUpInTime(t *testing.T) {
	s := sequence(8)
	s.Deliver("w", 1, delta(0), 2*ms)
	if v := s.Deliver("w", 1, delta(2), 3*ms); v != flight.Gap {
		t.Fatalf("gap: %v", v)
	}
	if v := s.Deliver("w", 1, delta(3), 4*ms); v != flight.Waiting {
		t.Fatalf("behind the gap: %v", v)
	}
	if got, _, _, _ := s.Take(nil, 4*ms); len(got) != 1 {
		t.Fatalf("spliced: %v", got)
	}
	if n := s.Check(2100 * ms); n != flight.NoResend {
		t.Fatalf("never filled: %v", n)
	}
}

// Credit: a worker that keeps to its grants is never more than a window ahead of the reader, and always gets on.
func TestCreditBoundsWhatIsHeldAndNeverStalls(t *testing.T) {
	const window = 8
	s := sequence(window)
	granted, sent, taken := uint32(window), uint32(0), 0
	rng := rand.New(rand.NewPCG(1, 1))
	for sent < 500 {
		for sent < granted && rng.IntN(5) > 0 {
			s.Deliver("w", 1, delta(int(sent)), ms)
			sent++
		}
		if int(sent)-taken > window {
			t.Fatalf("%d ahead of the reader", int(sent)-taken)
		}
		got, grant, _, _ := s.Take(nil, ms)
		taken += len(got)
		if grant > 0 {
			granted = grant
		}
		if now := s.Where().Granted; now != granted {
			t.Fatalf("a lost grant of %d would be repeated as %d", granted, now)
		}
		if sent == granted {
			t.Fatal("stalled: everything was taken and nothing more is granted")
		}
	}
}

func TestEveryWaitHasItsOwnEnd(t *testing.T) {
	bound := func(s *flight.Sequence) { s.Deliver("w", 1, delta(0), 2*ms); s.Take(nil, 2*ms) }
	for _, c := range []struct {
		name  string
		setup func(*flight.Sequence)
		at    time.Duration
		want  flight.Need
	}{
		{"fresh", func(*flight.Sequence) {}, 100 * ms, flight.Nothing},
		{"silent: ask the router", func(*flight.Sequence) {}, 300 * ms, flight.AskRouter},
		{"nobody takes it", func(*flight.Sequence) {}, 600 * ms, flight.NoConnect},
		{"queued is taken", func(s *flight.Sequence) { s.Queued(1, 2*ms) }, 600 * ms, flight.AskRouter},
		{"dispatched: ask the worker", func(s *flight.Sequence) { s.Dispatched(1, "w", 2*ms) }, 600 * ms, flight.AskWorker},
		{"no first token", func(s *flight.Sequence) { s.Dispatched(1, "w", 2*ms) }, 2100 * ms, flight.NoFirstToken},
		{"running and silent", bound, 500 * ms, flight.AskWorker},
		{"idle", bound, 1100 * ms, flight.NoToken},
		{"the reader takes nothing", func(s *flight.Sequence) {
			s.Deliver("w", 1, delta(0), 2*ms)
			s.Check(10 * ms)
		}, 3100 * ms, flight.NoReader},
		{"total", bound, 10100 * ms, flight.NoTime},
		{"over", func(s *flight.Sequence) { s.Fail(errs.New(errs.Canceled, "x", "x")) }, 10100 * ms, flight.Nothing},
	} {
		s := sequence(8)
		c.setup(s)
		if got := s.Check(c.at); got != c.want {
			t.Errorf("%s: need %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAPausedSequenceIsNotIdle(t *testing.T) {
	s := sequence(2)
	s.Deliver("w", 1, delta(0), 2*ms)
	s.Deliver("w", 1, delta(1), 2*ms) // the window is used up: the worker may send no more
	if n := s.Check(1500 * ms); n == flight.NoToken {
		t.Fatal("a sequence that waits for its reader was called idle")
	}
	s.Take(nil, 2000*ms)
	if n := s.Check(2900 * ms); n == flight.NoToken {
		t.Fatal("idle time did not start anew with the grant")
	}
	if n := s.Check(3200 * ms); n != flight.NoToken {
		t.Fatalf("idle after the grant: %v", n)
	}
}

func TestUnknownTwiceSettlesIt(t *testing.T) {
	s := sequence(8)
	s.Dispatched(1, "w", 2*ms)
	if s.Unknown("w", 1) {
		t.Fatal("one word may have overtaken the dispatch")
	}
	if s.Unknown("x", 1) || !s.Unknown("w", 1) {
		t.Fatal("the second word of its own worker settles it")
	}
}
