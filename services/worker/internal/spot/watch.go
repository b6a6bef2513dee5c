package spot

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Notice is a provider's word that this machine will be taken away.
type Notice struct {
	Provider string // aws, gcp or azure
	// Kind is what will happen: terminate, stop, hibernate, rebalance or other (AWS); preempted or maintenance (GCP); preempt,
	// terminate, reboot or redeploy (Azure).
	Kind string
	ID   string    // tells a notice from others of its kind
	At   time.Time // when that begins, at the earliest; zero: not said
	// Advice is set where it may never happen: the provider only sees a risk.
	Advice bool
	// Approve tells the provider that it need not wait until At; nil where it cannot be told, or where that would hit other
	// machines, too.
	Approve func(context.Context) error
}

// Options say what to watch.
type Options struct {
	Provider  string // aws, gcp, azure, or auto: whichever answers
	URL       string // base of the metadata service; empty: the provider's own
	Log       *slog.Logger
	Transport http.RoundTripper // nil: one without a proxy
}

// maxWait is between two tries of a service that fails: notices may come as little as 30 s before.
const maxWait = 10 * time.Second

// source is one thing to ask for. poll may wait for a change; what it returns beside an error counts.
type source struct {
	every time.Duration // between two polls
	poll  func(context.Context) ([]Notice, error)
}

// provider is a kind of metadata service.
type provider struct {
	name    string
	probe   func(context.Context) bool // whether it is there
	sources []source
}

// Watch has notify called once for each notice, one call at a time, until ctx ends. With auto it returns early where no
// provider's service answers within a few seconds, and says so at level debug only: most machines are in no cloud.
func Watch(ctx context.Context, o Options, notify func(Notice)) {
	c := newClient(o)
	defer c.http.CloseIdleConnections()
	p := find(ctx, o.Provider, c)
	if p == nil {
		if ctx.Err() == nil {
			o.Log.Debug("no cloud's metadata service answers: there are no spot notices to watch for")
		}
		return
	}
	o.Log.Info("watching for notices that this machine will be taken away", "provider", p.name)
	w := &watch{log: o.Log.With("provider", p.name), notify: notify, told: map[string]bool{}, failing: make([]bool, len(p.sources))}
	var all sync.WaitGroup
	for i, s := range p.sources {
		all.Go(func() { w.follow(ctx, i, s) })
	}
	all.Wait()
}

// watch is what the sources of a provider share.
type watch struct {
	log    *slog.Logger
	notify func(Notice)

	mu      sync.Mutex
	told    map[string]bool
	failing []bool // by source
}

// follow polls a source until ctx ends, less often while it fails.
func (w *watch) follow(ctx context.Context, i int, s source) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := s.every
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		notices, err := s.poll(ctx)
		if ctx.Err() != nil {
			return
		}
		w.tell(notices)
		w.health(i, err)
		if err == nil {
			wait = s.every
		} else {
			wait = min(2*wait, maxWait)
		}
		timer.Reset(wait)
	}
}

// tell passes on what has not been told before.
func (w *watch) tell(notices []Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range notices {
		if key := n.Kind + " " + n.ID; !w.told[key] {
			w.told[key] = true
			w.notify(n)
		}
	}
}

// health says when the service begins to fail and when it is well again, once each however many sources it has.
func (w *watch) health(i int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.anyFails()
	w.failing[i] = err != nil
	switch after := w.anyFails(); {
	case after && !before:
		w.log.Warn("the metadata service does not answer as it should: a notice that this machine will be taken away may be missed until it does", "error", err)
	case before && !after:
		w.log.Info("the metadata service is well again")
	}
}

func (w *watch) anyFails() bool {
	for _, f := range w.failing {
		if f {
			return true
		}
	}
	return false
}
