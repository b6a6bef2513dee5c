package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/leathq/leat/pkg/errs"
)

// Limits of the HTTP listener. There is no write time-out, since a stream of tokens has none: a service that streams
// bounds its own writes through http.ResponseController; one that reads bodies bounds their size and time.
const (
	readHeaderTime = 10 * time.Second
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// httpServer is the HTTP listener's server and what is in flight on it.
type httpServer struct {
	*http.Server
	metrics  *metrics
	log      *slog.Logger
	inFlight atomic.Int64
	refusing atomic.Bool   // the process stops: new calls get a 503
	idle     chan struct{} // while refusing: nothing is in flight any more

	mu    sync.Mutex
	conns map[net.Conn]struct{} // that are open, HTTP/2 left out
}

// newHTTP mounts the host's own paths and the service's handler; calls is the parent of every request's context.
func (h *Host) newHTTP(calls context.Context, handler http.Handler) *httpServer {
	s := &httpServer{metrics: h.metrics, log: h.Log, idle: make(chan struct{}, 1), conns: map[net.Conn]struct{}{}}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{Registry: h.registry}))
	mux.HandleFunc("GET /health", h.health.serveHealth)
	mux.HandleFunc("GET /ready", h.health.serveReady)
	for _, path := range []string{"/metrics", "/health", "/ready"} {
		mux.HandleFunc(path, wrongMethod)
	}
	if h.cfg.Host.Pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	if handler != nil {
		mux.Handle("/", s.guard(handler))
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(h.cfg.Host.H2C)
	s.Server = &http.Server{
		Handler: mux, Protocols: protocols,
		ReadHeaderTimeout: readHeaderTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return calls }, ConnContext: withLine,
		ErrorLog: slog.NewLogLogger(h.Log.Handler(), slog.LevelWarn),
	}
	if !h.cfg.Host.H2C { // whose connections are read for many requests at once
		s.ConnState = s.track
	}
	h.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "leat_http_requests_in_flight", Help: "HTTP requests to the service that have arrived and not ended.",
	}, func() float64 { return float64(s.inFlight.Load()) }))
	return s
}

// track knows which connections are open.
func (s *httpServer) track(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.mu.Lock()
		s.conns[c] = struct{}{}
		s.mu.Unlock()
	case http.StateClosed, http.StateHijacked:
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}
}

// stopReading ends every wait for a client's bytes: a handler that reads a body notices no context.
func (s *httpServer) stopReading() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Now()) // fails only on a closed connection
	}
}

// guard counts calls in flight and stops panics: the client gets a 500 where nothing was written yet, and a cut
// connection otherwise, so that a broken answer never looks whole.
func (s *httpServer) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.inFlight.Add(1)
		t := &tracked{ResponseWriter: w}
		defer func() {
			s.left()
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v) // a handler's own way to cut the connection
			}
			s.metrics.panics.WithLabelValues("http").Inc()
			s.log.Error("panic in an HTTP handler", "panic", fmt.Sprint(v), "path", r.URL.Path, "stack", string(debug.Stack()))
			if t.wrote {
				panic(http.ErrAbortHandler)
			}
			refuse(w, errs.As(errors.New("panic")))
		}()
		if s.refusing.Load() {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "1")
			refuse(w, errs.New(errs.Unavailable, "stopping", "The server is stopping. Send the request again, to another one."))
			return
		}
		next.ServeHTTP(t, r)
	})
}

func (s *httpServer) left() {
	if s.inFlight.Add(-1) > 0 || !s.refusing.Load() {
		return
	}
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

// drain refuses new calls and waits for those in flight. The host's own paths go on answering.
func (s *httpServer) drain(ctx context.Context) {
	s.refusing.Store(true)
	for s.inFlight.Load() > 0 {
		select {
		case <-s.idle:
		case <-ctx.Done():
			return
		}
	}
}

// refuse answers in OpenAI's form, which every face of the HTTP listener speaks.
func refuse(w http.ResponseWriter, e *errs.Error) {
	var body struct {
		Error struct {
			Message string  `json:"message"`
			Type    string  `json:"type"`
			Param   *string `json:"param"`
			Code    string  `json:"code"`
		} `json:"error"`
	}
	body.Error.Message, body.Error.Type, body.Error.Code = e.Message, e.Kind.Type(), e.Code
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Kind.HTTP())
	_ = json.NewEncoder(w).Encode(body) // a failed write means that the client left
}

// tracked remembers whether an answer has begun; http.ResponseController reaches through it.
type tracked struct {
	http.ResponseWriter
	wrote bool
}

func (t *tracked) WriteHeader(code int) {
	t.wrote = t.wrote || code >= 200
	t.ResponseWriter.WriteHeader(code)
}

func (t *tracked) Write(b []byte) (int, error) {
	t.wrote = true
	return t.ResponseWriter.Write(b)
}

// Flush is http.Flusher, for handlers that assert it instead of using http.ResponseController.
func (t *tracked) Flush() {
	t.wrote = true
	if f, ok := t.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap lets http.ResponseController find the server's own writer.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// wrongMethod answers for what the host serves to a GET only; the service below would say that there is no such path.
func wrongMethod(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "GET, HEAD")
	w.WriteHeader(http.StatusMethodNotAllowed)
}
