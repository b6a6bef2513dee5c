package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/host"
)

// service is a configurable service under test.
type service struct {
	name    string
	handler http.Handler
	ready   func() error
	run     func(context.Context) error
	call    func(context.Context) error // the RPC /test.Test/Call
}

func (s *service) Name() string { return s.name }

func (s *service) HTTP() http.Handler {
	if s.handler == nil {
		return http.NotFoundHandler()
	}
	return s.handler
}

func (s *service) Ready() error {
	if s.ready == nil {
		return nil
	}
	return s.ready()
}

func (s *service) Banner() []string { return []string{s.name + " does its work"} }

func (s *service) Run(ctx context.Context) error {
	if s.run != nil {
		return s.run(ctx)
	}
	<-ctx.Done()
	return nil
}

func (s *service) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Test", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: s.handle}},
	}, s)
}

//nolint:revive // gRPC gives the order of the parameters
func (s *service) handle(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	in := new(emptypb.Empty)
	if err := decode(in); err != nil {
		return nil, err
	}
	info := &grpc.UnaryServerInfo{FullMethod: "/test.Test/Call"}
	return intercept(ctx, in, info, func(ctx context.Context, _ any) (any, error) { return in, s.call(ctx) })
}

// lines is a writer that many goroutines may use.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// started is a host that runs.
type started struct {
	*host.Host
	stop context.CancelFunc
	done chan error // Run's result
	err  *lines
}

func start(t *testing.T, args []string, services ...host.Service) *started {
	t.Helper()
	out := new(lines)
	h, err := host.Open(t.Context(), "test", args, nil, nil, host.NoBus(), host.Stderr(out))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &started{h, stop, make(chan error, 1), out}
	go func() { s.done <- h.Run(ctx, services...) }()
	t.Cleanup(stop)
	return s
}

// result stops the host and waits for the end of Run.
func (s *started) result(t *testing.T) error {
	t.Helper()
	s.stop()
	select {
	case err := <-s.done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("Run did not return")
		return nil
	}
}

func (s *started) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + s.Addrs()["http"] + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (s *started) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	c, err := grpc.NewClient(s.Addrs()["grpc"], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func call(ctx context.Context, c *grpc.ClientConn) error {
	return c.Invoke(ctx, "/test.Test/Call", &emptypb.Empty{}, &emptypb.Empty{})
}

// eventually polls a condition until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestReadinessIsWhatThePartsSay(t *testing.T) {
	var mu sync.Mutex
	reason := errors.New("no pool yet")
	s := start(t, nil, &service{name: "router", ready: func() error { mu.Lock(); defer mu.Unlock(); return reason }})
	eventually(t, "started", func() bool { _, body := s.get(t, "/ready"); return !strings.Contains(body, "starting") })
	health := grpc_health_v1.NewHealthClient(s.dial(t))
	check := func() string {
		resp, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return resp.Status.String()
	}
	if code, body := s.get(t, "/ready"); code != 503 || !strings.Contains(body, "router: no pool yet") {
		t.Errorf("/ready is %d %s", code, body)
	}
	if got := check(); got != "NOT_SERVING" {
		t.Errorf("gRPC health is %s", got)
	}
	if code, _ := s.get(t, "/health"); code != 200 {
		t.Errorf("/health is %d while not ready", code)
	}
	mu.Lock()
	reason = nil
	mu.Unlock()
	if code, body := s.get(t, "/ready"); code != 200 || !strings.Contains(body, `"ready":true`) {
		t.Errorf("/ready is %d %s", code, body)
	}
	if got := check(); got != "SERVING" {
		t.Errorf("gRPC health is %s", got)
	}
	if err := s.result(t); err != nil {
		t.Error(err)
	}
}

func TestBannerSaysWhatListensWhere(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		s := start(t, []string{"--log-format", format, "--grpc="}, &service{name: "router"})
		for _, want := range []string{s.Addrs()["http"], "listen grpc", "off", "router does its work", s.ID} {
			eventually(t, format+" banner says "+want, func() bool { return strings.Contains(s.err.String(), want) })
		}
		if err := s.result(t); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(s.err.String()) {
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	}
}

func TestAnAddressInUseNamesTheFlag(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = host.Open(t.Context(), "test", []string{"--grpc", l.Addr().String()}, nil, nil, host.NoBus(), host.Stderr(io.Discard))
	if err == nil {
		t.Fatal("opened twice")
	}
	for _, want := range []string{l.Addr().String() + " is in use", "--grpc", "set by flag --grpc"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if host.ExitCode(err) != host.ExitFailed {
		t.Errorf("exit code %d", host.ExitCode(err))
	}
}

func TestPanicsStopAtTheHostAndAreCounted(t *testing.T) {
	s := start(t, nil, &service{
		name: "gateway",
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				_, _ = io.WriteString(w, "data: half")
				_ = http.NewResponseController(w).Flush()
			}
			panic("secret detail")
		}),
		call: func(context.Context) error { panic("secret detail") },
	})
	code, body := s.get(t, "/early")
	if code != 500 || !strings.Contains(body, `"type":"server_error"`) || strings.Contains(body, "secret") {
		t.Errorf("early panic: %d %s", code, body)
	}
	resp, err := http.Get("http://" + s.Addrs()["http"] + "/late")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("an answer that broke off looks whole: %q", body)
	}
	resp.Body.Close()
	err = call(t.Context(), s.dial(t))
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "secret") {
		t.Errorf("gRPC panic: %v", err)
	}
	_, metrics := s.get(t, "/metrics")
	for _, want := range []string{
		`leat_panics_total{where="http"} 2`, `leat_panics_total{where="grpc"} 1`,
		`leat_rpc_requests_total{code="Internal",method="/test.Test/Call"} 1`, `leat_http_requests_in_flight 0`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if err := s.result(t); err != nil {
		t.Error(err)
	}
}

func TestErrorsCrossGRPCThroughOneTable(t *testing.T) {
	given := errors.New("disk /dev/secret is full")
	s := start(t, nil, &service{name: "x", call: func(context.Context) error { return given }})
	conn := s.dial(t)
	if err := call(t.Context(), conn); status.Code(err) != codes.Internal || strings.Contains(err.Error(), "secret") {
		t.Errorf("an unknown error reads %v", err)
	}
	eventually(t, "the whole error is in the log", func() bool { return strings.Contains(s.err.String(), "/dev/secret") })
	given = errs.New(errs.NotFound, "model_not_found", "no such model")
	if err := call(t.Context(), conn); status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), "no such model") {
		t.Errorf("a public error reads %v", err)
	}
	if err := s.result(t); err != nil {
		t.Error(err)
	}
}

func TestStreamsCanFlushAndSetDeadlines(t *testing.T) {
	s := start(t, nil, &service{name: "gateway", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		if err := c.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		_, plain := w.(http.Flusher)
		_, _ = io.WriteString(w, "data: 1\n\n")
		if err := c.Flush(); err != nil || !plain {
			t.Errorf("flush: %v, http.Flusher: %v", err, plain)
		}
		<-r.Context().Done() // the client must have the line while the handler still runs
	})})
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Addrs()["http"]+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || line != "data: 1\n" {
		t.Errorf("%q, %v", line, err)
	}
	leave()
	if err := s.result(t); err != nil {
		t.Error(err)
	}
}

func TestProfilesAreOnlyServedWhenAskedFor(t *testing.T) {
	for flag, want := range map[string]int{"--pprof=false": 404, "--pprof": 200} {
		s := start(t, []string{flag}, &service{name: "x"})
		if code, _ := s.get(t, "/debug/pprof/cmdline"); code != want {
			t.Errorf("%s: %d, want %d", flag, code, want)
		}
		if err := s.result(t); err != nil {
			t.Error(err)
		}
	}
}

func TestDefaultsSectionsAndOverlayReachTheHost(t *testing.T) {
	type pools struct {
		Count int `yaml:"count"`
	}
	cfg, shared := struct {
		Slots int `yaml:"slots" flag:"slots"`
	}{4}, pools{1}
	path := t.TempDir() + "/leat.yaml"
	file := "host: {drain_timeout: 7s, grpc: \"\"}\ntest: {slots: 5, host: {drain_timeout: 8s}}\npools: {count: 2}\nother: {x: 1}\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, got, err := host.Load("test", []string{"--config", path}, nil, &cfg, host.Section("pools", "shared", &shared),
		host.Elsewhere("other"), host.Defaults(func(c *host.Config) { c.Host.HTTP = "127.0.0.1:8080" }))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Slots != 5 || shared.Count != 2 || got.Host.DrainTimeout != 8*time.Second || got.Host.HTTP != "127.0.0.1:8080" || got.Host.GRPC != "" {
		t.Errorf("slots %d, pools %d, host %+v", cfg.Slots, shared.Count, got.Host)
	}
	if o := loaded.Origin("host.drain_timeout"); o.Line != 2 {
		t.Errorf("origin of the overlay is %s", o)
	}
}

func TestServicesThatCannotShareAProcessAreRefused(t *testing.T) {
	for want, services := range map[string][]host.Service{
		"two services are called x":                {&quiet{name: "x"}, &quiet{name: "x"}},
		"both x and y want / of the HTTP listener": {&service{name: "x"}, &service{name: "y"}},
	} {
		h, err := host.Open(t.Context(), "test", nil, nil, nil, host.NoBus(), host.Stderr(io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Run(t.Context(), services...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run returned %v, want %q", err, want)
		}
		if c, err := net.Dial("tcp", h.Addrs()["http"]); err == nil {
			c.Close()
			t.Error("the listener is still open")
		}
	}
}

func TestOneProcessOfSeveralServicesHasTheirSectionsAtTheTop(t *testing.T) {
	type part struct {
		Slots int `yaml:"slots"`
	}
	cfg := struct {
		Gateway part `yaml:"gateway"`
		Worker  part `yaml:"worker"`
	}{}
	path := t.TempDir() + "/leat.yaml"
	file := "worker: {slots: 3, host: {http: \":3\"}}\ngateway: {slots: 2}\nhost: {http: \":1\"}\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, http := range map[string]string{"up": ":1", "gateway": ":1", "worker": ":3"} {
		_, got, err := host.Load(name, nil, []string{"LEAT_CONFIG=" + path}, &cfg, host.Inline("gateway", "worker"))
		if err != nil || cfg.Gateway.Slots != 2 || cfg.Worker.Slots != 3 || got.Host.HTTP != http {
			t.Errorf("%s: %+v, http %s, %v", name, cfg, got.Host.HTTP, err)
		}
	}
	if _, _, err := host.Load("up", nil, []string{"LEAT_CONFIG=" + path}, &cfg); err == nil {
		t.Error("without Inline the sections are accepted")
	}
	if _, _, err := host.Load("up", nil, []string{"LEAT_CONFIG=" + path}, &cfg, host.Inline("gateway")); err == nil {
		t.Error("a host section in what is no program is accepted")
	}
}

func TestManyHostsInOneProcessLeaveNothingBehind(t *testing.T) {
	http.DefaultClient.CloseIdleConnections()
	before := runtime.NumGoroutine()
	for range 20 {
		s := start(t, nil, &service{name: "x"})
		if code, _ := s.get(t, "/health"); code != 200 {
			t.Errorf("/health is %d", code)
		}
		if err := s.result(t); err != nil {
			t.Error(err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	eventually(t, "goroutines are gone", func() bool { return runtime.NumGoroutine() <= before+2 })
}
