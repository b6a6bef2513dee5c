package gateway

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/obs"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
)

type generation = grpc.ServerStreamingServer[gatewayv1.GenerateResponse]

// identify gives a call its id, which the client sees whatever becomes of it.
func identify(ctx context.Context) string {
	id := requestID(incoming(ctx, "x-request-id"))
	_ = grpc.SetHeader(ctx, metadata.Pairs("x-request-id", id)) // fails only once headers are sent
	return id
}

// incoming is the first value of a header, or empty.
func incoming(ctx context.Context, key string) string {
	if v := metadata.ValueFromIncomingContext(ctx, key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// generateOver is one Generate call: its id, its span, its books.
func (g *Gateway) generateOver(ctx context.Context, req *gatewayv1.GenerateRequest, out generation) error {
	id, began := identify(ctx), time.Now()
	ctx = obs.Extract(ctx, incoming(ctx, "traceparent"))
	var span trace.Span
	if g.tracing {
		ctx, span = g.deps.Tracer.Tracer("leat/gateway").Start(ctx, gatewayv1.GatewayService_Generate_FullMethodName[1:], trace.WithSpanKind(trace.SpanKindServer))
	}
	r := &rpc{g: g, out: out, id: id, span: span}
	c, err := callOf(ctx, g, req, id, began)
	if err == nil {
		r.ans, err = g.generate(ctx, c)
	}
	if err != nil {
		r.ended(err)
		return err
	}
	r.active = g.metrics.of(r.ans.model.GetName()).active
	r.active.Inc()
	return r.serve(ctx)
}

// rpc is a Generate call on its way.
type rpc struct {
	g      *Gateway
	out    generation
	ans    *answer // nil where it was refused
	id     string
	span   trace.Span
	active prometheus.Gauge
	sends  atomic.Uint32 // odd while a message is handed to gRPC
	slow   atomic.Bool   // the client was cut because it read nothing
}

// serve answers. gRPC blocks for as long as the client does not read, and heeds no context: it is the end of the handler
// that frees the sender. Until then the handler watches it, with two looks in the time that a client may take nothing.
func (r *rpc) serve(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		err := r.pump(ctx)
		if r.slow.Load() {
			err = tooSlow()
		}
		r.ans.Close()
		r.active.Dec()
		r.ended(err)
		done <- err
	}()
	look := time.NewTicker(r.g.cfg.SlowClient / 2)
	defer look.Stop()
	for last, same := uint32(0), 0; ; {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return r.ans.gone(ctx)
		case <-look.C:
		}
		if now := r.sends.Load(); now%2 == 0 || now != last {
			last, same = now, 0
		} else if same++; same == 2 {
			r.slow.Store(true)
			r.g.metrics.timeouts.WithLabelValues("slow_client").Inc()
			return tooSlow()
		}
	}
}

// pump sends an answer's pieces as they come.
func (r *rpc) pump(ctx context.Context) error {
	started := false
	for {
		pieces, err := r.ans.Next(ctx)
		if err == io.EOF {
			return r.send(&gatewayv1.GenerateResponse{Event: &gatewayv1.GenerateResponse_Finished{
				Finished: &gatewayv1.Finished{Usage: usage(r.ans.usage)},
			}})
		}
		if err != nil {
			return err
		}
		if !started {
			started = true
			if err := r.send(greeting(r.ans)); err != nil {
				return err
			}
		}
		for i := range pieces {
			if err := r.send(&gatewayv1.GenerateResponse{Event: &gatewayv1.GenerateResponse_Piece{Piece: spell(&pieces[i])}}); err != nil {
				return err
			}
		}
	}
}

func (r *rpc) send(m *gatewayv1.GenerateResponse) error {
	r.sends.Add(1)
	err := r.out.Send(m)
	r.sends.Add(1)
	if err != nil {
		return errs.New(errs.Canceled, "client_closed", "The client left.").Because(err)
	}
	return nil
}

// ended books the call; the client has seen, or will see, what err says.
func (r *rpc) ended(err error) {
	e := ending{id: r.id, path: gatewayv1.GatewayService_Generate_FullMethodName, answer: r.ans, span: r.span, status: 200, broken: err != nil && r.ans != nil, err: err}
	if err != nil {
		e.status = public(err).Status
	}
	r.g.ended(&e)
	if r.span == nil {
		return
	}
	if r.ans != nil {
		op := obs.OpText
		if r.ans.chat {
			op = obs.OpChat
		}
		r.ans.annotate(r.span, op)
	}
	r.span.End()
}
