package bustest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// One bubble after another: clients share pools across bubbles, which the runtime would not stand.
func TestInABubbleTheBusTakesNoTimeAndItsClockRuns(t *testing.T) {
	for i := range 3 {
		bustest.Bubble(t, func(t *testing.T) {
			b := bustest.Connect(t, bustest.StartInProcess(t), bus.Options{Name: fmt.Sprint("bubble ", i)})
			got := make(chan struct{})
			if _, err := b.Subscribe(bus.Control, events.Work.Name("w"), func(*nats.Msg) { got <- struct{}{} }); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			for range 1000 {
				if err := b.Publish(bus.Control, events.Work.Name("w"), "", &inferv1.Dispatch{}); err != nil {
					t.Fatal(err)
				}
				<-got
			}
			if err := b.Conn(bus.Control).FlushTimeout(time.Second); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took != 0 {
				t.Errorf("1,000 messages took %v of a clock that should have stood", took)
			}
			leaseRunsOut(t, b)
		})
	}
}

// leaseRunsOut passes the time after which the server's own clock takes a lease away.
func leaseRunsOut(t *testing.T, b *bus.Bus) {
	kv, err := b.Leases(t.Context(), bus.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	key := events.PartitionLease("p", "0")
	if _, err := kv.Create(t.Context(), key, []byte("router")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(bus.LeaseTTL / 2)
	if _, err := kv.Get(t.Context(), key); err != nil {
		t.Errorf("after half its time the lease is gone: %v", err)
	}
	time.Sleep(bus.LeaseTTL)
	if _, err := kv.Get(t.Context(), key); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("after one and a half of its time the lease is there: %v", err)
	}
}
