package worker

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/obs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/frames"
	"github.com/leathq/leat/services/worker/internal/held"
)

// span is a sequence's trace span; nil where tracing is off. Its methods are for one goroutine.
type span struct {
	span  trace.Span
	start time.Time
}

// span starts the sequence's span below the gateway's and puts it into ctx.
func (m *member) span(ctx *context.Context, sub *inferv1.Submit) *span {
	if m.tracer == nil {
		return nil
	}
	s := &span{start: time.Now()}
	*ctx, s.span = m.tracer.Start(obs.Extract(*ctx, sub.GetTraceparent()), obs.EngineSpan,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(s.start),
		trace.WithAttributes(attribute.String("leat.worker", m.name), attribute.String("leat.pool", m.pool), attribute.Int64("leat.attempt", int64(sub.GetAttempt()))))
	return s
}

// request notes what is asked for; never what it says.
func (s *span) request(r *engine.Request) {
	if s == nil || !s.span.IsRecording() {
		return
	}
	s.span.SetAttributes(obs.RequestID.String(r.ID), obs.RequestModel.String(r.Model), obs.ProviderName.String(obs.Provider),
		obs.RequestStream.Bool(r.Stream), obs.RequestMaxTokens.Int(r.MaxTokens))
}

// end closes the span with the engine's phases as attributes, and as events at the times when they ended.
func (s *span) end(o held.Outcome, p frames.Progress) {
	if s == nil {
		return
	}
	defer s.span.End()
	if !s.span.IsRecording() {
		return
	}
	s.span.SetAttributes(obs.LatencyTotal.Float64(o.Total.Seconds()), attribute.String("leat.verdict", verdictNames[o.Verdict]),
		obs.UsageInputTokens.Int(o.Usage.UncachedInput+o.Usage.CacheRead+o.Usage.CacheWrite), obs.UsageCacheRead.Int(o.Usage.CacheRead),
		obs.UsageOutputTokens.Int(o.Usage.Output+o.Usage.Reasoning))
	if !p.First.IsZero() {
		s.span.SetAttributes(obs.LatencyFirstToken.Float64(o.FirstToken.Seconds()))
		s.span.AddEvent("first_token", trace.WithTimestamp(p.First))
	}
	if t := p.Timing; t != (engine.Timing{}) {
		s.span.SetAttributes(obs.LatencyQueue.Float64(t.Queue.Seconds()), obs.LatencyPrefill.Float64(t.Prefill.Seconds()),
			obs.LatencyDecode.Float64(t.Decode.Seconds()), obs.LatencyInference.Float64((t.Prefill + t.Decode).Seconds()))
		s.span.AddEvent("prefill", trace.WithTimestamp(s.start.Add(t.Queue)))
		s.span.AddEvent("decode", trace.WithTimestamp(s.start.Add(t.Queue+t.Prefill)))
	}
	if p.Finish != engine.FinishNone {
		s.span.SetAttributes(obs.ResponseFinishReasons.StringSlice([]string{string(p.Finish)}))
	}
	if o.Error != nil && o.Verdict != held.Cancelled && o.Verdict != held.HandedBack {
		s.span.SetAttributes(obs.ErrorType.String(o.Error.Code))
		s.span.SetStatus(codes.Error, o.Error.Code)
	}
}
