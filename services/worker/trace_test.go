package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/obs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestASequenceIsASpanBelowTheGateways(t *testing.T) {
	rec := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(rec))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	f := start(t, setup{engine: &scripted{run: say(2), slots: 1}, deps: func(d *host.Deps) { d.Tracer = provider }})
	o := f.order()
	o.Submit.Traceparent = traceparent
	o.req.Prompt = &inferv1.Request_Text{Text: "canary-7f3a"}
	f.send(o)
	f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	spans := rec.Ended()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	s := spans[0]
	if s.Name() != obs.EngineSpan || s.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || s.Parent().SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("span %q of trace %s below %s", s.Name(), s.SpanContext().TraceID(), s.Parent().SpanID())
	}
	got := map[attribute.Key]attribute.Value{}
	for _, a := range s.Attributes() {
		got[a.Key] = a.Value
		if strings.Contains(a.Value.String(), "canary") || strings.Contains(a.Value.String(), "0 1") {
			t.Errorf("attribute %s holds what was said", a.Key)
		}
	}
	if got[obs.UsageInputTokens].AsInt64() != 3 || got[obs.LatencyPrefill].AsFloat64() != .001 || got["leat.verdict"].AsString() != "done" {
		t.Errorf("attributes %v", got)
	}
	var events []string
	for _, e := range s.Events() {
		events = append(events, e.Name)
	}
	if strings.Join(events, " ") != "first_token prefill decode" {
		t.Errorf("events %v", events)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	f := start(t, setup{engine: &scripted{run: say(3), slots: 2}, deps: func(d *host.Deps) { d.Metrics = reg }})
	o := f.order()
	f.answer(f.send(o))
	f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	f.engine.took("decode", 20*time.Millisecond)
	f.engine.set(func(s *engine.Stats) { s.Restarts = 3 })
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, fam := range families {
		for _, m := range fam.GetMetric() {
			name := fam.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			switch {
			case m.GetCounter() != nil:
				got[name] = m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				got[name] = m.GetGauge().GetValue()
			case m.GetHistogram() != nil:
				got[name] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	for name, want := range map[string]float64{
		"leat_worker_outcomes_total verdict=done":                                 1,
		"leat_worker_slots":                                                       2,
		"leat_worker_step_seconds kind=decode":                                    1,
		"leat_worker_engine_restarts_total":                                       3,
		"leat_worker_deltas_total":                                                4,
		"leat_worker_state state=ready":                                           1,
		"vllm:request_success_total engine=0 finished_reason=stop model_name=m/1": 1,
		"vllm:time_to_first_token_seconds engine=0 model_name=m/1":                1,
		"vllm:inter_token_latency_seconds engine=0 model_name=m/1":                1,
		"vllm:num_requests_running engine=0 model_name=m/1":                       0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, want)
		}
	}
}
