package breaker_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/breaker"
)

var t0 = time.Unix(1_800_000_000, 0)

func at(ms int) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

func cfg() breaker.Config {
	return breaker.Config{MaxFails: 3, FailTimeout: time.Second, Cooldown: 100 * time.Millisecond, MaxCooldown: 400 * time.Millisecond}
}

func opened(t *testing.T) *breaker.Breaker {
	t.Helper()
	b := breaker.New(cfg())
	for i := range 3 {
		if got := b.Failed(false, at(i)); got != (i == 2) {
			t.Fatalf("failure %d: opened %v", i+1, got)
		}
	}
	return b
}

func TestMaxFailsWithinTheWindowTakeAWorkerOut(t *testing.T) {
	b := opened(t)
	if b.Allows(at(50)) || b.State(at(50)) != breaker.Open {
		t.Fatal("an open breaker lets requests through")
	}
	slow := breaker.New(cfg())
	for i := range 20 {
		if slow.Failed(false, at(i*600)) {
			t.Fatal("failures further apart than the window opened it")
		}
	}
	mixed := breaker.New(cfg())
	for i := range 3 {
		if got := mixed.Failed(false, at(i*300)); got != (i == 2) {
			t.Fatalf("failure %d with successes between them: opened %v", i+1, got)
		}
		mixed.Succeeded(false)
	}
	if b := opened(t); !b.Sent(at(200)) {
		t.Fatal("not a trial")
	} else if b.Succeeded(true); b.RecentFails(at(201)) != 0 {
		t.Fatal("a good trial did not clear the failures")
	}
}

func TestHalfOpenLetsOneTrialAtATimeThrough(t *testing.T) {
	b := opened(t)
	if !b.Allows(at(200)) || b.State(at(200)) != breaker.HalfOpen {
		t.Fatal("no trial after the cool-down")
	}
	if !b.Sent(at(200)) || b.Allows(at(201)) {
		t.Fatal("a second request went out beside the trial")
	}
	b.Succeeded(false) // an old request ends well
	if b.Allows(at(202)) {
		t.Fatal("a request from before closed the breaker")
	}
	b.Succeeded(true)
	if !b.Allows(at(203)) || b.State(at(203)) != breaker.Closed {
		t.Fatal("a good trial did not close the breaker")
	}
}

func TestFailedTrialsWaitLongerUpToTheBound(t *testing.T) {
	b, now := opened(t), 102
	for _, wait := range []int{200, 400, 400} {
		if trial := b.Sent(at(now)); !trial {
			t.Fatalf("at %d ms: not a trial", now)
		}
		b.Failed(true, at(now))
		if b.Allows(at(now+wait-1)) || !b.Allows(at(now+wait)) {
			t.Fatalf("after a failed trial the next one is not allowed at exactly %d ms", wait)
		}
		now += wait
	}
}

func TestAnAbandonedTrialMakesRoomForAnother(t *testing.T) {
	b := opened(t)
	b.Abandoned(b.Sent(at(200)))
	if !b.Allows(at(201)) {
		t.Fatal("a trial without a verdict blocks the worker for ever")
	}
}

func TestBudgetIsABurstPlusAShareOfTheTraffic(t *testing.T) {
	b := breaker.NewBudget(0.1, 64, 0)
	count := func() (n int) {
		for b.Retry(t0) {
			n++
		}
		return n
	}
	if n := count(); n != 64 {
		t.Fatalf("burst of %d, want 64", n)
	}
	for range 305 {
		b.Request()
	}
	if n := count(); n != 30 {
		t.Fatalf("%d retries for 305 requests, want 30", n)
	}
}

func TestBudgetRefillsWithTimeOnIdlePools(t *testing.T) {
	b := breaker.NewBudget(0.1, 4, 2)
	for b.Retry(t0) {
	}
	if b.Retry(at(400)) || !b.Retry(at(600)) {
		t.Fatal("two retries a second should come back")
	}
}
