package spot_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leathq/leat/services/worker/internal/spot"
	"github.com/leathq/leat/services/worker/internal/spot/spottest"
)

// watched is a Watch that runs in a bubble of virtual time.
type watched struct {
	log      logged
	requests atomic.Int64
	down     atomic.Bool // the service answers nobody
	left     atomic.Bool // Watch has returned

	mu      sync.Mutex
	notices []spot.Notice
	at      []time.Time
}

func watch(t *testing.T, provider string, service http.Handler) *watched {
	t.Helper()
	w := &watched{}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		spot.Watch(ctx, spot.Options{Provider: provider, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Transport: transport{w, service}}, w.take)
		w.left.Store(true)
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return w
}

func (w *watched) take(n spot.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices, w.at = append(w.notices, n), append(w.at, time.Now())
}

// only waits a while and returns the one notice that came.
func (w *watched) only(t *testing.T, d time.Duration) (spot.Notice, time.Time) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.notices) != 1 {
		t.Fatalf("%d notices: %v\n%s", len(w.notices), w.notices, w.log.String())
	}
	return w.notices[0], w.at[0]
}

// none waits a while in which nothing is announced.
func (w *watched) none(t *testing.T, d time.Duration) {
	t.Helper()
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.notices) > 0 {
		t.Fatalf("notices out of nothing: %v", w.notices)
	}
}

type transport struct {
	w       *watched
	service http.Handler
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.w.requests.Add(1)
	if t.w.down.Load() {
		return nil, errors.New("no route to host")
	}
	return spottest.Transport{Handler: t.service}.RoundTrip(r)
}

type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) count(s string) int { return strings.Count(l.String(), s) }

// cloud is a stand-in with what it takes to have the machine taken away.
type cloud struct {
	service  http.Handler
	announce func() time.Time // until when the machine is there
	kind     string
	within   time.Duration // until the notice must be told
}

func clouds() map[string]cloud {
	aws, gcp, gcpHost, azure := &spottest.AWS{}, spottest.NewGCP(), spottest.NewGCP(), &spottest.Azure{Name: "vm_7"}
	return map[string]cloud{
		"aws": {aws, func() time.Time {
			at := time.Now().Add(2 * time.Minute).Truncate(time.Second)
			aws.Interrupt("terminate", at)
			return at
		}, "terminate", 5 * time.Second},
		"gcp": {gcp, func() time.Time { gcp.Set("preempted", "TRUE"); return time.Now().Add(30 * time.Second) }, "preempted", time.Second},
		"gcp, its host": {gcpHost, func() time.Time {
			gcpHost.Set("maintenance-event", "TERMINATE_ON_HOST_MAINTENANCE")
			return time.Now().Add(time.Minute)
		}, "maintenance", time.Second},
		"azure": {azure, func() time.Time {
			at := time.Now().Add(30 * time.Second).Truncate(time.Second)
			azure.Schedule(event("e1", "Preempt", at, "vm_7"))
			return at
		}, "preempt", time.Second},
	}
}

func event(id, kind string, at time.Time, machines ...string) spottest.Event {
	return spottest.Event{ID: id, EventType: kind, EventStatus: "Scheduled", ResourceType: "VirtualMachine", Resources: machines,
		NotBefore: at.UTC().Format(http.TimeFormat)}
}

// A notice is told once and soon, with the time at which the machine goes, whether the provider was named or found.
func TestANoticeIsToldOnce(t *testing.T) {
	for name := range clouds() {
		for _, provider := range []string{strings.SplitN(name, ",", 2)[0], "auto"} {
			t.Run(name+" as "+provider, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := clouds()[name]
					w := watch(t, provider, c.service)
					w.none(t, 7*time.Hour+3300*time.Millisecond)
					goes, now := c.announce(), time.Now()
					n, told := w.only(t, time.Hour)
					if n.Kind != c.kind || n.Advice || !strings.HasPrefix(name, n.Provider) {
						t.Errorf("notice %+v", n)
					}
					if d := told.Sub(now); d > c.within {
						t.Errorf("told after %s", d)
					}
					if off := n.At.Sub(goes); off < -time.Second || off > c.within {
						t.Errorf("the machine goes at %s, %s off", n.At, off)
					}
					if strings.Contains(w.log.String(), "level=WARN") || w.log.count("watching for notices") != 1 {
						t.Errorf("log:\n%s", w.log.String())
					}
				})
			})
		}
	}
}

// A service that is gone for ten minutes costs two lines of log and few questions; what it announces when it is back is told.
func TestAServiceMayGoAndComeBack(t *testing.T) {
	for name := range clouds() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clouds()[name]
				w := watch(t, strings.SplitN(name, ",", 2)[0], c.service)
				w.none(t, time.Minute)
				w.down.Store(true)
				w.none(t, 2*time.Minute) // a question that waits for a change may take so long to fail
				before := w.requests.Load()
				w.none(t, 10*time.Minute)
				if n := w.requests.Load() - before; n < 30 || n > 2*70 {
					t.Errorf("%d questions in ten minutes", n)
				}
				if w.log.count("level=WARN") != 1 {
					t.Errorf("log:\n%s", w.log.String())
				}
				w.down.Store(false)
				c.announce()
				now := time.Now()
				if _, told := w.only(t, time.Minute); told.Sub(now) > 10*time.Second {
					t.Errorf("told after %s", told.Sub(now))
				}
				if w.log.count("level=WARN") != 1 || w.log.count("well again") != 1 {
					t.Errorf("log:\n%s", w.log.String())
				}
			})
		})
	}
}

// A laptop, and a machine that is cut off: whatever the network does with the questions, there is an end soon, and no word.
func TestAMachineInNoCloudIsLeftAlone(t *testing.T) {
	for name, service := range map[string]http.Handler{
		"nobody answers": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
		"not found":      http.NotFoundHandler(),
		"a portal":       http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>please sign in")) }),
		"a redirect":     http.RedirectHandler("http://login.example/", http.StatusFound),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, "auto", service)
				w.none(t, 2100*time.Millisecond)
				if !w.left.Load() {
					t.Error("still looking after two seconds")
				}
				if w.log.String() != "" || w.requests.Load() != 3 {
					t.Errorf("%d questions, log:\n%s", w.requests.Load(), w.log.String())
				}
			})
		})
	}
}

// What is no answer of the provider's announces nothing, and is complained of once.
func TestGarbageAnnouncesNothing(t *testing.T) {
	for _, provider := range []string{"aws", "gcp", "azure"} {
		for name, garbage := range map[string]http.HandlerFunc{
			"a page":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
			"half":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"action": "term`)) },
			"a list":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[1, 2]`)) },
			"nothing":    func(http.ResponseWriter, *http.Request) {},
			"overloaded": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
			"very long":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 3<<20)) },
		} {
			t.Run(provider+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := watch(t, provider, garbage)
					w.none(t, 10*time.Minute)
					if w.log.count("level=WARN") != 1 || len(w.log.String()) > 1000 {
						t.Errorf("log:\n%s", w.log.String())
					}
				})
			})
		}
	}
}
