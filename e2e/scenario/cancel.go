package scenario

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// cancel: a client that leaves frees what it held, wherever its request was: decoding, prefilling or queued. The worker
// has one slot, so that the next answer tells.
func cancel(t *testing.T, d Driver) {
	w := slow("alpha")
	w.Args = append(w.Args, "--sim-prefill-rate", "2000", "--sim-chunk-tokens", "64")
	f := d.Start(t, Spec{Workers: []Worker{w}})
	next := object{"model": "sim", "prompt": "next", "max_tokens": 1}
	freed := func(t *testing.T, stage string) {
		began := time.Now()
		r := send(t, f.Addrs().HTTP+"/v1/completions", next)
		took := time.Since(began)
		t.Logf("%s: the next answer came after %s", stage, took.Round(time.Millisecond))
		if r.Status != http.StatusOK || took > 3*time.Second {
			t.Errorf("%s: status %d after %s, want the slot to be free", stage, r.Status, took)
		}
	}

	hold(t, f)()
	freed(t, "left while decoding")

	long := make([]int, 60_000) // half a minute of prefill
	for i := range long {
		long[i] = 10 + i%50
	}
	leave(t, f, object{"model": "sim", "prompt": long, "max_tokens": 1}, 300*time.Millisecond)
	freed(t, "left in the prefill")

	free := hold(t, f)
	leave(t, f, endless, 300*time.Millisecond)
	free()
	freed(t, "left in the queue")
	idle(t, f)
}

// leave sends a request and closes the connection after a while, before anything has been answered.
func leave(t *testing.T, f Fleet, body object, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	resp, err := post(ctx, f.Addrs().HTTP+"/v1/completions", body)
	if err == nil {
		resp.Body.Close()
		t.Fatalf("answered with status %d before the client left", resp.StatusCode)
	}
}

// idle waits until no process holds anything for a client that is gone.
func idle(t *testing.T, f Fleet) {
	t.Helper()
	for _, name := range []string{
		"llm_active_requests", "leat_http_requests_in_flight", "llm_queue_depth", "leat_router_dispatched",
		"vllm:num_requests_running", "vllm:num_requests_waiting",
	} {
		until(t, name+" is 0", func() bool { return sum(t, f, name) == 0 })
	}
}
