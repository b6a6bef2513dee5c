package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leathq/leat/services/worker/internal/spot"
)

const (
	// spotMargin is what is left of a notice for the last frames, the last report and the way out.
	spotMargin = 5 * time.Second
	// spotStop is when the process should be gone: after the worker has told its clients, and they theirs.
	spotStop = 3 * time.Second
	// approveIn is how long an approval may take.
	approveIn = 2 * time.Second
)

// spotWatch is what a worker knows of the notices that its machine will be taken away.
type spotWatch struct {
	taken chan departure // a notice that the worker has not acted on

	mu      sync.Mutex
	advice  string                        // what the provider sees coming
	approve []func(context.Context) error // how to say that it need not wait
}

// said is the provider's advice, or empty.
func (s *spotWatch) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.advice
}

// watchSpot looks for notices, from before the engine loads, until the returned function is called.
func (w *Worker) watchSpot(ctx context.Context) (stop func()) {
	if p := w.cfg.Spot.Provider; p == "" || p == "off" {
		return func() {}
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		spot.Watch(ctx, spot.Options{Provider: w.cfg.Spot.Provider, URL: w.cfg.Spot.MetadataURL, Log: w.log}, w.noticed)
	})
	return func() {
		end()
		running.Wait()
	}
}

// noticed acts on a notice: the worker leaves at once, and its process ends. A recommendation it only tells, unless it is
// configured to heed it: it may come hours before an interruption, or without one, and a worker that leaves takes slots from
// the fleet before anything has replaced it.
func (w *Worker) noticed(n spot.Notice) {
	w.metrics.notices.WithLabelValues(n.Provider, n.Kind).Inc()
	if n.Advice && !w.cfg.Spot.Rebalance {
		w.log.Warn("the cloud sees a risk that this machine is taken away; the worker stays", "provider", n.Provider, "kind", n.Kind)
		w.spot.mu.Lock()
		w.spot.advice = n.Provider + " sees a risk that it takes this machine away (" + n.Kind + ")"
		w.spot.mu.Unlock()
		return // the worker's next look at its engine puts it into the reports
	}
	w.log.Warn("this machine will be taken away: leaving, and ending the process", "provider", n.Provider, "kind", n.Kind, "at", n.At)
	if n.Approve != nil && w.cfg.Spot.Approve {
		w.spot.mu.Lock()
		w.spot.approve = append(w.spot.approve, n.Approve)
		w.spot.mu.Unlock()
	}
	d, gone := departure{grace: w.cfg.Grace, note: fmt.Sprintf("%s takes this machine away (%s)", n.Provider, n.Kind)}, time.Time{}
	if !n.At.IsZero() {
		d.by, gone = n.At.Add(-spotMargin), n.At.Add(-spotStop)
		d.note = fmt.Sprintf("%s takes this machine away at %s (%s)", n.Provider, n.At.UTC().Format(time.TimeOnly+" MST"), n.Kind)
	}
	select {
	case old := <-w.spot.taken: // not acted on yet: the earlier one counts
		if old.end().Before(d.end()) {
			d = old
		}
	default:
	}
	w.spot.taken <- d
	if w.deps.Stop != nil {
		w.deps.Stop(d.note, gone)
	}
}

// approve tells the provider that it need not wait, where that is configured and it gave notice. Run calls it at its end: by
// then the worker has left, and the host has no call in flight.
func (w *Worker) approve() {
	w.spot.mu.Lock()
	list := w.spot.approve
	w.spot.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), approveIn)
	defer cancel()
	for _, approve := range list {
		if err := approve(ctx); err != nil {
			w.log.Warn("the cloud was not told that it need not wait with this machine", "error", err)
			continue
		}
		w.log.Info("told the cloud that it need not wait with this machine")
	}
}
