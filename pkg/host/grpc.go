package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/obs"
)

// grpcServer is the gRPC listener's server with the one interceptor: context, panics, errors, numbers.
type grpcServer struct {
	*grpc.Server
	calls    context.Context // ends when calls in flight are cut
	probes   context.Context // ends when no new calls are taken: health watches and reflection never end by themselves
	metrics  *metrics
	log      *slog.Logger
	inFlight atomic.Int64
}

func (h *Host) newGRPC(calls, probes context.Context, services []Service) *grpcServer {
	s := &grpcServer{calls: calls, probes: probes, metrics: h.metrics, log: h.Log}
	s.Server = grpc.NewServer(
		grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(int(h.cfg.Host.GRPCMessage)),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	)
	grpc_health_v1.RegisterHealthServer(s.Server, h.health)
	for _, svc := range services {
		svc.Register(s.Server)
	}
	h.health.serve(slices.DeleteFunc(slices.Collect(maps.Keys(s.GetServiceInfo())), func(name string) bool { return strings.HasPrefix(name, "grpc.") }))
	reflection.Register(s.Server)
	h.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "leat_rpc_in_flight", Help: "gRPC calls that have arrived and not ended.",
	}, func() float64 { return float64(s.inFlight.Load()) }))
	return s
}

func (s *grpcServer) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	err = s.call(ctx, info.FullMethod, func(ctx context.Context) error {
		resp, err = next(ctx, req)
		return err
	})
	return resp, err
}

func (s *grpcServer) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return s.call(ss.Context(), info.FullMethod, func(ctx context.Context) error {
		return next(srv, &streamOf{ServerStream: ss, ctx: ctx})
	})
}

// streamOf is a stream with another context.
type streamOf struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *streamOf) Context() context.Context { return s.ctx }

// call runs one RPC: its context has the caller's trace and ends at the cut, a panic becomes Internal, and every error
// leaves through pkg/errs.
func (s *grpcServer) call(ctx context.Context, method string, handle func(context.Context) error) (err error) {
	start, count, until := time.Now(), int64(1), s.calls
	if strings.HasPrefix(method, "/grpc.") {
		count, until = 0, s.probes
	}
	s.inFlight.Add(count)
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(until, func() { cancel(context.Cause(until)) })
	defer func() {
		if v := recover(); v != nil {
			s.metrics.panics.WithLabelValues("grpc").Inc()
			s.log.Error("panic in a gRPC handler", "panic", fmt.Sprint(v), "method", method, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic in %s", method)
		}
		err = s.render(ctx, method, err)
		unhook()
		cancel(nil)
		s.inFlight.Add(-count)
		s.metrics.rpcs.WithLabelValues(method, status.Code(err).String()).Inc()
		s.metrics.seconds.WithLabelValues(method).Observe(time.Since(start).Seconds())
	}()
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		ctx = obs.ExtractHeader(ctx, md)
	}
	return handle(ctx)
}

// render logs what callers may not see and makes the status that they do.
func (s *grpcServer) render(ctx context.Context, method string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), ErrDrainDeadline):
		return status.Error(codes.Unavailable, "the server is stopping and the time for calls in flight is over; try again")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	}
	rendered := errs.GRPC(err)
	if c := status.Code(rendered); c == codes.Internal || c == codes.Unknown {
		s.log.Error("gRPC call failed", "method", method, "error", err.Error())
	}
	return rendered
}
