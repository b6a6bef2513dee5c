package scenario

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
)

// hold opens a stream that occupies a slot and returns once its first event has come; stop closes the connection.
func hold(t *testing.T, f Fleet) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := post(ctx, f.Addrs().HTTP+"/v1/completions", endless)
	if err != nil {
		cancel()
		t.Fatalf("occupy a slot: %v", err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("occupy a slot: status %d", resp.StatusCode)
	}
	return cancel
}

// endless is a request that nobody waits for the end of: 20 ms a token on a slow worker is 20 minutes.
var endless = object{"model": "sim", "prompt": "water", "max_tokens": 60_000, "ignore_eos": true, "stream": true}

// queueFull: one slot and one place in the queue; the third request gets 429 with Retry-After, and works later.
func queueFull(t *testing.T, d Driver) {
	f := d.Start(t, Spec{Config: "pools: {default: {queue_limit: 1}}\n", Workers: []Worker{slow("alpha")}})
	free := hold(t, f)
	defer free()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	queued := make(chan error, 1)
	go func() {
		resp, err := post(ctx, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "second", "max_tokens": 1})
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		queued <- err
	}()
	third := object{"model": "sim", "prompt": "third", "max_tokens": 1}
	until(t, "the second request waits", func() bool { return sum(t, f, "llm_queue_depth") == 1 })
	r := send(t, f.Addrs().HTTP+"/v1/completions", third)
	refusal{429, "rate_limit_error", "queue_full", "", []string{"sim", "full"}}.check(t, r)
	if s, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || s < 1 || s > 600 {
		t.Errorf("Retry-After %q, want some seconds", r.Header.Get("Retry-After"))
	}
	_, _, _, err := generate(t.Context(), gatewayv1.NewGatewayServiceClient(dial(t, f)), &gatewayv1.GenerateRequest{Model: "sim", Prompt: "third"})
	if status.Code(err) != codes.ResourceExhausted || reason(err) != "queue_full" || retryAfter(err) <= 0 {
		t.Errorf("over gRPC: %v (%s, retry after %s), want RESOURCE_EXHAUSTED with RetryInfo", err, reason(err), retryAfter(err))
	}
	free()
	if err := <-queued; err != nil {
		t.Errorf("the queued request: %v", err)
	}
	if r := send(t, f.Addrs().HTTP+"/v1/completions", third); r.Status != http.StatusOK {
		t.Errorf("with room again: status %d: %s", r.Status, r.Body)
	}
}

// noWorker: before any worker has come, and after the last has left, 503 says what an operator can do.
func noWorker(t *testing.T, d Driver) {
	f := d.Start(t, Spec{})
	body := object{"model": "sim", "prompt": "mill", "max_tokens": 1}
	want := refusal{503, "server_error", "no_worker", "", []string{"leat worker", "leat status"}}
	want.check(t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	m := f.AddWorker(t, fast("alpha"))
	until(t, "the model can be called", func() bool { return send(t, f.Addrs().HTTP+"/v1/completions", body).Status == http.StatusOK })
	m.Stop(t)
	r := send(t, f.Addrs().HTTP+"/v1/completions", body)
	refusal{503, "server_error", "no_worker", "", []string{"leat worker"}}.check(t, r)
}

// timeouts: each 504 names the wait that ran out.
func timeouts(t *testing.T, d Driver) {
	f := d.Start(t, Spec{Workers: []Worker{slow("alpha")}})
	body := object{"model": "sim", "prompt": "mill", "max_tokens": 500, "ignore_eos": true}
	url := f.Addrs().HTTP + "/v1/completions"
	refusal{504, "server_error", "first_token_timeout", "", []string{"first-token"}}.
		check(t, send(t, url, body, "X-Leat-Timeout", "first_token=5ms"))
	refusal{504, "server_error", "total_timeout", "", []string{"total"}}.check(t, send(t, url, body, "X-Leat-Timeout", "200ms"))
	refusal{504, "server_error", "idle_timeout", "", []string{"idle"}}.check(t, send(t, url, body, "X-Leat-Timeout", "idle=2ms"))
	free := hold(t, f)
	defer free()
	refusal{504, "server_error", "queue_timeout", "", []string{"queue"}}.check(t, send(t, url, body, "X-Leat-Timeout", "queue=100ms"))
	free()
	streamTimeout(t, f)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-leat-timeout", "total=1s")
	_, text, _, err := generate(ctx, gatewayv1.NewGatewayServiceClient(dial(t, f)), &gatewayv1.GenerateRequest{Model: "sim", Prompt: "x", IgnoreEos: true})
	if status.Code(err) != codes.DeadlineExceeded || reason(err) != "total_timeout" || text[0] == "" {
		t.Errorf("over gRPC: %v (%s) after %q, want DEADLINE_EXCEEDED after some text", err, reason(err), text[0])
	}
}

// streamTimeout: a stream that has begun ends with an error event and without [DONE].
func streamTimeout(t *testing.T, f Fleet) {
	r := send(t, f.Addrs().HTTP+"/v1/completions", endless, "X-Leat-Timeout", "total=1s")
	list, err := events(strings.NewReader(string(r.Body)))
	if err != nil || r.Status != http.StatusOK || len(list) < 2 {
		t.Fatalf("status %d, events %q, %v", r.Status, list, err)
	}
	if last := list[len(list)-1]; !strings.Contains(last, `"error"`) || !strings.Contains(last, "total_timeout") {
		t.Errorf("the stream ends with %q, want an error event that names the total time-out", last)
	}
}

// largePrompt: 5 MiB of prompt do not fit a bus message and go by claim check, streamed or not.
func largePrompt(t *testing.T, d Driver) {
	f := d.Start(t, Spec{Workers: []Worker{{Name: "alpha", Args: []string{
		"--engine", "sim", "--sim-step-base", "1ms", "--sim-kv-blocks", "400000", "--sim-prefill-rate", "1e9", "--sim-chunk-tokens", "10000000",
	}}}})
	prompt := strings.Repeat("0123456789abcde ", 5<<20/16)
	for _, stream := range []bool{false, true} {
		began := time.Now()
		r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": prompt, "max_tokens": 3, "ignore_eos": true, "stream": stream})
		if r.Status != http.StatusOK || !strings.Contains(string(r.Body), `"finish_reason":"length"`) {
			t.Errorf("stream %v: status %d: %.300s", stream, r.Status, r.Body)
		}
		t.Logf("5 MiB of prompt, stream %v: %s", stream, time.Since(began).Round(time.Millisecond))
	}
	ids := tokenize(t, f, prompt)
	if len(ids) < 1<<20 {
		t.Errorf("5 MiB are %d tokens", len(ids))
	}
}
