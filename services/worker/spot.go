package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/leathq/leat/pkg/host"
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

// notices are what a worker was told of its machine's end.
type notices struct {
	taken chan departure // a notice that the worker has not acted on

	mu     sync.Mutex
	advice string // what the provider sees coming
}

// said is the provider's advice, or empty.
func (n *notices) said() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.advice
}

// advise keeps advice; the worker's next look at its engine puts it into the reports.
func (n *notices) advise(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.advice = s
}

// take has the worker leave. Only the machine's watch calls it.
func (n *notices) take(d departure) {
	select {
	case old := <-n.taken: // not acted on yet: the earlier one counts
		if old.end().Before(d.end()) {
			d = old
		}
	default:
	}
	n.taken <- d
}

// machine watches for notices that this machine will be taken away, for all workers of the process.
type machine struct {
	cfg     Spot
	log     *slog.Logger
	stop    func(reason string, by time.Time) // the host's; nil: there is none
	counted *prometheus.CounterVec
	workers []*Worker

	mu        sync.Mutex
	approvals []func(context.Context) error
}

func newMachine(cfg Spot, deps host.Deps, workers ...*Worker) *machine {
	m := &machine{cfg: cfg, log: deps.Log, stop: deps.Stop, workers: workers, counted: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "leat_worker_spot_notices_total", Help: "Notices of a cloud that the machine will be taken away, and its recommendations to leave.",
	}, []string{"provider", "kind"})}
	deps.Metrics.MustRegister(m.counted)
	return m
}

// watch looks for notices until done is called, which tells the provider that it need not wait, where that is configured: by
// then the workers have left, and the host has no call in flight.
func (m *machine) watch(ctx context.Context) (done func()) {
	if p := m.cfg.Provider; p == "" || p == "off" {
		return func() {}
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		spot.Watch(ctx, spot.Options{Provider: m.cfg.Provider, URL: m.cfg.MetadataURL, Log: m.log}, m.noticed)
	})
	return func() {
		end()
		running.Wait()
		m.approve()
	}
}

// noticed acts on a notice: the workers leave at once, and their process ends. A recommendation is only told, unless it is
// configured to be heeded: it may come hours before an interruption, or without one, and a worker that leaves takes slots
// from the fleet before anything has replaced it.
func (m *machine) noticed(n spot.Notice) {
	m.counted.WithLabelValues(n.Provider, n.Kind).Inc()
	if n.Advice && !m.cfg.Rebalance {
		m.log.Warn("the cloud sees a risk that this machine is taken away; its workers stay", "provider", n.Provider, "kind", n.Kind)
		for _, w := range m.workers {
			w.notices.advise(n.Provider + " sees a risk that it takes this machine away (" + n.Kind + ")")
		}
		return
	}
	m.log.Warn("this machine will be taken away: leaving, and ending the process", "provider", n.Provider, "kind", n.Kind, "at", n.At)
	if n.Approve != nil && m.cfg.Approve {
		m.mu.Lock()
		m.approvals = append(m.approvals, n.Approve)
		m.mu.Unlock()
	}
	note, by, gone := fmt.Sprintf("%s takes this machine away (%s)", n.Provider, n.Kind), time.Time{}, time.Time{}
	if !n.At.IsZero() {
		by, gone = n.At.Add(-spotMargin), n.At.Add(-spotStop)
		note = fmt.Sprintf("%s takes this machine away at %s (%s)", n.Provider, n.At.UTC().Format(time.TimeOnly+" MST"), n.Kind)
	}
	for _, w := range m.workers {
		w.notices.take(departure{grace: w.cfg.Grace, by: by, note: note})
	}
	if m.stop != nil {
		m.stop(note, gone)
	}
}

// approve tells the provider that it need not wait.
func (m *machine) approve() {
	m.mu.Lock()
	list := m.approvals
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), approveIn)
	defer cancel()
	for _, approve := range list {
		if err := approve(ctx); err != nil {
			m.log.Warn("the cloud was not told that it need not wait with this machine", "error", err)
			continue
		}
		m.log.Info("told the cloud that it need not wait with this machine")
	}
}
