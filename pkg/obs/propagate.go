package obs

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
)

// Header is the name of the W3C trace header, in the lower case in which NATS compares it.
const Header = "traceparent"

// parent carries one traceparent to and from OpenTelemetry's propagator.
type parent struct{ traceparent string }

func (p *parent) Get(key string) string {
	if key == Header {
		return p.traceparent
	}
	return ""
}

func (p *parent) Set(key, value string) {
	if key == Header {
		p.traceparent = value
	}
}

func (p *parent) Keys() []string { return []string{Header} }

// Inject writes the context's span as a W3C traceparent, or "" where there is none. A caller's own trace is passed on
// even when tracing is off here.
func Inject(ctx context.Context) string {
	var p parent
	propagation.TraceContext{}.Inject(ctx, &p)
	return p.traceparent
}

// Extract puts a remote parent into ctx; a malformed or empty traceparent leaves ctx as it is, as W3C Trace Context
// (section 3.2) asks: the trace is then started anew.
func Extract(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, &parent{traceparent})
}

// InjectHeader sets the traceparent of a NATS message's header, if the context has a span.
func InjectHeader(ctx context.Context, header map[string][]string) {
	if tp := Inject(ctx); tp != "" {
		header[Header] = []string{tp}
	}
}

// ExtractHeader is Extract from a NATS message's header or gRPC metadata; nil is fine.
func ExtractHeader(ctx context.Context, header map[string][]string) context.Context {
	if v := header[Header]; len(v) == 1 {
		return Extract(ctx, v[0])
	}
	return ctx
}
