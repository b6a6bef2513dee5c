package router

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/services/router/internal/dispatch"
)

// startSpan begins the span of a sequence's time in the router and makes it the parent of what the worker does.
func (r *Router) startSpan(t *ticket, pool string) {
	ctx := obs.Extract(context.Background(), t.submit.GetTraceparent())
	ctx, t.span = r.tracer.Start(ctx, "router queue", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(t.at),
		trace.WithAttributes(attribute.String("leat.pool", pool), attribute.Int64("leat.attempt", int64(t.submit.GetAttempt()))))
	t.submit.Traceparent = obs.Inject(ctx)
}

// endSpan ends it at the first dispatch or the refusal.
func (r *Router) endSpan(t *ticket, a *dispatch.Action) {
	if a.Kind == dispatch.Refuse {
		t.span.SetStatus(codes.Error, string(a.Refusal.Code))
	} else {
		t.span.SetAttributes(attribute.String("leat.worker", a.Worker))
	}
	t.span.End()
	t.span = nil
}
