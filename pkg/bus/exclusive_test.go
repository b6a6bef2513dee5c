package bus_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
)

func TestOneAtATimeHasTheTurn(t *testing.T) {
	s := bustest.Start(t)
	var inside atomic.Int32
	done := make(chan error)
	const many = 8
	for range many {
		b := bustest.Connect(t, s, bus.Options{})
		go func() {
			done <- b.Exclusively(t.Context(), bus.DefaultConfig(), "worker.w", func() error {
				if inside.Add(1) > 1 {
					t.Error("two at once")
				}
				defer inside.Add(-1)
				return b.Conn(bus.Control).Flush() // a chance for the others
			})
		}()
	}
	for range many {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Whoever dies with the turn, or is too slow, does not keep the others out; the slow one is told.
func TestATurnThatIsHeldForTooLongIsLost(t *testing.T) {
	s := bustest.Start(t)
	slow, next := bustest.Connect(t, s, bus.Options{}), bustest.Connect(t, s, bus.Options{})
	err := slow.Exclusively(t.Context(), bus.DefaultConfig(), "worker.w", func() error {
		return next.Exclusively(t.Context(), bus.DefaultConfig(), "worker.w", func() error { return nil })
	})
	if !errors.Is(err, bus.ErrTurnLost) {
		t.Errorf("the slow one is told: %v", err)
	}
}
