package worker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/spot/spottest"
)

// stop is what a worker asked its host for.
type stop struct {
	reason string
	by     time.Time
}

// onSpot runs a worker on a machine with a metadata service.
func onSpot(t *testing.T, service http.Handler, s setup) (*fleet, <-chan stop, prometheus.Gatherer) {
	t.Helper()
	srv := httptest.NewServer(service)
	t.Cleanup(srv.Close)
	s.cfg.Spot.MetadataURL = srv.URL
	stops, reg := make(chan stop, 10), prometheus.NewRegistry()
	s.deps = func(d *host.Deps) {
		d.Metrics, d.Stop = reg, func(reason string, by time.Time) { stops <- stop{reason, by} }
	}
	return start(t, s), stops, reg
}

func asked(t *testing.T, stops <-chan stop) stop {
	t.Helper()
	select {
	case s := <-stops:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("the process was not asked to end")
		return stop{}
	}
}

// notices counts a metric's series.
func notices(t *testing.T, reg prometheus.Gatherer, provider, kind string) (n float64) {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); f.GetName() == "leat_worker_spot_notices_total" && l[0].GetValue() == kind && l[1].GetValue() == provider {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// On a notice the worker says at once what takes it away and when, hands back what has not begun, lets the rest finish, and has
// its process end.
func TestASpotNoticeMakesTheWorkerLeave(t *testing.T) {
	finish := make(chan struct{})
	gcp := spottest.NewGCP()
	f, stops, reg := onSpot(t, gcp, setup{
		cfg: worker.Config{Grace: time.Hour, Spot: worker.Spot{Provider: "auto"}}, engine: &scripted{slots: 4, run: twofold(finish)},
	})
	waits, runs, s := f.holdsTwo()
	at := time.Now()
	gcp.Set("preempted", "TRUE")
	note := f.awaitState(inferv1.WorkerState_WORKER_STATE_DRAINING)
	if !strings.HasPrefix(note, "gcp takes this machine away at ") || !strings.Contains(note, " UTC (preempted)") {
		t.Errorf("note %q", note)
	}
	f.verdict(waits.Number, inferv1.Verdict_VERDICT_HANDED_BACK)
	a := asked(t, stops)
	if left := a.by.Sub(at); a.reason != note || left < 20*time.Second || left > 29*time.Second {
		t.Errorf("asked to end for %q within %s", a.reason, left)
	}
	close(finish)
	if text, _ := f.answer(s); text != "ab" {
		t.Errorf("got %q", text)
	}
	f.verdict(runs.Number, inferv1.Verdict_VERDICT_DONE)
	f.awaitState(inferv1.WorkerState_WORKER_STATE_GONE)
	if n := notices(t, reg, "gcp", "preempted"); n != 1 {
		t.Errorf("%v notices counted", n)
	}
}

// What outlasts the notice ends with a typed error before the machine goes, however long the grace period is; a drain that was
// asked for is cut short, too.
func TestASpotNoticeBoundsTheGracePeriod(t *testing.T) {
	for name, draining := range map[string]bool{"at work": false, "draining": true} {
		t.Run(name, func(t *testing.T) {
			azure := &spottest.Azure{Name: "vm1"}
			f, stops, _ := onSpot(t, azure, setup{
				cfg: worker.Config{Grace: time.Hour, Spot: worker.Spot{Provider: "azure"}}, engine: &scripted{slots: 4, run: block},
			})
			runs := f.order()
			s := f.send(runs)
			f.await("a stream", func() bool { return len(f.deltas(s)) == 1 })
			if draining {
				drainByControl(f, time.Hour)
				f.awaitState(inferv1.WorkerState_WORKER_STATE_DRAINING)
			}
			goes := time.Now().Add(7 * time.Second).Truncate(time.Second) // as the notice says it
			azure.Schedule(preempt(goes))
			asked(t, stops)
			_, end := f.answer(s)
			if e := end.GetError(); e.GetCode() != "worker_draining" {
				t.Errorf("ended with %v", end)
			}
			if left := time.Until(goes); left < 2*time.Second || left > 5500*time.Millisecond {
				t.Errorf("cut %s before the machine goes", left)
			}
			f.verdict(runs.Number, inferv1.Verdict_VERDICT_BROKEN)
			f.awaitState(inferv1.WorkerState_WORKER_STATE_GONE)
		})
	}
}

func preempt(at time.Time) spottest.Event {
	return spottest.Event{ID: "e1", EventType: "Preempt", EventStatus: "Scheduled", Resources: []string{"vm1"}, NotBefore: at.UTC().Format(http.TimeFormat)}
}

// Azure hears that it need not wait, where that is configured, and only once the process has nothing left to do.
func TestAzureIsToldOnceAllIsOver(t *testing.T) {
	for name, approve := range map[string]bool{"told": true, "not told": false} {
		t.Run(name, func(t *testing.T) {
			finish := make(chan struct{})
			azure := &spottest.Azure{Name: "vm1"}
			f, stops, _ := onSpot(t, azure, setup{
				cfg:    worker.Config{Grace: time.Hour, Spot: worker.Spot{Provider: "azure", Approve: approve}},
				engine: &scripted{slots: 4, run: twofold(finish)},
			})
			s := f.send(f.order())
			f.await("a stream", func() bool { return len(f.deltas(s)) == 1 })
			azure.Schedule(preempt(time.Now().Add(time.Hour)))
			asked(t, stops)
			close(finish)
			f.answer(s)
			f.awaitState(inferv1.WorkerState_WORKER_STATE_GONE)
			if a := azure.Approved(); len(a) > 0 { // other services of the process may still be at work
				t.Errorf("approved %v before the process ended", a)
			}
			f.stop()
			f.left()
			want := []string{"e1"}
			if !approve {
				want = nil
			}
			if a := azure.Approved(); !slices.Equal(a, want) {
				t.Errorf("approved %v", a)
			}
		})
	}
}

// A recommendation is told and changes nothing; who wants to leave on it says so.
func TestARecommendationIsToldOrHeeded(t *testing.T) {
	for name, heed := range map[string]bool{"told": false, "heeded": true} {
		t.Run(name, func(t *testing.T) {
			aws := &spottest.AWS{}
			aws.Say("", `{"noticeTime": "2026-11-26T08:22:00Z"}`)
			f, stops, reg := onSpot(t, aws, setup{
				cfg:    worker.Config{Grace: time.Second, Spot: worker.Spot{Provider: "aws", Rebalance: heed}},
				engine: &scripted{slots: 4, run: say(2)}, load: heedless(heed),
			})
			if heed {
				if a := asked(t, stops); !a.by.IsZero() || !strings.Contains(a.reason, "aws") {
					t.Errorf("asked to end: %+v", a)
				}
				f.awaitState(inferv1.WorkerState_WORKER_STATE_GONE)
				return
			}
			f.await("the note", func() bool { return strings.Contains(f.last().GetStateNote(), "aws sees a risk") })
			o := f.order()
			f.answer(f.send(o))
			f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
			if f.awaitState(inferv1.WorkerState_WORKER_STATE_READY); len(stops) > 0 || notices(t, reg, "aws", "rebalance") != 1 {
				t.Errorf("%d times asked to end, %v notices", len(stops), notices(t, reg, "aws", "rebalance"))
			}
		})
	}
}

// heedless lets a test begin before the worker is ready: it may leave at once.
func heedless(heed bool) func(context.Context) error {
	if !heed {
		return nil
	}
	return func(context.Context) error { return nil }
}

// A machine that goes while the engine loads ends the process before the worker joins.
func TestANoticeWhileTheEngineLoads(t *testing.T) {
	gcp := spottest.NewGCP()
	gcp.Set("preempted", "TRUE")
	f, stops, _ := onSpot(t, gcp, setup{
		cfg: worker.Config{Pool: "p", Spot: worker.Spot{Provider: "gcp"}}, engine: &scripted{slots: 4, run: say(1)}, load: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	})
	asked(t, stops)
	f.stop() // as the host does then
	f.left()
}
