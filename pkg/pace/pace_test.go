package pace_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leathq/leat/pkg/pace"
)

const (
	often  = 50 * time.Millisecond
	seldom = 250 * time.Millisecond
)

// loop runs a loop in virtual time, and counts its rounds.
func loop(t *testing.T, seldom time.Duration) (p *pace.Pace, work, rounds *atomic.Int64) {
	p, work, rounds = pace.New(often, seldom), new(atomic.Int64), new(atomic.Int64)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer p.Stop()
		for {
			select {
			case <-stop:
				return
			case now := <-p.C:
				rounds.Add(1)
				p.Next(now, func(time.Time) bool { return work.Load() == 0 })
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return p, work, rounds
}

// in counts the rounds of the next while.
func in(rounds *atomic.Int64, while time.Duration) int64 {
	before := rounds.Load()
	time.Sleep(while)
	synctest.Wait()
	return rounds.Load() - before
}

func TestALoopRestsWhileThereIsNothingToDo(t *testing.T) {
	for _, c := range []struct {
		seldom time.Duration
		rounds int64
	}{{seldom, 40}, {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			p, work, rounds := loop(t, c.seldom)
			work.Store(1)
			if n := in(rounds, 10*time.Second); n != 200 {
				t.Errorf("%d rounds in ten seconds with something to do", n)
			}
			work.Store(0)
			in(rounds, 2*time.Second)
			if n := in(rounds, 10*time.Second); n != c.rounds || !p.Resting() {
				t.Errorf("%d rounds in ten idle seconds, want %d", n, c.rounds)
			}
			time.Sleep(seldom / 3)
			work.Store(1)
			p.Wake()
			if n := in(rounds, 20*often); n != 20 {
				t.Errorf("%d rounds in the twenty times after it was woken", n)
			}
		})
	}
}

func TestALoopThatIsWokenEveryNowAndThenDoesNotRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, work, rounds := loop(t, 0)
		for range 20 {
			work.Store(1)
			p.Wake()
			time.Sleep(often)
			synctest.Wait()
			work.Store(0)
			if n := in(rounds, 900*time.Millisecond); n != 18 || p.Resting() {
				t.Fatalf("%d rounds between requests that come every second", n)
			}
		}
	})
}

// Whatever comes while the loop is about to rest is seen soon.
func TestNothingIsMissedOnTheWayToARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(often, 0)
		defer p.Stop()
		work := false
		for looks := 1; looks <= 2; looks++ {
			p.Next(time.Now(), func(time.Time) bool { return true })
			time.Sleep(2 * time.Second)
			n := 0
			p.Next(time.Now(), func(time.Time) bool {
				if n++; n == looks { // it comes right after this look
					defer func() { work = true; p.Wake() }()
				}
				return !work
			})
			begin := time.Now()
			<-p.C
			if took := time.Since(begin); took > often {
				t.Errorf("what came after look %d was seen after %v", looks, took)
			}
			work = false
		}
	})
}
