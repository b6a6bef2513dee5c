// Package spottest has stand-ins for the metadata services of AWS, GCP and Azure, for tests. They refuse what the real ones
// refuse: a question without the token or the header.
package spottest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// AWS is EC2's metadata service. Its fields may be set before it serves; later, by its methods.
type AWS struct {
	mu        sync.Mutex
	tokens    map[string]time.Time // until when they live
	issued    int
	refused   int
	action    string
	rebalance string
}

// Interrupt announces an action (terminate, stop, hibernate) at a time.
func (a *AWS) Interrupt(action string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.action = fmt.Sprintf(`{"action": %q, "time": %q}`, action, at.UTC().Format(time.RFC3339))
}

// Say answers as the two paths do, in place of what was announced; empty is 404.
func (a *AWS) Say(action, rebalance string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.action, a.rebalance = action, rebalance
}

// Forget makes all tokens that were given void.
func (a *AWS) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = nil
}

// Issued is how many tokens were given.
func (a *AWS) Issued() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.issued
}

// Refused is how many questions came without a token that lives.
func (a *AWS) Refused() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

// ServeHTTP implements http.Handler.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	const ttl = "X-aws-ec2-metadata-token-ttl-seconds"
	if r.URL.Path == "/latest/api/token" {
		life, err := strconv.Atoi(r.Header.Get(ttl))
		if r.Method != http.MethodPut || err != nil || life < 1 || life > 21600 {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		if a.tokens == nil {
			a.tokens = map[string]time.Time{}
		}
		a.issued++
		token := fmt.Sprintf("token-%d==", a.issued)
		a.tokens[token] = time.Now().Add(time.Duration(life) * time.Second)
		w.Header().Set(ttl, strconv.Itoa(life))
		fmt.Fprint(w, token)
		return
	}
	if !time.Now().Before(a.tokens[r.Header.Get("X-aws-ec2-metadata-token")]) {
		a.refused++
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	body := map[string]string{
		"/latest/meta-data/spot/instance-action":             a.action,
		"/latest/meta-data/events/recommendations/rebalance": a.rebalance,
	}[r.URL.Path]
	if body == "" {
		http.NotFound(w, r)
		return
	}
	fmt.Fprint(w, body)
}

// GCP is Compute Engine's metadata service. Make it with NewGCP.
type GCP struct {
	mu      sync.Mutex
	values  map[string]string
	etag    int
	changed chan struct{}
}

// NewGCP makes one that announces nothing.
func NewGCP() *GCP {
	return &GCP{changed: make(chan struct{}), values: map[string]string{"preempted": "FALSE", "maintenance-event": "NONE"}}
}

// Set changes a value of the instance: preempted or maintenance-event.
func (g *GCP) Set(name, value string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.values[name] = value
	g.etag++
	close(g.changed)
	g.changed = make(chan struct{})
}

// ServeHTTP implements http.Handler.
func (g *GCP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const prefix = "/computeMetadata/v1/instance/"
	if r.Header.Get("Metadata-Flavor") != "Google" {
		http.Error(w, "missing header", http.StatusForbidden)
		return
	}
	name := ""
	if len(r.URL.Path) > len(prefix) {
		name = r.URL.Path[len(prefix):]
	}
	q := r.URL.Query()
	if q.Get("wait_for_change") == "true" {
		seconds, _ := strconv.Atoi(q.Get("timeout_sec"))
		g.wait(r.Context(), q.Get("last_etag"), time.Duration(seconds)*time.Second)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Metadata-Flavor", "Google")
	value, ok := g.values[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", fmt.Sprint(g.etag))
	fmt.Fprint(w, value)
}

// wait waits for a change, or returns at once where there has been one since.
func (g *GCP) wait(ctx context.Context, since string, most time.Duration) {
	g.mu.Lock()
	changed, now := g.changed, fmt.Sprint(g.etag)
	g.mu.Unlock()
	if since != "" && since != now {
		return
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
	}
}

// Event is one of Azure's scheduled events.
type Event struct {
	ID           string `json:"EventId"`
	EventType    string
	EventStatus  string
	ResourceType string
	Resources    []string
	NotBefore    string
}

// Azure is Azure's instance metadata service for a machine called Name.
type Azure struct {
	Name string

	mu       sync.Mutex
	events   []Event
	approved []string
}

// Schedule sets the events that there are.
func (a *Azure) Schedule(events ...Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = events
}

// Approved are the events that were let begin.
func (a *Azure) Approved() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.approved...)
}

// ServeHTTP implements http.Handler.
func (a *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	version := r.URL.Query().Get("api-version")
	switch {
	case r.Header.Get("Metadata") != "true" || version == "":
		http.Error(w, `{"error": "bad request"}`, http.StatusBadRequest)
	case r.URL.Path == "/metadata/instance/compute/name":
		fmt.Fprint(w, a.Name)
	case r.URL.Path != "/metadata/scheduledevents":
		http.NotFound(w, r)
	case r.Method == http.MethodPost:
		var said struct {
			StartRequests []struct {
				ID string `json:"EventId"`
			}
		}
		if json.NewDecoder(r.Body).Decode(&said) != nil {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		for _, s := range said.StartRequests {
			a.approved = append(a.approved, s.ID)
		}
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"DocumentIncarnation": 1, "Events": a.events})
	}
}

// Transport answers requests by a handler, without a network: so a test's time can be virtual.
type Transport struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	rec, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		t.Handler.ServeHTTP(rec, r)
	}()
	select {
	case <-done:
		return rec.Result(), nil
	case <-r.Context().Done():
		<-done
		return nil, r.Context().Err()
	}
}
