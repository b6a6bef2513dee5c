package worker

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSilenceSaysNothingAfterAPauseOfThisProcess(t *testing.T) {
	now := time.Now()
	h := hearing{start: now}
	for _, step := range []struct {
		after time.Duration
		deaf  bool
	}{{0, false}, {restEvery, false}, {sweepEvery, false}, {4 * time.Second, true}, {sweepEvery, false}} {
		now = now.Add(step.after)
		if h.deaf(now) != step.deaf {
			t.Errorf("a sweep %s after the one before: deaf is %v", step.after, !step.deaf)
		}
	}
}

func TestSilenceSaysNothingWhileTheServerDoesNotAnswer(t *testing.T) {
	for name, roundTrip := range map[string]func(context.Context) error{
		"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"fails": func(context.Context) error { return errors.New("connection lost") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := hearing{start: time.Now()}
				var bad atomic.Bool
				go h.listen(t.Context(), func(ctx context.Context) error {
					if bad.Load() {
						return roundTrip(ctx)
					}
					return nil
				})
				sweeps := func(d time.Duration, deaf bool) {
					t.Helper()
					for range d / sweepEvery {
						time.Sleep(sweepEvery)
						synctest.Wait()
						if h.deaf(time.Now()) != deaf {
							t.Fatalf("deaf is %v", !deaf)
						}
					}
				}
				sweeps(2100*time.Millisecond, false)
				bad.Store(true) // the next round trip begins at 3 s
				sweeps(echoEvery, false)
				time.Sleep(echoLate)
				h.swept = time.Now()
				sweeps(20*time.Second, true)
				bad.Store(false)
				time.Sleep(echoTimeout + echoEvery)
				h.swept = time.Now()
				sweeps(3*time.Second, false)
			})
		})
	}
}
