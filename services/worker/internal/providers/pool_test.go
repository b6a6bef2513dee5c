package providers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/providers"
)

var start = time.Unix(1_700_000_000, 0)

func take(t *testing.T, p *providers.Pool, now time.Time) int {
	t.Helper()
	i, err := p.Take(now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func busyFor(t *testing.T, p *providers.Pool, now time.Time, want time.Duration) {
	t.Helper()
	var busy providers.Busy
	if i, err := p.Take(now, nil); !errors.As(err, &busy) || busy.After != want {
		t.Errorf("got account %d, %v; want busy for %v", i, err, want)
	}
}

func TestWeightsShareTheCalls(t *testing.T) {
	p := providers.New([]providers.Account{{KeyEnv: "A", Weight: 3}, {KeyEnv: "B"}})
	var got [2]int
	for range 400 {
		i := take(t, p, start)
		got[i]++
		p.Done(i, start, 0, 200, 0)
	}
	if got != [2]int{300, 100} {
		t.Error(got)
	}
}

func TestAKeyRestsAsLongAsItIsTold(t *testing.T) {
	p := providers.New([]providers.Account{{KeyEnv: "A"}, {KeyEnv: "B"}})
	p.Done(take(t, p, start), start, 0, 429, 20*time.Second)
	if i := take(t, p, start); i != 1 {
		t.Fatal("the resting key was taken")
	}
	p.Done(1, start, 0, 401, 0)
	busyFor(t, p, start, 20*time.Second)
	if i := take(t, p, start.Add(20*time.Second)); i != 0 {
		t.Error("a key that is refused must rest for longer than one that is overloaded")
	}
}

func TestLimitsHoldInAnyMinute(t *testing.T) {
	p := providers.New([]providers.Account{{KeyEnv: "A", Requests: 2}})
	for _, at := range []time.Duration{0, 30 * time.Second} {
		p.Done(take(t, p, start.Add(at)), start.Add(at), 0, 200, 0)
	}
	busyFor(t, p, start.Add(40*time.Second), 20*time.Second)
	p.Done(take(t, p, start.Add(60*time.Second)), start, 0, 200, 0)
	busyFor(t, p, start.Add(61*time.Second), 29*time.Second)

	p = providers.New([]providers.Account{{KeyEnv: "A", Tokens: 100}})
	p.Done(take(t, p, start), start, 60, 200, 0)
	p.Done(take(t, p, start), start.Add(10*time.Second), 60, 200, 0)
	busyFor(t, p, start.Add(20*time.Second), 40*time.Second)

	p = providers.New([]providers.Account{{KeyEnv: "A", Concurrent: 1}})
	i := take(t, p, start)
	busyFor(t, p, start, time.Second)
	p.Done(i, start, 0, 200, 0)
	take(t, p, start)
}
