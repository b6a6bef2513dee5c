package obs

import (
	"context"
	"encoding/hex"

	"go.opentelemetry.io/otel/trace"
)

// Header is the name of the W3C trace header, in the lower case in which NATS compares it.
const Header = "traceparent"

// Inject writes the context's span as a W3C traceparent (version 00), or "" where there is none. A caller's own trace
// is passed on even when tracing is off here.
func Inject(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	var b [55]byte
	id, span := sc.TraceID(), sc.SpanID()
	copy(b[:], "00-")
	hex.Encode(b[3:35], id[:])
	b[35] = '-'
	hex.Encode(b[36:52], span[:])
	copy(b[52:], "-00")
	if sc.IsSampled() {
		b[54] = '1'
	}
	return string(b[:])
}

// Extract puts a remote parent into ctx; a malformed or empty traceparent leaves ctx as it is, as W3C Trace Context
// (section 3.2) asks: the trace is then started anew. Versions above 00 are read by the fields of version 00.
func Extract(ctx context.Context, traceparent string) context.Context {
	sc, ok := parse(traceparent)
	if !ok {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, sc)
}

func parse(s string) (trace.SpanContext, bool) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || s[:2] == "ff" {
		return trace.SpanContext{}, false
	}
	if len(s) > 55 && (s[:2] == "00" || s[55] != '-') {
		return trace.SpanContext{}, false
	}
	var version, flags [1]byte
	var cfg trace.SpanContextConfig
	if !lowerHex(version[:], s[:2]) || !lowerHex(cfg.TraceID[:], s[3:35]) || !lowerHex(cfg.SpanID[:], s[36:52]) || !lowerHex(flags[:], s[53:55]) {
		return trace.SpanContext{}, false
	}
	cfg.TraceFlags = trace.TraceFlags(flags[0]) & trace.FlagsSampled
	cfg.Remote = true
	sc := trace.NewSpanContext(cfg)
	return sc, sc.IsValid()
}

// lowerHex decodes into dst; W3C allows no capitals.
func lowerHex(dst []byte, s string) bool {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(dst, []byte(s))
	return err == nil
}

// InjectHeader sets the traceparent of a NATS message's header, if the context has a span.
func InjectHeader(ctx context.Context, header map[string][]string) {
	if tp := Inject(ctx); tp != "" {
		header[Header] = []string{tp}
	}
}

// ExtractHeader is Extract from a NATS message's header; nil is fine.
func ExtractHeader(ctx context.Context, header map[string][]string) context.Context {
	if v := header[Header]; len(v) == 1 {
		return Extract(ctx, v[0])
	}
	return ctx
}
