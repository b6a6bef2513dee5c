package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/grpc"
)

// running is the state of one Run.
type running struct {
	*Host
	names    []string
	services []Service
	http     *httpServer
	grpc     *grpcServer
	work     context.Context         // what services run in
	cut      context.CancelCauseFunc // ends every call in flight
	noProbes context.CancelFunc      // ends health watches and reflection streams
	stop     context.CancelFunc      // ends work
	ended    chan result             // one per service, one per server that failed, and one of the profile
	left     []string                // services that have not returned
	by       time.Time               // when the stop should be over; zero: the waits say it
}

// result is how a service or a server ended.
type result struct {
	name string
	err  error
}

// failure is why the end of a part ends the process.
func (r result) failure() error {
	if r.err != nil {
		return fmt.Errorf("%s: %w", r.name, r.err)
	}
	return fmt.Errorf("%s: returned before it was asked to stop", r.name)
}

// Run serves until ctx ends, a service asks for the stop or one gives up, then stops in order (see the package's documentation) and closes
// what Open opened. It returns nil after a clean stop; ErrDrainDeadline, wrapped, where something had to be cut off;
// and a service's own error where that was the reason. It must be called at most once.
func (h *Host) Run(ctx context.Context, services ...Service) error {
	r, err := h.prepare(ctx, services)
	if err != nil {
		return errors.Join(err, h.Close())
	}
	r.start()
	r.banner(r.work, services)
	var cause error
	select {
	case <-ctx.Done():
		h.Log.Info("stop requested", "reason", context.Cause(ctx).Error())
	case w := <-h.wishes:
		r.by = w.by
		h.Log.Info("stop requested", "reason", w.reason)
	case res := <-r.ended:
		r.returned(res)
		cause = res.failure()
		h.Log.Error("stopping because a part of the process ended", "part", res.name, "error", cause.Error())
	}
	err = errors.Join(cause, r.shutdown())
	if err == nil {
		h.Log.Info("stopped cleanly")
	}
	return err
}

// prepare adopts the services and builds the servers. Calls and services outlive ctx, which is only the wish to stop;
// both keep its values.
func (h *Host) prepare(ctx context.Context, services []Service) (*running, error) {
	r := &running{Host: h, services: services, ended: make(chan result, len(services)+3)}
	handler, err := r.adopt()
	if err != nil {
		return nil, err
	}
	base := context.WithoutCancel(ctx)
	calls, cut := context.WithCancelCause(base)
	probes, noProbes := context.WithCancel(base)
	r.work, r.stop = context.WithCancel(base)
	r.cut, r.noProbes = cut, noProbes
	r.http, r.grpc = h.newHTTP(calls, handler), h.newGRPC(calls, probes, services)
	return r, nil
}

// adopt names the services, takes their readiness and finds the one with an HTTP face.
func (r *running) adopt() (handler http.Handler, err error) {
	face := ""
	for _, s := range r.services {
		name := nameOf(s)
		if slices.Contains(r.names, name) {
			return nil, fmt.Errorf("two services are called %s", name)
		}
		r.names = append(r.names, name)
		if s, ok := s.(readied); ok {
			r.health.add(name, s.Ready)
		}
		f, ok := s.(faced)
		if !ok {
			continue
		}
		if handler != nil {
			return nil, fmt.Errorf("both %s and %s want / of the HTTP listener: run them in processes of their own", face, name)
		}
		handler, face = f.HTTP(), name
	}
	r.left = slices.Clone(r.names)
	return handler, nil
}

// start sets servers and services going and lets readiness be decided by the parts.
func (r *running) start() {
	if r.onHTTP != nil {
		go r.serve("HTTP server", r.onHTTP, r.http.Serve)
	}
	if r.onGRPC != nil {
		go r.serve("gRPC server", r.onGRPC, r.grpc.Serve)
	}
	for i, s := range r.services {
		go r.runService(r.names[i], s)
	}
	r.health.setPhase("")
	go r.health.watch(r.work)
}

// serve reports a server that ended by itself.
func (r *running) serve(name string, l net.Listener, serve func(net.Listener) error) {
	err := serve(l)
	if err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, grpc.ErrServerStopped) {
		r.ended <- result{name, err}
	}
}

// runService runs one service and turns a panic into its error.
func (r *running) runService(name string, s Service) {
	res := result{name: name}
	defer func() {
		if v := recover(); v != nil {
			r.metrics.panics.WithLabelValues("service").Inc()
			r.Log.Error("panic in a service", "part", name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			res.err = fmt.Errorf("panic: %v", v)
		}
		r.ended <- res
	}()
	res.err = s.Run(r.work)
}

// returned takes a service off the list of those that are awaited.
func (r *running) returned(res result) {
	r.left = slices.DeleteFunc(r.left, func(name string) bool { return name == res.name })
}
