package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/obs"
)

const sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestATraceparentComesOutAsItWentIn(t *testing.T) {
	for _, tp := range []string{sampled, sampled[:53] + "00"} {
		if got := obs.Inject(obs.Extract(t.Context(), tp)); got != tp {
			t.Errorf("in %s, out %s", tp, got)
		}
	}
	for _, tp := range []string{"", "00", "ff" + sampled[2:], sampled + "x", strings.ToUpper(sampled), strings.ReplaceAll(sampled, "-", "_")} {
		if got := obs.Extract(t.Context(), tp); got != t.Context() {
			t.Errorf("%q changed the context", tp)
		}
	}
}

func TestTraceCrossesANATSHeader(t *testing.T) {
	header := map[string][]string{}
	obs.InjectHeader(t.Context(), header)
	if len(header) != 0 {
		t.Errorf("a context without a span gave %v", header)
	}
	obs.InjectHeader(obs.Extract(t.Context(), sampled), header)
	if got := obs.Inject(obs.ExtractHeader(t.Context(), header)); got != sampled {
		t.Errorf("got %q", got)
	}
	if ctx := obs.ExtractHeader(t.Context(), nil); ctx != t.Context() {
		t.Error("no header changed the context")
	}
}

func TestTracingIsOffUnlessAskedFor(t *testing.T) {
	tr, err := obs.NewTracing(t.Context(), obs.DefaultTraceConfig(), "x", "x-1", "v")
	if err != nil || obs.On(tr.Provider) || obs.On(nil) {
		t.Errorf("tracing is on without a destination (%v)", err)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// span is the part of the file's lines that tests need.
type span struct {
	Name        string
	SpanContext struct{ TraceID, SpanID string }
	Parent      struct{ TraceID, SpanID string }
	Attributes  []struct{ Key string }
	Resource    []struct {
		Key   string
		Value struct{ Value string }
	}
}

func TestOneTraceGoesThroughTwoProcessesIntoAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spans.jsonl")
	traceparent := ""
	for _, service := range []string{"gateway", "worker"} {
		tr, err := obs.NewTracing(t.Context(), obs.TraceConfig{File: path, Ratio: 1}, service, service+"-1", "v")
		if err != nil || !obs.On(tr.Provider) {
			t.Fatalf("tracing is off (%v)", err)
		}
		ctx, sp := tr.Provider.Tracer("test").Start(obs.Extract(t.Context(), traceparent), obs.SpanName(obs.OpChat, "m"),
			trace.WithAttributes(obs.RequestModel.String("m")))
		traceparent = obs.Inject(ctx)
		sp.End()
		if err := tr.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var spans []span
	for line := range strings.Lines(string(text)) {
		var s span
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		spans = append(spans, s)
	}
	if len(spans) != 2 || spans[1].Parent.SpanID != spans[0].SpanContext.SpanID || spans[1].SpanContext.TraceID != spans[0].SpanContext.TraceID {
		t.Fatalf("spans do not form one trace: %+v", spans)
	}
	if spans[0].Name != "chat m" || spans[0].Attributes[0].Key != "gen_ai.request.model" {
		t.Errorf("span %+v", spans[0])
	}
}

// collector is an OTLP endpoint that hands on the names of the spans it gets.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	names chan string
}

func (c *collector) Export(_ context.Context, req *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	for _, rs := range req.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, sp := range ss.Spans {
				c.names <- sp.Name
			}
		}
	}
	return &coltrace.ExportTraceServiceResponse{}, nil
}

func TestSpansReachAnOTLPEndpointInBothForms(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, server := &collector{names: make(chan string, 2)}, grpc.NewServer()
	coltrace.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	for _, form := range []string{l.Addr().String(), "http://" + l.Addr().String()} {
		tr, err := obs.NewTracing(t.Context(), obs.TraceConfig{OTLP: form, Ratio: 1}, "x", "x-1", "v")
		if err != nil {
			t.Fatal(err)
		}
		_, sp := tr.Provider.Tracer("t").Start(t.Context(), form)
		sp.End()
		if err := tr.Close(t.Context()); err != nil { // flushes
			t.Fatal(err)
		}
		if got := <-c.names; got != form {
			t.Errorf("got %q, want %q", got, form)
		}
	}
}

func TestARatioOfZeroKeepsNothingNewButFollowsCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spans.jsonl")
	tr, err := obs.NewTracing(t.Context(), obs.TraceConfig{File: path}, "x", "x-1", "v")
	if err != nil {
		t.Fatal(err)
	}
	_, fresh := tr.Provider.Tracer("t").Start(t.Context(), "fresh")
	_, asked := tr.Provider.Tracer("t").Start(obs.Extract(t.Context(), sampled), "asked")
	fresh.End()
	asked.End()
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), `"fresh"`) || !strings.Contains(string(text), `"asked"`) {
		t.Errorf("%v: %s", err, text)
	}
}

func TestTheLogLevelCanBeChanged(t *testing.T) {
	var out bytes.Buffer
	log, level, err := obs.NewLogger(&out, obs.LogConfig{})
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("one")
	level.Set(slog.LevelDebug)
	log.Debug("two", "request_id", "r1")
	var line struct {
		Msg       string `json:"msg"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Msg != "two" || line.RequestID != "r1" {
		t.Errorf("logged %s (%v)", out.String(), err)
	}
	for _, bad := range []obs.LogConfig{{Level: "loud"}, {Format: "xml"}} {
		if _, _, err := obs.NewLogger(&out, bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

func TestBucketsRise(t *testing.T) {
	for name, b := range map[string][]float64{
		"request": obs.RequestBuckets(), "first token": obs.FirstTokenBuckets(), "gap": obs.TokenGapBuckets(),
		"queue": obs.QueueBuckets(), "tokens": obs.TokenBuckets(), "rpc": obs.RPCBuckets(),
	} {
		if !slices.IsSorted(b) || len(slices.Compact(slices.Clone(b))) != len(b) {
			t.Errorf("%s: %v", name, b)
		}
	}
}

// TestNoAttributeCarriesContent guards the promise of the package: names under which a prompt or completion would travel
// are not there to be used.
func TestNoAttributeCarriesContent(t *testing.T) {
	source, err := os.ReadFile("genai.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []attribute.Key{"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.prompt", "gen_ai.completion"} {
		if strings.Contains(string(source), `"`+string(name)+`"`) {
			t.Errorf("%s is spelled", name)
		}
	}
}

func BenchmarkInject(b *testing.B) {
	ctx := obs.Extract(b.Context(), sampled)
	b.ReportAllocs()
	for b.Loop() {
		_ = obs.Inject(ctx)
	}
}

func TestATextLogIsALineForAPerson(t *testing.T) {
	var out bytes.Buffer
	log, _, err := obs.NewLogger(&out, obs.LogConfig{Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("joined", "pool", "p 1", "note", "")
	log.With("worker", "w1").WithGroup("g").Warn("left", "after", time.Second)
	log.Debug("never")
	stamp := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d{3} `)
	if got, want := stamp.ReplaceAllString(out.String(), ""), "joined pool=\"p 1\"\nWARN left worker=w1 g.after=1s\n"; got != want {
		t.Errorf("logged %q, want %q", got, want)
	}
}

func TestTheLogIsForPeopleOnlyWhereTheyRead(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, c := range []struct {
		format string
		w      io.Writer
		want   string
	}{
		{"auto", file, "json"}, {"auto", new(bytes.Buffer), "json"}, {"auto", null, "text"}, {"json", null, "json"}, {"text", file, "text"}, {"", null, "json"},
	} {
		if got := (obs.LogConfig{Format: c.format}).FormatFor(c.w); got != c.want {
			t.Errorf("format %q to a %T is %s, want %s", c.format, c.w, got, c.want)
		}
	}
}
