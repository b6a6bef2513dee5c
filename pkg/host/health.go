package host

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// watchEvery is how often gRPC health watchers learn of a change; a Check is answered by what is true now.
const watchEvery = time.Second

// health decides readiness from the parts that it was told of. It is also the gRPC health service: the empty service
// name stands for the whole process.
type health struct {
	*grpchealth.Server

	mu     sync.Mutex
	phase  string // "" is running; else why nothing is ready
	checks []check
	served []string // names of gRPC services, which are as ready as the process
}

type check struct {
	name  string
	ready func() error
}

func newHealth() *health {
	return &health{Server: grpchealth.NewServer(), phase: "starting"}
}

// add makes readiness depend on a part; ready must be quick and safe for concurrent use.
func (h *health) add(name string, ready func() error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, check{name, ready})
}

// serve names the gRPC services that health answers for; it is called before the first of them can be asked.
func (h *health) serve(names []string) { h.served = names }

// setPhase says why nothing is ready ("starting", "stopping"), or with "" that the parts decide.
func (h *health) setPhase(phase string) {
	h.mu.Lock()
	h.phase = phase
	h.mu.Unlock()
	h.publish()
}

// reasons says why the process is not ready; none means it is.
func (h *health) reasons() []string {
	h.mu.Lock()
	phase, checks := h.phase, h.checks
	h.mu.Unlock()
	if phase != "" {
		return []string{phase}
	}
	var out []string
	for _, c := range checks {
		if err := c.ready(); err != nil {
			out = append(out, fmt.Sprintf("%s: %v", c.name, err))
		}
	}
	return out
}

// publish tells gRPC health watchers the present state.
func (h *health) publish() {
	status := grpc_health_v1.HealthCheckResponse_SERVING
	if len(h.reasons()) > 0 {
		status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	h.SetServingStatus("", status)
	for _, name := range h.served {
		h.SetServingStatus(name, status)
	}
}

// watch publishes until ctx ends.
func (h *health) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.publish()
		}
	}
}

// Check is gRPC health's unary call.
func (h *health) Check(ctx context.Context, req *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.publish()
	return h.Server.Check(ctx, req)
}

// serveReady is /ready: 200, or 503 with the reasons.
func (h *health) serveReady(w http.ResponseWriter, _ *http.Request) {
	reasons := h.reasons()
	w.Header().Set("Content-Type", "application/json")
	if len(reasons) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// A failed write means that the prober left; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons,omitempty"`
	}{len(reasons) == 0, reasons})
}

// serveHealth is /health: the process runs, whatever it can do.
func (h *health) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"status\":\"ok\"}\n")) // as above
}
