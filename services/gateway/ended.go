package gateway

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/obs"
)

// ending is how a request ended, for its metrics, its span and its line in the log.
type ending struct {
	id, path string
	answer   *answer // nil where it was refused before it became one
	span     trace.Span
	status   int   // that the client saw
	broken   bool  // after the answer had begun
	err      error // nil: it is complete
}

// ended books a request. Its line never has a word of the client's but the names that a configuration has too.
func (g *Gateway) ended(e *ending) {
	g.metrics.ended(e.answer, e.status, e.broken)
	level, message, code, kind := slog.LevelDebug, "request ended", "", e.status
	if e.err != nil {
		p := public(e.err)
		code, kind = p.Code, p.Status
		if message = "request refused"; kind == 500 {
			level, message = slog.LevelError, "request failed"
		} else if kind > 500 {
			level, message = slog.LevelWarn, "request not served"
		}
		if e.span != nil {
			e.span.SetAttributes(obs.ErrorType.String(code))
			if kind >= 500 { // a client's mistake is no error of the server's span
				e.span.SetStatus(codes.Error, code)
			}
		}
	}
	if g.log.Enabled(context.Background(), level) {
		g.log.LogAttrs(context.Background(), level, message, e.attrs(code, kind)...)
	}
}

func (e *ending) attrs(code string, kind int) []slog.Attr {
	out := []slog.Attr{slog.String("request_id", e.id), slog.String("path", e.path), slog.Int("status", e.status)}
	if code != "" {
		out = append(out, slog.String("code", code))
	}
	if kind >= 500 {
		if cause := errs.As(e.err).Err; cause != nil {
			out = append(out, slog.String("cause", cause.Error()))
		}
	}
	if a := e.answer; a != nil {
		out = append(out, slog.String("model", a.model.GetName()), slog.String("tenant", a.call.tenant), slog.String("worker", a.worker),
			slog.Int("prompt_tokens", a.usage.Prompt()), slog.Int("output_tokens", a.made()),
			slog.Float64("ttft_seconds", a.firstToken.Seconds()), slog.Float64("duration_seconds", time.Since(a.call.began).Seconds()))
	}
	if a := e.answer; a != nil && a.hedged() != "" {
		out = append(out, slog.String("hedge", a.hedged()))
	}
	if a := e.answer; a != nil && a.route != nil && len(a.route.hops) > 0 {
		out = append(out, slog.String("fallback", told(a.route.hops)))
	}
	return out
}

// annotate puts what OpenTelemetry's GenAI convention asks for on a request's span.
func (a *answer) annotate(span trace.Span, op string) {
	if span == nil {
		return
	}
	span.SetName(obs.SpanName(op, a.model.GetName()))
	span.SetAttributes(
		obs.OperationName.String(op), obs.ProviderName.String(obs.Provider), obs.RequestModel.String(a.model.GetName()),
		obs.RequestStream.Bool(a.call.stream), obs.RequestID.String(a.call.id),
		obs.UsageInputTokens.Int(a.usage.Prompt()), obs.UsageOutputTokens.Int(a.made()),
		obs.UsageCacheRead.Int(a.usage.CacheRead), obs.LatencyFirstToken.Float64(a.firstToken.Seconds()),
	)
	if how := a.hedged(); how != "" {
		span.AddEvent("hedge", trace.WithAttributes(attribute.String("leat.hedge.outcome", how), attribute.String("leat.worker", a.worker)))
	}
	if a.route != nil {
		span.SetAttributes(attribute.String("leat.route", a.call.model), attribute.String("leat.pool", a.model.pool))
		a.route.trace(span)
	}
}
