package all_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/models"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway"
)

// shadow is an upstream that gets copies and answers none before it is let go.
type shadow struct {
	mu   sync.Mutex
	got  []map[string]any
	left int
	open chan struct{}
}

func (u *shadow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1/models" {
		_, _ = io.WriteString(w, `{"data":[{"id":"shadow","owned_by":"vllm","max_model_len":4096}]}`)
		return
	}
	if r.URL.Path != "/v1/chat/completions" { // it is well
		return
	}
	var req map[string]any
	_ = json.NewDecoder(r.Body).Decode(&req)
	const used = `"usage":{"prompt_tokens":5,"completion_tokens":4}`
	if req["max_tokens"] == float64(1) { // that is its worker, which wants to know whether it is well
		fmt.Fprintf(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":"1"},"finish_reason":"length"}],%s}`, used)
		return
	}
	u.mu.Lock()
	u.got = append(u.got, req)
	u.mu.Unlock()
	select {
	case <-r.Context().Done():
		u.mu.Lock()
		u.left++
		u.mu.Unlock()
		return
	case <-u.open:
	}
	if req["stream"] == true {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"shadow\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"choices\":[],%s}\n\ndata: [DONE]\n\n", used)
		return
	}
	fmt.Fprintf(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":"shadow"},"finish_reason":"stop"}],%s}`, used)
}

func (u *shadow) requests() []map[string]any {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.got)
}

// counted is the sum of a counter's values with these labels, name and value by turns.
func counted(t *testing.T, r *prometheus.Registry, name string, labels ...string) (n float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			fits := f.GetName() == name
			for i := 0; i+1 < len(labels); i += 2 {
				fits = fits && has[labels[i]] == labels[i+1]
			}
			if fits {
				n += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return n
}

func mirroring(limit int) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Mirrors = limit
		c.Models = models.Set{
			"plain": {Targets: []models.Target{{Model: "sim"}}},
			"chat":  {Targets: []models.Target{{Model: "sim"}}, Mirror: []models.Mirror{{Model: "shadow", Pool: "shadow", Share: 1}}},
		}
	}
}

// joinShadow adds the mirror with a pool of its own.
func (f *fleet) joinShadow(t *testing.T) *shadow {
	u := &shadow{open: make(chan struct{})}
	f.relay(t, "shadow", u)
	return u
}

// dispatched hears of what class the sequences are that a worker gets.
func (f *fleet) dispatched(t *testing.T, worker string) <-chan inferv1.Class {
	t.Helper()
	classes := make(chan inferv1.Class, 100)
	b := bustest.Connect(t, f.srv, bus.Options{Name: "ear"})
	_, err := b.Subscribe(bus.Control, events.Work.Name(worker), func(m *nats.Msg) {
		d := &inferv1.Dispatch{}
		if err := proto.Unmarshal(m.Data, d); err != nil {
			t.Error(err)
		}
		classes <- d.GetSubmit().GetClass()
	})
	if err == nil {
		err = b.Conn(bus.Control).Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return classes
}

// A mirror that stands still costs a route's clients nothing, in time, bytes or errors; what it says is dropped, and what
// it used is booked as the copies', not as requests. Streams, tools and several choices are copied as they are.
func TestAMirrorGetsACopyAndTheClientNoticesNothing(t *testing.T) {
	f := start(t, pool.Timeouts{}, mirroring(64))
	u := f.joinShadow(t)
	classes := f.dispatched(t, "w-shadow")
	plain, copies := map[string]string{}, 0
	wishes := []string{"", `,"stream":true`, `,"n":2,"user":"me"`, `,"temperature":0.5`}
	for _, name := range []string{"plain", "chat"} {
		for _, more := range wishes {
			status, h, body := f.chatWith(t, name, `,"ignore_eos":true,"logprobs":false`+more+`,"seed":3`)
			if status != 200 || h.Get("X-Leat-Model") != "sim" {
				t.Fatalf("%s%s: %d %v\n%s", name, more, status, h, body)
			}
			words := contents(body)
			if name == "plain" {
				plain[more] = words
			} else if words != plain[more] || words == "" || strings.Contains(body, "shadow") {
				t.Errorf("%s: %q with a mirror, %q without", more, words, plain[more])
			}
		}
	}
	copies = len(wishes) + 1 // n is 2 once
	until(t, "the mirror has every copy", func() bool { return len(u.requests()) == copies })
	for range copies {
		if c := <-classes; c != inferv1.Class_CLASS_BULK {
			t.Errorf("a copy is of the class %v", c)
		}
	}
	if users := slices.ContainsFunc(u.requests(), func(m map[string]any) bool { return m["user"] == "me" }); !users {
		t.Errorf("the user is gone: %v", u.requests())
	}
	if n := counted(t, f.gateway, "llm_requests_total", "status", "200"); n != float64(2*len(wishes)) {
		t.Errorf("%v requests are booked", n)
	}
	close(u.open)
	until(t, "the copies have ended", func() bool {
		return counted(t, f.gateway, "llm_mirrored_requests_total", "model", "chat", "target", "shadow/shadow", "outcome", "ok") == float64(len(wishes))
	})
	if p, o := counted(t, f.gateway, "llm_mirrored_tokens_total", "type", "prompt"), counted(t, f.gateway, "llm_mirrored_tokens_total", "type", "output"); p != 5*float64(len(wishes)) || o != 4*float64(copies) {
		t.Errorf("%v prompt and %v output tokens are booked", p, o)
	}
	if n := counted(t, f.gateway, "llm_requests_total", "model", "shadow") + counted(t, f.gateway, "llm_time_to_first_token_seconds", "model", "shadow"); n != 0 {
		t.Errorf("copies count as %v requests", n)
	}
	f.awaitRunning(t, 0)
}

// contents is what an answer says, in order, streamed or whole.
func contents(body string) (out string) {
	for _, part := range strings.Split(body, `"content":"`)[1:] {
		end := strings.Index(part, `"`)
		out += part[:end]
	}
	return out
}

// Tools and images reach the mirror as the client sent them, though the body's memory is the client's connection's.
func TestACopyIsWholeWhateverComesAfterIt(t *testing.T) {
	f := start(t, pool.Timeouts{}, func(c *gateway.Config) {
		c.Mirrors = 1000
		c.Models = models.Set{"chat": {Targets: []models.Target{{Model: "calls"}}, Mirror: []models.Mirror{{Model: "shadow", Pool: "shadow", Share: 1}}}}
	})
	f.calling(t)
	u := f.joinShadow(t)
	close(u.open)
	const n = 200 // of a size whose memory is used again at once
	images := func(i int) string { return "data:image/png;base64," + strings.Repeat(string(rune('A'+i%26)), 100<<10) }
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for i := client; i < n; i += 8 {
				body := fmt.Sprintf(`{"model":"chat","messages":[{"role":"user","content":[{"type":"text","text":"look %d."},{"type":"image_url","image_url":{"url":%q}}]}],%s}`, i, images(i), lookTool)
				if status, answer := f.post(t, []byte(body)); status != 200 {
					t.Errorf("%d %s", status, answer)
				}
			}
		})
	}
	all.Wait()
	until(t, "the mirror has every copy", func() bool { return len(u.requests()) == n })
	seen := map[int]bool{}
	for _, m := range u.requests() {
		raw, _ := json.Marshal(m["messages"])
		i := 0
		if _, err := fmt.Sscanf(string(raw[max(strings.Index(string(raw), "look "), 0):]), "look %d.", &i); err != nil || !strings.Contains(string(raw), `"`+images(i)+`"`) || m["tools"] == nil {
			t.Errorf("a copy lost its image or its tools: %.200s", raw)
		}
		seen[i] = true
	}
	if len(seen) != n {
		t.Errorf("copies of %d requests, want %d", len(seen), n)
	}
}

// A copy goes on when its client leaves; there are no more of them at a time than allowed, and a mirror that is not there
// is only counted.
func TestCopiesAreBoundedAndOutliveTheirClients(t *testing.T) {
	f := start(t, pool.Timeouts{}, mirroring(2))
	u := f.joinShadow(t)
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/v1/chat/completions", strings.NewReader(
		`{"model":"chat","stream":true,"ignore_eos":true,"max_tokens":4000,"messages":[{"role":"user","content":"hi"}]}`))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the mirror has the copy", func() bool { return len(u.requests()) == 1 })
	leave()
	resp.Body.Close()
	f.awaitRunning(t, 1) // the copy
	for range 3 {
		if status, _, body := f.chatWith(t, "chat", ""); status != 200 {
			t.Fatal(body)
		}
	}
	until(t, "two copies are refused", func() bool { return counted(t, f.gateway, "llm_mirrored_requests_total", "outcome", "limit") == 2 })
	close(u.open)
	f.awaitRunning(t, 0)
	if n := counted(t, f.gateway, "llm_mirrored_requests_total", "outcome", "ok"); n != 2 || u.left != 0 {
		t.Errorf("%v copies were answered, %d cut", n, u.left)
	}
}

func TestAMirrorThatIsNotThereIsOnlyCounted(t *testing.T) {
	f := start(t, pool.Timeouts{}, mirroring(2))
	if status, _, body := f.chatWith(t, "chat", ""); status != 200 {
		t.Fatal(body)
	}
	until(t, "it is counted", func() bool {
		return counted(t, f.gateway, "llm_mirrored_requests_total", "target", "shadow/shadow", "outcome", "model_not_found") == 1
	})
}

// When a gateway stops, what its copies hold is free again.
func TestCopiesEndWithTheirGateway(t *testing.T) {
	f := start(t, pool.Timeouts{})
	u := f.joinShadow(t)
	g := f.another(t, "g2", mirroring(8), nil)
	until(t, "the mirror has a copy", func() bool {
		_, _, _ = g.chatWith(t, "chat", "")
		return len(u.requests()) > 0
	})
	g.stop()
	until(t, "nothing runs at the mirror", func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.left == len(u.got)
	})
}

// A copy has a trace of its own that points to the request's; every hop of a route is an event on the request's span.
func TestHopsAreInTheTrace(t *testing.T) {
	f := start(t, pool.Timeouts{})
	u := f.joinShadow(t)
	close(u.open)
	rec := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(rec))
	g := f.another(t, "g2", func(c *gateway.Config) {
		c.Models = models.Set{"way": {
			Targets: []models.Target{{Model: "nobody"}}, Fallback: []models.Target{{Model: "sim"}}, Mirror: []models.Mirror{{Model: "shadow", Share: 1}},
		}}
	}, provider)
	until(t, "the second gateway knows the models", func() bool {
		status, _, _ := g.chatWith(t, "way", "")
		return status == 200 && counted(t, g.gateway, "llm_mirrored_requests_total", "outcome", "ok") > 0
	})
	g.stop()
	var request, copied sdktrace.ReadOnlySpan
	for _, s := range rec.Ended() {
		switch {
		case s.Name() == "chat sim":
			request = s
		case slices.ContainsFunc(s.Attributes(), func(a attribute.KeyValue) bool { return a.Key == "leat.mirror.target" }):
			copied = s
		}
	}
	if request == nil || copied == nil {
		t.Fatalf("spans: %v", rec.Ended())
	}
	var events []string
	for _, e := range request.Events() {
		events = append(events, fmt.Sprint(e.Name, e.Attributes))
	}
	if got := strings.Join(events, " "); !strings.Contains(got, "fallback") || !strings.Contains(got, "nobody") || !strings.Contains(got, "model_not_found") || !strings.Contains(got, "mirror") {
		t.Errorf("the request's span tells %s", got)
	}
	if len(copied.Links()) != 1 || copied.Parent().IsValid() || !slices.ContainsFunc(rec.Ended(), func(s sdktrace.ReadOnlySpan) bool {
		return s.Name() == "chat sim" && s.SpanContext().SpanID() == copied.Links()[0].SpanContext.SpanID()
	}) {
		t.Errorf("the copy's span has the links %v", copied.Links())
	}
}

// second is another gateway of a fleet.
type second struct {
	fleet
	stop func()
}

// another runs one more gateway; stop ends it, at the latest with the test.
func (f *fleet) another(t *testing.T, id string, change func(*gateway.Config), tracer *sdktrace.TracerProvider) *second {
	t.Helper()
	cfg := gateway.DefaultConfig()
	cfg.RunJobs = false
	change(&cfg)
	d := deps(t, f.srv, id, nil)
	if tracer != nil {
		d.Tracer = tracer
	}
	g := gateway.New(cfg, d)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	web := httptest.NewServer(g.HTTP())
	s := &second{fleet: fleet{url: web.URL, nats: f.nats, srv: f.srv, web: g.HTTP(), gateway: d.Metrics.(*prometheus.Registry)}}
	s.stop = sync.OnceFunc(func() {
		web.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(s.stop)
	return s
}
