package host_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/host"
)

// diary notes what happened in which order.
type diary struct {
	mu    sync.Mutex
	notes []string
}

func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes = append(d.notes, s)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.notes, ", ")
}

func TestTheStopHasOneOrder(t *testing.T) {
	d := new(diary)
	arrived, release := make(chan string, 2), make(chan struct{})
	inFlight := func(ctx context.Context, protocol string) error {
		arrived <- protocol
		<-release
		if ctx.Err() != nil {
			t.Errorf("the context of the %s call in flight has ended: %v", protocol, context.Cause(ctx))
		}
		d.note("call done")
		return nil
	}
	var s *started
	s = start(t, nil, &service{
		name: "gateway",
		handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" { // what looks whether calls are refused may come before they are, and is not to be waited for
				_ = inFlight(r.Context(), "http")
			}
		}),
		call: func(ctx context.Context) error { return inFlight(ctx, "grpc") },
		run: func(ctx context.Context) error {
			<-ctx.Done()
			for path, want := range map[string]int{"/ready": 503, "/health": 200, "/metrics": 200, "/v1/models": 503} {
				if code, body := s.get(t, path); code != want {
					t.Errorf("%s answers %d while the service drains: %s", path, code, body)
				}
			}
			d.note("service drained")
			return nil
		},
	})
	s.OnClose("server", func(context.Context) error { d.note("server closed"); return nil })
	s.OnClose("bus", func(context.Context) error { d.note("bus closed"); return nil })
	conn := s.dial(t)
	answers := make(chan error, 2)
	go func() { answers <- call(t.Context(), conn) }()
	go func() {
		resp, err := http.Get("http://" + s.Addrs()["http"] + "/")
		if err == nil {
			resp.Body.Close()
		}
		answers <- err
	}()
	<-arrived
	<-arrived
	s.stop()
	eventually(t, "new calls are refused", func() bool {
		resp, err := http.Get("http://" + s.Addrs()["http"] + "/v1/models")
		if err != nil {
			t.Fatalf("the listener is closed: %v", err)
		}
		resp.Body.Close()
		return resp.StatusCode == 503 && resp.Close
	})
	d.note("no new calls")
	close(release)
	for range 2 {
		if err := <-answers; err != nil {
			t.Errorf("a call in flight was lost: %v", err)
		}
	}
	if err := s.result(t); err != nil {
		t.Error(err)
	}
	if want := "no new calls, call done, call done, service drained, bus closed, server closed"; d.String() != want {
		t.Errorf("order: %s\nwant:  %s", d, want)
	}
}

func TestTheReadyDelayServesCallsWhileItSaysNotReady(t *testing.T) {
	s := start(t, []string{"--ready-delay=1500ms"}, &service{name: "x"})
	eventually(t, "ready", func() bool { code, _ := s.get(t, "/ready"); return code == 200 })
	s.stop()
	eventually(t, "not ready", func() bool {
		code, body := s.get(t, "/ready") // fails the test if the listener is closed already
		return code == 503 && strings.Contains(body, "stopping")
	})
	if err := s.result(t); err != nil {
		t.Error(err)
	}
}

func TestCallsBeyondTheDeadlineAreToldAndCut(t *testing.T) {
	arrived := make(chan struct{}, 2)
	s := start(t, []string{"--drain-timeout=50ms"}, &service{
		name: "gateway",
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			arrived <- struct{}{}
			<-r.Context().Done()
			if errors.Is(context.Cause(r.Context()), host.ErrDrainDeadline) {
				_, _ = io.WriteString(w, "event: error\n\n")
			}
		}),
		call: func(ctx context.Context) error { arrived <- struct{}{}; <-ctx.Done(); return ctx.Err() },
	})
	unary := make(chan error, 1)
	conn := s.dial(t)
	go func() { unary <- call(t.Context(), conn) }()
	resp, err := http.Get("http://" + s.Addrs()["http"] + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-arrived
	<-arrived
	err = s.result(t)
	if !errors.Is(err, host.ErrDrainDeadline) || host.ExitCode(err) != host.ExitDrain {
		t.Errorf("Run returned %v, exit code %d", err, host.ExitCode(err))
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "data: 1\n\nevent: error\n\n" {
		t.Errorf("the stream ended with %q, %v", body, err)
	}
	if err := <-unary; status.Code(err) != codes.Unavailable {
		t.Errorf("the RPC ended with %v", err)
	}
}

func TestAHealthWatchDoesNotHoldUpTheStop(t *testing.T) {
	s := start(t, nil, &service{name: "x"})
	eventually(t, "ready", func() bool { code, _ := s.get(t, "/ready"); return code == 200 })
	watch, err := grpc_health_v1.NewHealthClient(s.dial(t)).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	if err := s.result(t); err != nil {
		t.Error(err)
	}
	if took := time.Since(before); took > 10*time.Second {
		t.Errorf("the stop took %s", took)
	}
}

func TestAServiceThatGivesUpStopsTheProcess(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(context.Context) error
		want string
	}{
		"error": {func(context.Context) error { return errors.New("no engine") }, "worker: no engine"},
		"panic": {func(context.Context) error { panic("oops") }, "worker: panic: oops"},
		"early": {func(context.Context) error { return nil }, "worker: returned before it was asked to stop"},
	} {
		t.Run(name, func(t *testing.T) {
			drained := false
			other := &quiet{"other", func(ctx context.Context) error { <-ctx.Done(); drained = true; return nil }}
			s := start(t, nil, &quiet{"worker", c.run}, other)
			var err error
			select {
			case err = <-s.done:
			case <-time.After(10 * time.Second):
				t.Fatal("still running")
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || host.ExitCode(err) != host.ExitFailed {
				t.Errorf("Run returned %v, exit code %d; want %q, 1", err, host.ExitCode(err), c.want)
			}
			if !drained {
				t.Error("the other service was not drained")
			}
		})
	}
}

// TestEveryWaitHasItsDeadline measures the stop in virtual time: a process without listeners whose service hangs.
func TestEveryWaitHasItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		args := []string{"--http=", "--grpc=", "--ready-delay=3s", "--drain-timeout=40s"}
		h, err := host.Open(t.Context(), "test", args, nil, nil, host.NoBus(), host.Stderr(io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		hang := func(context.Context) error { <-release; return nil }
		h.OnClose("stuck", func(context.Context) error { <-release; return nil })
		ctx, stop := context.WithCancel(t.Context())
		stop()
		before := time.Now()
		err = h.Run(ctx, &quiet{"worker", hang})
		if want := 3*time.Second + 40*time.Second + host.CloseTime; time.Since(before) != want {
			t.Errorf("the stop took %s, want %s", time.Since(before), want)
		}
		if host.ExitCode(err) != host.ExitDrain || !strings.Contains(err.Error(), "worker had not stopped after 40s") {
			t.Errorf("Run returned %v", err)
		}
		close(release)
	})
}

// A service that learns that its machine goes away ends the process as a signal would: in order, all services drained, code 0.
func TestAServiceMayAskForTheStop(t *testing.T) {
	for name, by := range map[string]time.Time{"whenever": {}, "late already": time.Now().Add(-time.Minute)} {
		t.Run(name, func(t *testing.T) {
			drained := false
			asks := make(chan struct{})
			var s *started
			s = start(t, nil, &service{name: "gateway", run: func(ctx context.Context) error {
				<-asks
				s.Stop("the machine goes away", by)
				s.Stop("and again", by)
				<-ctx.Done()
				return nil
			}}, &quiet{"other", func(ctx context.Context) error { <-ctx.Done(); drained = true; return nil }})
			eventually(t, "ready", func() bool { code, _ := s.get(t, "/ready"); return code == 200 })
			close(asks)
			select {
			case err := <-s.done:
				if err != nil || host.ExitCode(err) != host.ExitOK || !drained {
					t.Errorf("Run returned %v, the other service drained: %v", err, drained)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("still running")
			}
			if !strings.Contains(s.err.String(), "the machine goes away") {
				t.Errorf("the log does not say why:\n%s", s.err)
			}
		})
	}
}

// TestAStopThatMustBeOverShortensItsWaits: a service that hangs is given up on when the machine goes, not at the drain timeout.
func TestAStopThatMustBeOverShortensItsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		args := []string{"--http=", "--grpc=", "--ready-delay=3s", "--drain-timeout=40s"}
		h, err := host.Open(t.Context(), "test", args, nil, nil, host.NoBus(), host.Stderr(io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		before := time.Now()
		err = h.Run(t.Context(), &quiet{"worker", func(context.Context) error {
			h.Stop("the machine goes away", before.Add(10*time.Second))
			<-release
			return nil
		}})
		if took := time.Since(before); took != 10*time.Second {
			t.Errorf("the stop took %s", took)
		}
		if host.ExitCode(err) != host.ExitDrain {
			t.Errorf("Run returned %v", err)
		}
		close(release)
	})
}

// quiet is a service without any optional method but its name.
type quiet struct {
	name string
	run  func(context.Context) error
}

func (q *quiet) Name() string                   { return q.name }
func (q *quiet) Register(grpc.ServiceRegistrar) {}
func (q *quiet) Run(ctx context.Context) error  { return q.run(ctx) }

// A client that stops in the middle of its request's body does not hold up the stop.
func TestTheStopDoesNotWaitForABody(t *testing.T) {
	ended := make(chan error, 1)
	arrived := make(chan struct{})
	s := start(t, []string{"--drain-timeout=50ms"}, &service{
		name: "gateway",
		handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(arrived)
			_, err := io.ReadAll(r.Body)
			ended <- errors.Join(err, context.Cause(r.Context()))
		}),
	})
	conn, err := net.Dial("tcp", s.Addrs()["http"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
		t.Fatal(err)
	}
	<-arrived
	s.stop()
	select {
	case err := <-ended:
		if !errors.Is(err, host.ErrDrainDeadline) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the read of the body ended with %v", err)
		}
	case <-time.After(host.CutTime - 500*time.Millisecond):
		t.Error("the read of a body outlives the drain deadline, until its connection is closed")
	}
	_ = s.result(t)
}
