package router_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/pkg/sleepers"
	"github.com/leathq/leat/proto/gen/externalscaler"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	routerv1 "github.com/leathq/leat/proto/gen/leat/router/v1"
	"github.com/leathq/leat/services/router"
)

// drowsy are settings by which the pool m may sleep.
func drowsy() pool.Set {
	return pool.Set{"m": {NoWorkerWait: 2 * time.Second, Scaling: pool.Scaling{Mode: pool.ScalingOn, ZeroAfter: time.Minute}}}
}

// keep has the pool's models kept, as a gateway does once a worker has described itself.
func keep(t *testing.T, s *embed.Server) {
	t.Helper()
	b := bustest.Connect(t, s, bus.Options{Name: "keeper"})
	d := &inferv1.Description{Pool: "m", Digest: "d", Models: []*inferv1.Model{{Name: "model"}}}
	if err := sleepers.New(b, bus.DefaultConfig()).Keep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// scaler asks a router as KEDA does.
type scaler struct {
	t *testing.T
	k externalscaler.ExternalScalerClient
}

func scalerOf(t *testing.T, r *router.Router) scaler {
	return scaler{t, externalscaler.NewExternalScalerClient(conn(t, r))}
}

var trigger = &externalscaler.ScaledObjectRef{ScalerMetadata: map[string]string{"pool": "m"}}

// wants is the number of workers, −1 where nobody has decided, and whether the pool is active.
func (s scaler) wants() (n int64, active bool) {
	got, err := s.k.GetMetrics(s.t.Context(), &externalscaler.GetMetricsRequest{ScaledObjectRef: trigger, MetricName: "leat_desired_replicas"})
	if err != nil {
		return -1, false
	}
	a, err := s.k.IsActive(s.t.Context(), trigger)
	if err != nil {
		return -1, false
	}
	return got.GetMetricValues()[0].GetMetricValue(), a.GetResult()
}

func (s scaler) expect(what string, want int64) {
	s.t.Helper()
	if n, active := s.wants(); n != want || active != (want > 0) {
		s.t.Errorf("%s: %d workers are wanted, active %v; want %d", what, n, active, want)
	}
}

func reason(t *testing.T, r *router.Router) string {
	t.Helper()
	list, err := client(t, r).ListPools(t.Context(), &routerv1.ListPoolsRequest{})
	if err != nil || len(list.GetPools()) != 1 || len(list.GetPools()[0].GetScaling().GetReasons()) == 0 {
		t.Fatalf("%v, %v", list, err)
	}
	return list.GetPools()[0].GetScaling().GetReasons()[0]
}

// A pool that nobody asks goes to sleep after zero_after, not before; the first request wakes it within a moment, waits for the
// worker that comes minutes later, and is given to it.
func TestAPoolFallsAsleepAndARequestWakesIt(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		r, _, _ := startWith(t, s, "rt-1", drowsy())
		keep(t, s)
		w, g, k := join(t, s, "w-1"), edge(t, s, "gw-1"), scalerOf(t, r)
		stream, err := k.k.StreamIsActive(t.Context(), trigger)
		if err != nil {
			t.Fatal(err)
		}
		said := make(chan bool, 10)
		go func() {
			for m, err := stream.Recv(); err == nil; m, err = stream.Recv() {
				said <- m.GetResult()
			}
		}()
		g.takeover()
		g.submit(1, 4*time.Minute)
		w.end(w.next(), inferv1.Verdict_VERDICT_DONE)
		time.Sleep(55 * time.Second)
		k.expect("asked less than a minute ago", 1)
		time.Sleep(10 * time.Second)
		k.expect("nobody asks", 0)
		if why := reason(t, r); !strings.Contains(why, "no request for 1m0s") {
			t.Errorf("why it may go: %s", why)
		}
		w.leave()
		time.Sleep(time.Hour)
		k.expect("asleep", 0)
		if why := reason(t, r); !strings.Contains(why, "nobody asks") {
			t.Errorf("why it sleeps: %s", why)
		}
		g.submit(2, 4*time.Minute)
		time.Sleep(300 * time.Millisecond) // a fraction of the second between two decisions, and a look of the stream's
		k.expect("asked", 1)
		for _, want := range []bool{true, false, true} {
			if got := <-said; got != want {
				t.Errorf("the stream said active %v, want %v", got, want)
			}
		}
		time.Sleep(3 * time.Minute)
		k.expect("still waiting", 1)
		late := join(t, s, "w-2")
		if d := late.next(); d.GetSubmit().GetSequence() != 2 || d.GetSubmit().GetWakeUntilUnixMs() != 0 {
			t.Errorf("the worker got %v", d)
		}
	})
}

// Whoever owns a sleeping pool next leaves it asleep, and so does the first router after all were away; KEDA hears of it from
// each. A request wakes it there as well.
func TestASleepingPoolStaysAsleepWhoeverOwnsIt(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		keep(t, s)
		first, _, stopFirst := startWith(t, s, "rt-1", drowsy())
		time.Sleep(6 * time.Second) // no worker has ever reported here
		scalerOf(t, first).expect("found asleep", 0)
		second, _, stopSecond := startWith(t, s, "rt-2", drowsy())
		time.Sleep(2 * time.Second)
		scalerOf(t, second).expect("of a standby", 0)
		never1 := func(k scaler, what string) {
			for range 100 {
				if n, active := k.wants(); n > 0 || active {
					t.Fatalf("%s: %d workers are wanted", what, n)
				}
				time.Sleep(100 * time.Millisecond)
			}
			k.expect(what, 0)
		}
		stopFirst()
		never1(scalerOf(t, second), "of its successor")
		stopSecond()
		third, _, _ := startWith(t, s, "rt-3", drowsy())
		never1(scalerOf(t, third), "after all were away")
		edge(t, s, "gw-1").submit(1, time.Minute)
		time.Sleep(100 * time.Millisecond)
		scalerOf(t, third).expect("asked", 1)
	})
}

// A request that is for another router's share of the pool wakes it as soon, and so does one that is taken back at once.
func TestAnyPartitionWakesThePool(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		keep(t, s)
		first, _, _ := startWith(t, s, "rt-1", drowsy())
		time.Sleep(6 * time.Second)
		two := drowsy()
		m := two["m"]
		m.Partitions = 2
		two["m"] = m
		second, _, _ := startWith(t, s, "rt-2", two)
		time.Sleep(8 * time.Second) // it claims the second partition, of which the first router knows nothing
		g := edge(t, s, "gw-1")
		if o := g.takeoverOf("1"); o.GetRouter() != "rt-2" {
			t.Fatalf("the second partition is %s's", o.GetRouter())
		}
		scalerOf(t, second).expect("asleep", 0)
		g.part = "1"
		g.submit(1, time.Minute)
		g.call(1, &inferv1.Call{Call: &inferv1.Call_Withdraw{Withdraw: &inferv1.Withdraw{Gateway: g.id, Refs: []*inferv1.Ref{{Sequence: 1}}}}})
		time.Sleep(100 * time.Millisecond)
		scalerOf(t, first).expect("asked", 1)
		scalerOf(t, second).expect("asked", 1)
	})
}

// Of a pool that was never up nobody knows what it serves: it is to come up once. The same holds where what was kept is gone.
func TestAPoolMustBeUpOnceBeforeItSleeps(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		r, b, _ := startWith(t, s, "rt-1", drowsy())
		time.Sleep(6 * time.Second)
		k := scalerOf(t, r)
		k.expect("never up", 1)
		if why := reason(t, r); !strings.Contains(why, "up once") {
			t.Errorf("why: %s", why)
		}
		keep(t, s)
		time.Sleep(10 * time.Minute)
		k.expect("known", 0)
		if err := sleepers.New(b, bus.DefaultConfig()).Forget(t.Context(), "m"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		k.expect("forgotten", 1)
		time.Sleep(11 * time.Minute) // longer than a router remembers a pool that is not its settings'
		k.expect("forgotten for long", 1)
	})
}
