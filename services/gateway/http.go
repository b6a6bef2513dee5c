package gateway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// route is what one method does at one path.
type route struct {
	method, path string
	serve        func(*exchange) *reply
}

func (g *Gateway) routes() []route {
	return slices.Concat([]route{
		{"POST", "/v1/chat/completions", g.serveChat},
		{"POST", "/v1/completions", g.serveCompletion},
		{"GET", "/v1/models", g.serveModels},
		{"GET", "/v1/models/{model...}", g.serveModel},
		{"POST", "/tokenize", g.serveTokenize},
		{"POST", "/detokenize", g.serveDetokenize},
		{"GET", "/tokenizer_info", g.serveTokenizerInfo},
	}, g.otherRoutes(), g.fileRoutes(), g.batchRoutes())
}

// otherRoutes are those of other APIs than OpenAI's older ones.
func (g *Gateway) otherRoutes() []route {
	return []route{
		{"POST", "/v1/responses", g.serveResponse},
		{"POST", "/v1/messages", g.serveMessages},
		{"POST", "/v1/messages/count_tokens", g.serveCount},
		{"GET", "/openapi.json", g.serveDocument},
	}
}

// HTTP is the HTTP face: OpenAI's API, Anthropic's, and a few calls beside them.
func (g *Gateway) HTTP() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range g.routes() {
		methods[r.path] = append(methods[r.path], r.method)
		mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) { g.exchange(w, req, r.serve) })
	}
	for path, right := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, req *http.Request) {
			g.exchange(w, req, func(x *exchange) *reply { return x.refuse(wrongMethod(w, req, right)) })
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		g.exchange(w, r, func(x *exchange) *reply { return x.refuse(noRoute(r)) })
	})
	return mux
}

func wrongMethod(w http.ResponseWriter, r *http.Request, right []string) error {
	allow := strings.Join(right, ", ")
	if slices.Contains(right, http.MethodGet) {
		allow += ", HEAD"
	}
	w.Header().Set("Allow", allow)
	return errs.New(errs.Invalid, "method_not_allowed", "Not allowed to %s %s: send a %s.", r.Method, clip(r.URL.Path), strings.Join(right, " or a "))
}

func noRoute(r *http.Request) error {
	return errs.New(errs.NotFound, "unknown_url",
		"Unknown request URL: %s %s. There are /v1/chat/completions, /v1/completions, /v1/responses, /v1/messages, /v1/models, /v1/files, /v1/batches, /tokenize, /detokenize and /tokenizer_info; /openapi.json describes them.",
		r.Method, clip(r.URL.Path))
}

// exchange is one HTTP request on its way.
type exchange struct {
	g      *Gateway
	w      http.ResponseWriter
	r      *http.Request
	tongue *tongue
	began  time.Time
	id     string
	span   trace.Span
	over   func() // frees all that the answer holds, once; the client may still be written to
	unread bool   // a part of the body is still to come
}

// exchange gives a request its id, its trace and its handler. A handler answers by itself, or returns what to answer.
func (g *Gateway) exchange(w http.ResponseWriter, r *http.Request, serve func(*exchange) *reply) {
	x := &exchange{g: g, w: w, r: r, tongue: tongueOf(r.URL.Path), began: time.Now(), id: requestID(r.Header.Get("X-Request-Id"))}
	w.Header()["X-Request-Id"] = []string{x.id}
	if x.tongue.idHeader != "" {
		w.Header()[x.tongue.idHeader] = []string{x.id}
	}
	if tp := r.Header.Get("Traceparent"); tp != "" || g.tracing {
		x.trace(tp)
	}
	if x.span != nil {
		defer x.span.End()
	}
	if answer := serve(x); answer != nil {
		x.respond(answer)
	}
}

// trace goes on with the client's trace, and adds a span to it where tracing is on.
func (x *exchange) trace(parent string) {
	ctx := obs.Extract(x.r.Context(), parent)
	if x.g.tracing {
		ctx, x.span = x.g.deps.Tracer.Tracer("leat/gateway").Start(ctx, spanName(x.r), trace.WithSpanKind(trace.SpanKindServer))
	}
	x.r = x.r.WithContext(ctx)
}

// spanName is the method and the route, as OpenTelemetry's HTTP convention has it: a path would be a client's words.
func spanName(r *http.Request) string {
	if strings.Contains(r.Pattern, " ") {
		return r.Pattern
	}
	return r.Method + " " + r.Pattern
}

// requestID takes the client's id where it is fit for headers and logs, and makes one otherwise.
func requestID(given string) string {
	if given == "" || len(given) > 128 {
		return "req_" + nuid.Next()
	}
	for _, c := range []byte(given) {
		if c <= ' ' || c > '~' {
			return "req_" + nuid.Next()
		}
	}
	return given
}

// refuse answers with an error in the route's own form.
func (x *exchange) refuse(err error) *reply {
	x.fail(nil, err)
	return nil
}

// fail is refuse for a call that may have begun.
func (x *exchange) fail(a *answer, err error) {
	e := x.public(err)
	x.ended(a, e.Status, false, err)
	h := x.w.Header()
	if full := errs.As(err); full.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(full.RetryAfter.Seconds()))))
		h.Set("Retry-After-Ms", strconv.FormatInt(full.RetryAfter.Milliseconds(), 10))
	}
	if x.unread {
		h.Set("Connection", "close") // the rest of the body is not waited for
	}
	x.json(e.Status, x.tongue.failure(nil, e, x.id))
}

// ended books the request.
func (x *exchange) ended(a *answer, status int, broken bool, err error) {
	x.g.ended(&ending{id: x.id, path: x.r.URL.Path, answer: a, span: x.span, status: status, broken: broken, err: err})
}

// statuses are those of refusals that only HTTP knows.
var statuses = map[string]int{
	"body_timeout":         http.StatusRequestTimeout,
	"method_not_allowed":   http.StatusMethodNotAllowed,
	"unsupported_encoding": http.StatusUnsupportedMediaType,
}

// public renders an error for a client. A decoder's error is public already.
func public(err error) *openai.Error {
	var decoded *openai.Error
	if errors.As(err, &decoded) {
		return decoded
	}
	e := errs.As(err)
	status := e.Kind.HTTP()
	if own, ok := statuses[e.Code]; ok {
		status = own
	}
	return &openai.Error{Status: status, Message: e.Message, Type: e.Kind.Type(), Param: e.Param, Code: e.Code}
}

// wontBlock is the size of an answer that a socket takes at once, whatever its client does.
const wontBlock = 64 << 10

// json sends a whole body; it returns nil, since nothing is left to answer.
func (x *exchange) json(status int, body []byte) *reply {
	h := x.w.Header()
	h["Content-Type"] = contentJSON
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	if len(body) > wontBlock {
		_ = http.NewResponseController(x.w).SetWriteDeadline(time.Now().Add(x.g.cfg.SlowClient)) // net/http lifts it after the answer
	}
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a failed write means that the client left
	return nil
}

var (
	contentJSON  = []string{"application/json"}
	contentSSE   = []string{"text/event-stream; charset=utf-8"}
	cacheControl = []string{"no-cache"}
)

// call fills in what a request's headers say.
func (x *exchange) call() (*call, error) {
	c := &call{id: x.id, began: x.began, tenant: x.g.cfg.Tenant, class: inferv1.Class_CLASS_NORMAL, trace: obs.Inject(x.r.Context())}
	h := x.r.Header
	var err error
	if c.tenant, err = tenant(h.Get("X-Leat-Tenant"), c.tenant); err != nil {
		return nil, err
	}
	if c.class, err = class(h.Get("X-Leat-Class")); err != nil {
		return nil, err
	}
	if c.session, err = session(h.Get("X-Leat-Session")); err != nil {
		return nil, err
	}
	c.waits, err = waits(h.Get("X-Leat-Timeout"))
	return c, err
}

func tenant(given, otherwise string) (string, error) {
	if given == "" {
		return otherwise, nil
	}
	if len(given) > 128 {
		return "", errs.Field("x-leat-tenant", "invalid_header", "The header x-leat-tenant has more than 128 characters.")
	}
	return given, nil
}

func session(given string) (string, error) {
	if len(given) > 256 {
		return "", errs.Field("x-leat-session", "invalid_header", "The header x-leat-session has more than 256 characters.")
	}
	return given, nil
}

func class(s string) (inferv1.Class, error) {
	switch s {
	case "", "normal":
		return inferv1.Class_CLASS_NORMAL, nil
	case "high":
		return inferv1.Class_CLASS_HIGH, nil
	case "bulk":
		return inferv1.Class_CLASS_BULK, nil
	}
	return 0, errs.Field("x-leat-class", "invalid_header", "The header x-leat-class is '%s'; it may be high, normal or bulk.", clip(s))
}

// waits reads x-leat-timeout: one wait for the whole request ("30", in seconds, or "30s"), or several by name
// ("first_token=5s, idle=2s, total=60s"). They can only lower the pool's.
func waits(s string) (w pool.Timeouts, err error) {
	if s == "" {
		return w, nil
	}
	names := map[string]*time.Duration{
		"connect": &w.Connect, "queue": &w.Queue, "first_token": &w.FirstToken, "idle": &w.Idle, "total": &w.Total,
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			name, value = "total", name
		}
		to, known := names[name]
		d, perr := time.ParseDuration(value)
		if perr != nil {
			var sec float64
			sec, perr = strconv.ParseFloat(value, 64)
			d = time.Duration(sec * float64(time.Second))
		}
		if !known || perr != nil || d <= 0 {
			return w, errs.Field("x-leat-timeout", "invalid_header",
				"The header x-leat-timeout is '%s'; it may be seconds such as 30, a duration such as 1m30s, or waits by name: connect, queue, first_token, idle, total, as in 'first_token=5s, total=60s'.", clip(s))
		}
		*to = d
	}
	return w, nil
}

// headers says who answered, and how long it took to begin.
func (x *exchange) headers(a *answer) {
	x.wayHeaders(a)
	h := x.w.Header()
	if a.hedged() != "" {
		h["X-Leat-Hedged"] = []string{"true"}
	}
	if a.start == nil {
		return
	}
	h["X-Leat-Worker"] = []string{a.worker}
	h["X-Leat-Model-Version"] = []string{a.start.ModelVersion}
	h["X-Leat-Queue-Ms"] = []string{millis(time.Duration(a.start.QueueNanos))}
	if a.firstToken > 0 {
		h["X-Leat-Ttft-Ms"] = []string{millis(a.firstToken)}
	}
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 3, 64)
}

// alive is the request's context as the domain sees it: it ends when the client leaves.
func (x *exchange) alive() context.Context { return x.r.Context() }
