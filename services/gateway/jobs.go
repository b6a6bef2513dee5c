package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/pkg/jobs"
)

// jobPaths are the calls of the HTTP API that run as jobs, by kind.
var jobPaths = map[string]string{"chat": "/v1/chat/completions", "completions": "/v1/completions", "responses": "/v1/responses"}

// jobDelays are the waits after a job's failures; after the last it is a dead letter.
var jobDelays = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// jobRunner does jobs: each is a request to the gateway's own HTTP API, of its tenant and class.
type jobRunner struct {
	g      *Gateway
	client *jobs.Client
	web    func() http.Handler
	opened atomic.Bool // the streams are, or could not be at the first try
}

func newJobRunner(g *Gateway) *jobRunner {
	return &jobRunner{
		g: g, client: jobs.New(g.deps.Bus, g.files, g.cfg.Jobs), web: sync.OnceValue(g.HTTP),
	}
}

func (r *jobRunner) run(ctx context.Context) error {
	return r.client.Run(ctx, jobs.Work{
		Name: "gateway", Kinds: slices.Sorted(maps.Keys(jobPaths)), Window: r.window, Do: r.do, Log: r.g.log, Opened: func() { r.open(ctx) },
	})
}

// open opens what jobs and batches keep beside their streams, so that the start can say how durable it is.
func (r *jobRunner) open(ctx context.Context) {
	_, err := r.g.batches.open(ctx)
	if err = errors.Join(err, r.g.files.Make(ctx)); err != nil && ctx.Err() == nil {
		r.g.log.Warn("the stores of files and batches are not open; tried again when they are needed", "error", err)
	}
	r.opened.Store(true)
}

// window lets jobs of a class fill this gateway's share of the fleet's slots, with some to wait for the next free one, and no
// more: a job that waits in JOBS can still be given way to, and its queue time-out does not run. Without a fleet nothing is
// taken.
func (r *jobRunner) window(class string) int {
	now := r.g.link.now()
	slots := r.g.directory.slots(now)
	if slots == 0 {
		return 0
	}
	most := 2 * slots
	if class == jobs.Bulk {
		most = slots + slots/4
	}
	return most/r.g.link.peers.count(now) + 1
}

// do has a job's request answered and decides what its answer means for the job.
func (r *jobRunner) do(ctx context.Context, d *jobs.Delivery) {
	res := &jobs.Result{Attempts: d.Delivered, Started: time.Now()}
	if code, reason := refusedAsJob(d.Request); code != "" {
		d.Dead(ctx, code, reason, nil)
		return
	}
	a, ok := r.ask(ctx, d)
	if !ok || ctx.Err() != nil {
		r.stopped(ctx, d, res)
		return
	}
	res.Status, res.Response, res.RequestID, res.Worker = a.status, a.body.Bytes(), a.header.Get("X-Request-Id"), a.header.Get("X-Leat-Worker")
	if a.status == http.StatusOK {
		d.Done(ctx, res)
		return
	}
	code, message := errorOf(res.Response)
	switch {
	case waitCodes[code]:
		d.Later(jobPatience(d.Delivered, a.header))
	case a.status < 500 && a.status != http.StatusTooManyRequests && a.status != http.StatusRequestTimeout && code != "model_not_found":
		d.Dead(ctx, code, message, res)
	case !d.Failed(jobDelays):
		d.Dead(ctx, code, message, res)
	}
}

// waitCodes are the errors that say nothing of the job: there is no room for it now.
var waitCodes = map[string]bool{
	"queue_full": true, "queue_timeout": true, "no_worker": true, "no_router": true, "server_stopping": true, "connect_timeout": true,
	"overloaded": true,
}

// jobPatience is how long a job waits for room: longer each time, up to half a minute, or as long as the answer says.
func jobPatience(delivered int, h http.Header) time.Duration {
	d := min(time.Second<<min(delivered-1, 5), 30*time.Second)
	if ms, err := strconv.Atoi(h.Get("Retry-After-Ms")); err == nil {
		d = max(d, time.Duration(ms)*time.Millisecond)
	}
	return d
}

// stopped is a job that was not answered: cancelled, or the process stops.
func (r *jobRunner) stopped(ctx context.Context, d *jobs.Delivery, res *jobs.Result) {
	check, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if _, err := r.client.Result(check, d.Kind, d.ID); err == nil { // cancelled: it has its result
		res.Status = jobs.StatusCancelled
		d.Done(check, res)
		return
	}
	d.Later(0)
}

// refusedAsJob says why a request cannot be a job, or nothing.
func refusedAsJob(request []byte) (code, reason string) {
	var q struct {
		Stream bool `json:"stream"`
	}
	if err := json.Unmarshal(request, &q); err != nil {
		return "invalid_request", "The request is not an object as the HTTP API takes it: " + err.Error() + "."
	}
	if q.Stream {
		return "stream_not_supported", "A job cannot be streamed. Leave 'stream' out."
	}
	return "", ""
}

// ask sends the job's request through the HTTP API. It is false where that gave up without an answer.
func (r *jobRunner) ask(ctx context.Context, d *jobs.Delivery) (a *jobAnswer, ok bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, jobPaths[d.Kind], bytes.NewReader(d.Request))
	if err != nil {
		return nil, false
	}
	h := req.Header
	h.Set("Content-Type", "application/json")
	h.Set("X-Leat-Tenant", d.Tenant)
	h.Set("X-Leat-Class", d.Class)
	h.Set("X-Request-Id", d.ID)
	if d.Trace != "" {
		h.Set("Traceparent", d.Trace)
	}
	a = &jobAnswer{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil {
			r.g.log.Error("a job's request was broken off", "job", d.ID, "panic", p)
			ok = false
		}
	}()
	r.web().ServeHTTP(a, req)
	return a, a.status != 0
}

// jobAnswer takes an answer of the HTTP API.
type jobAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *jobAnswer) Header() http.Header { return a.header }

func (a *jobAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *jobAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// errorOf is the code and the message of an error in OpenAI's form.
func errorOf(body []byte) (code, message string) {
	var e struct {
		Error struct {
			Code    *string `json:"code"`
			Type    string  `json:"type"`
			Message string  `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return "invalid_answer", "The answer is no error in OpenAI's form."
	}
	if e.Error.Code != nil {
		return *e.Error.Code, e.Error.Message
	}
	return e.Error.Type, e.Error.Message
}
