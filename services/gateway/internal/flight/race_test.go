package flight_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// took is a watch that keeps what it is told.
type took []time.Duration

func (w *took) First(d time.Duration) { *w = append(*w, d) }

func racing(t *testing.T) (first, second *flight.Sequence, w *took) {
	t.Helper()
	first, w = sequence(8), &took{}
	first.Hedge(100*ms, w)
	if need := first.Check(90 * ms); need != flight.Nothing {
		t.Fatalf("early: %v", need)
	}
	if need := first.Check(101 * ms); need != flight.Overtaken {
		t.Fatalf("late, and it needs %v", need)
	}
	if need := first.Check(151 * ms); need == flight.Overtaken {
		t.Fatal("late twice")
	}
	second, payload := first.Overtake(8, 110*ms)
	if second == nil || payload != "payload" {
		t.Fatalf("%v %v", second, payload)
	}
	if again, _ := first.Overtake(9, 110*ms); again != nil {
		t.Fatal("overtaken twice")
	}
	return first, second, w
}

func TestTheFirstOfARaceToSpeakIsTheChoice(t *testing.T) {
	for _, c := range []struct {
		wins int
		how  string
	}{{0, "lost"}, {1, "won"}} {
		first, second, w := racing(t)
		pair := []*flight.Sequence{first, second}
		winner, loser := pair[c.wins], pair[1-c.wins]
		if v := winner.Deliver("a", 1, delta(0), 200*ms); v != flight.Won {
			t.Fatalf("%v", v)
		}
		if v := loser.Deliver("b", 1, delta(0), 201*ms); v != flight.Stray {
			t.Errorf("the loser's delta is %v", v)
		}
		if first.Runs() != winner || second.Runs() != winner || winner.Loser() != loser || winner.Raced() != c.how {
			t.Errorf("%s: %v", c.how, winner.Raced())
		}
		if winner.GiveUp() || !loser.GiveUp() {
			t.Error("what befalls the winner befalls the choice, and the loser does not matter")
		}
		if len(*w) != 1 || (*w)[0] != 199*ms {
			t.Errorf("first tokens: %v", *w)
		}
		if winner.Close() != nil {
			t.Error("the loser is closed twice")
		}
	}
}

// Only the last one's failure is the choice's, and limits are the request's.
func TestARaceFailsWithTheLast(t *testing.T) {
	first, second, _ := racing(t)
	if !first.GiveUp() || first.Runs() != second || second.GiveUp() {
		t.Fatal("the second runs alone, and is the last")
	}
	if need := second.Check(2002 * ms); need != flight.NoFirstToken {
		t.Errorf("past its request's limit it needs %v", need)
	}
	if !second.Fail(errs.New(errs.Timeout, "x", "x")) || first.Fail(errs.New(errs.Timeout, "y", "y")) {
		t.Error("the second fails, the first has")
	}
	if _, _, over, err := first.Runs().Take(nil, 3000*ms); !over || err == nil || err.Code != "x" {
		t.Errorf("the choice: %v %v", over, err)
	}
}

// An error of one in an open race is not the choice's end, however often there was one before.
func TestAnErrorInARaceIsTheOthersChance(t *testing.T) {
	first, second, _ := racing(t)
	for range 2 {
		if v := first.Deliver("a", 1, failing(0, true), 200*ms); v != flight.Failed {
			t.Fatalf("%v", v)
		}
	}
	if !first.GiveUp() {
		t.Fatal("it cannot give up")
	}
	if v := second.Deliver("b", 1, delta(0), 300*ms); v != flight.Won || first.Runs() != second || second.Loser() != nil {
		t.Errorf("the other one's delta: %v", v)
	}
}

func TestWhoeverClosesARaceGetsWhatElseRuns(t *testing.T) {
	first, second, _ := racing(t)
	if first.Close() != second || !second.Where().Over {
		t.Error("the second runs on")
	}
	first, second, _ = racing(t)
	second.Deliver("b", 1, delta(0), 200*ms) // and the reader has not looked
	if first.Close() != second {
		t.Error("the winner runs on")
	}
	first = sequence(8)
	first.Hedge(10*ms, &took{})
	first.Close()
	if second, _ := first.Overtake(9, 20*ms); second != nil {
		t.Error("overtaken after its end")
	}
}

// What waits in a queue is not late: it is the queue. Its time begins when a worker has it.
func TestWhatWaitsInAQueueIsNotLate(t *testing.T) {
	s, w := sequence(8), &took{}
	s.Hedge(100*ms, w)
	s.Queued(1, 5*ms)
	if need := s.Check(200 * ms); need == flight.Overtaken {
		t.Fatal("hedged in the queue")
	}
	s.Dispatched(1, "w", 300*ms)
	if need := s.Check(399 * ms); need == flight.Overtaken {
		t.Fatal("hedged at once")
	}
	if need := s.Check(401 * ms); need != flight.Overtaken {
		t.Fatalf("late, and it needs %v", need)
	}
	if s.Deliver("w", 1, delta(0), 500*ms); len(*w) != 0 {
		t.Errorf("the queue counts as the worker's time: %v", *w)
	}
}
