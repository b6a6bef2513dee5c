package router_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// Gateways ask for partitions while their only router stops. Whatever it has claimed by then it gives back: a lease that
// it left would keep the next router out for as long as leases last.
func TestARouterThatStopsLeavesNoLease(t *testing.T) {
	for range 5 {
		s := bustest.Start(t)
		_, _, stop := start(t, s, "rt-1")
		join(t, s, "w-1")
		g := edge(t, s, "gw-1")
		g.takeover()
		kv, err := g.b.Leases(t.Context(), bus.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		asking, asked := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(asked)
			for n := 1; ; n++ {
				select {
				case <-asking:
					return
				case <-time.After(200 * time.Microsecond):
				}
				_ = g.b.Publish(bus.Control, events.Takeovers.Name("m", strconv.Itoa(n%900)), "", &inferv1.Takeover{Gateway: g.id})
			}
		}()
		eventually(t, "leases of partitions that were asked for", func() bool { return len(held(t, kv)) > 20 })
		stop()
		left := held(t, kv)
		close(asking)
		<-asked
		if len(left) > 0 {
			t.Fatalf("%d leases are left, the first: %s", len(left), left[0])
		}
	}
}

// held lists the leases that are there.
func held(t *testing.T, kv jetstream.KeyValue) (keys []string) {
	t.Helper()
	l, err := kv.ListKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for k := range l.Keys() {
		if strings.HasPrefix(k, "router.") {
			keys = append(keys, k)
		}
	}
	return keys
}
