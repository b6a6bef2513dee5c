package routing_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

const (
	burst       = 60
	burstTokens = 1000
	longTokens  = 16000      // two seconds of prefill
	herd        = burst / 10 // requests above a worker's fair share
)

// All engines report at one moment, five of them a long queue and one none. Whoever believes the reports until the next
// ones come sends the whole burst to the idle engine.
func TestABurstAfterASynchronisedReportMakesNoHerd(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		w := inMemory(t)
		f := start(t, w, "adaptive", 1)
		reports := listen(t, w)
		usual := shared(.72, 6) // by which the router learns what engines need
		usual.warm, usual.measure, usual.after = 0, 20*time.Second, 0
		for round := range uint64(4) {
			f.run(t, usual).check(t)
			queued := f.occupy(t, reports, 1000+100*round)
			got := f.send(t, 5000+100*round, burst, burstTokens)()
			t.Logf("round %d, tokens queued before: %v, requests of the burst: %v", round, queued, got.per)
			for worker, fair := range fairShares(queued) {
				if got.per[worker] > fair+herd {
					t.Errorf("round %d: %s got %d of %d requests, a fair share is %d", round, worker, got.per[worker], burst, fair)
				}
			}
		}
	})
}

// occupy gives all engines but one a long prompt, one after the other, and returns what each has queued at the moment of
// a report.
func (f *fleet) occupy(t *testing.T, reports <-chan *inferv1.Report, seed uint64) (queued map[string]int) {
	t.Helper()
	for i := range engines - 1 {
		f.send(t, seed+uint64(i), 1, longTokens)
		queued = together(t, reports, i+1)
	}
	return queued
}

// fairShares is how many requests of the burst each worker gets where all are done at the same moment.
func fairShares(queued map[string]int) map[string]int {
	level := burst * burstTokens
	for _, q := range queued {
		level += q
	}
	shares := map[string]int{}
	for worker, q := range queued {
		shares[worker] = (level/engines - q) / burstTokens
	}
	return shares
}

// In the long run, with reports at one moment all along and nothing ever found in a cache, a herd would show in the
// tail. least_connections cannot herd: it counts what it sends itself.
func TestSynchronisedReportsMakeNoHerdInTheLongRun(t *testing.T) {
	r := compare(t, 1, cold(.72, 5), "least_connections", "adaptive")
	if base, got := r[0].quantile(.99), r[1].quantile(.99); got > base {
		t.Errorf("TTFT p99 %v, want ≤ least_connections' %v", got, base)
	}
}

// send sends n different prompts at once; wait returns when all are answered.
func (f *fleet) send(t *testing.T, seed uint64, n, tokens int) (wait func() *result) {
	res := &result{per: map[string]int{}}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			a, err := f.complete(t.Context(), words(seed+uint64(i), tokens), 4)
			res.add(a, err, true)
		})
	}
	return func() *result {
		all.Wait()
		return res.check(t)
	}
}

// listen is every report that the workers send.
func listen(t *testing.T, w wires) <-chan *inferv1.Report {
	t.Helper()
	reports := make(chan *inferv1.Report, 64)
	b := bustest.Connect(t, w.nats, bus.Options{Name: "listener"})
	if _, err := b.Subscribe(events.Reports.Lane, events.Reports.All(), func(m *nats.Msg) {
		r := &inferv1.Report{}
		if err := proto.Unmarshal(m.Data, r); err != nil {
			t.Error(err)
			return
		}
		select {
		case reports <- r:
		default: // nobody looks now
		}
	}); err != nil {
		t.Fatal(err)
	}
	return reports
}

// together returns once all engines have reported at one moment, busy of them with something queued, and the reports
// have arrived everywhere. It returns what each has queued, in tokens.
func together(t *testing.T, reports <-chan *inferv1.Report, busy int) map[string]int {
	t.Helper()
	for len(reports) > 0 {
		<-reports // of before
	}
	var at time.Time
	var queued map[string]int
	waiting := 0
	for limit := time.After(time.Second); ; {
		select {
		case r := <-reports:
			if now := time.Now(); now.After(at) {
				at, queued, waiting = now, map[string]int{}, 0
			}
			queued[r.GetWorker()] = int(r.GetQueuedTokens())
			if r.GetQueuedTokens() > 0 {
				waiting++
			}
		case <-limit:
			t.Fatalf("within a second the %d engines did not report at one moment with %d of them busy", engines, busy)
		}
		if len(queued) == engines && waiting == busy {
			synctest.Wait()
			return queued
		}
	}
}
