package gateway

import (
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
)

// pinging asks a worker every 250 ms from begin to end; each echo comes back after delay, or never where it is negative.
func pinging(s *silence, begin, end, delay time.Duration) (silent time.Duration) {
	for now := begin; now <= end; now += Silence {
		silent = s.asked("w", now)
		if s.due(now) && delay >= 0 {
			s.echoed(now, now+delay)
		}
	}
	return silent
}

func TestAWorkersSilenceCountsOnlyWhileTheBusCarries(t *testing.T) {
	const sec = time.Second
	var s silence
	if got := pinging(&s, sec, 4*sec, time.Millisecond); got < patienceUnread {
		t.Fatalf("3 s without a pong count as %s", got)
	}
	s.spoke("w")
	if got := s.asked("w", 5*sec); got != 0 {
		t.Fatalf("after a pong the silence is %s", got)
	}
	for name, delay := range map[string]time.Duration{"loses the echoes": -1, "stands still for 2 s": 2 * sec} {
		var s silence
		pinging(&s, sec, 2*sec, time.Millisecond)
		if got := pinging(&s, 2*sec+Silence, 6*sec, delay); got >= patienceUnread {
			t.Errorf("a bus that %s makes a worker silent for %s", name, got)
		}
	}
}

func TestTheSilenceOfAWorkerThatNobodyAskedIsNoSilence(t *testing.T) {
	var s silence
	pinging(&s, time.Second, 2*time.Second, time.Millisecond)
	if got := pinging(&s, time.Hour, time.Hour+time.Second, time.Millisecond); got > time.Second {
		t.Fatalf("asked for 1 s, silent for %s", got)
	}
}

// NATS's word that nobody listens means nothing while a connection is away, and soon after it is back.
func TestAWorkerIsNotGoneBecauseTheBusWas(t *testing.T) {
	l := &link{base: time.Now()}
	if !l.settled() {
		t.Error("a connection that was never lost is not settled")
	}
	l.base = l.base.Add(-time.Hour)
	l.back.Store(away)
	if l.settled() {
		t.Error("a connection that is away is settled")
	}
	l.back.Store(int64(l.now()))
	if l.settled() {
		t.Error("a connection that has just come back is settled")
	}
	l.back.Store(int64(l.now() - settling - time.Second))
	if !l.settled() {
		t.Error("a connection that came back long ago is not settled")
	}
}

// That the connection is away is known as soon as it is lost, not when it is back: what was asked meanwhile is answered before.
func TestALostConnectionUnsettlesAtOnce(t *testing.T) {
	srv := bustest.Start(t)
	g := &Gateway{id: "gw"}
	g.deps.Bus = bustest.Connect(t, srv, bus.Options{})
	l := newLink(g)
	stop, err := l.subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if !l.settled() {
		t.Fatal("not settled before anything was lost")
	}
	lost := make(chan struct{}, 8)
	g.deps.Bus.OnDisconnect(func() { lost <- struct{}{} }) // after the link's own
	srv.Stop()
	select {
	case <-lost:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody told that the connection was lost")
	}
	if l.settled() {
		t.Error("settled while the connection is away")
	}
}
