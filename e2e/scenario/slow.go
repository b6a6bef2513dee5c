package scenario

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
)

// slowClient: a client that reads nothing pauses only itself and is cut at the limit; should it read on soon, it finds an
// error event at the end of what was on its way. Another client of the same worker has its own answers meanwhile.
func slowClient(t *testing.T, d Driver) {
	w := fast("alpha")
	w.Args = append(w.Args, "--slots", "2", "--sim-kv-blocks", "50000")
	f := d.Start(t, Spec{Config: "gateway: {slow_client: 5s}\n", Workers: []Worker{w}})
	body := readNothing(t, f)
	last, same := 0.0, 0
	until(t, "the slow client's sequence is paused", func() bool {
		now := sum(t, f, "vllm:generation_tokens_total")
		if now != last {
			same = 0
		}
		last, same = now, same+1
		return now > 0 && same == 5
	})
	for range 20 {
		began := time.Now()
		r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "quick", "max_tokens": 20, "ignore_eos": true})
		if took := time.Since(began); r.Status != http.StatusOK || took > 2*time.Second {
			t.Errorf("another client: status %d after %s", r.Status, took)
		}
	}
	for _, name := range []string{"llm_active_requests", "vllm:num_requests_running", "leat_router_dispatched"} {
		until(t, name+" is 0: the slow client holds nothing any more", func() bool { return sum(t, f, name) == 0 })
	}
	rest, err := io.ReadAll(body)
	end := rest[max(0, len(rest)-400):]
	if err != nil || strings.Contains(string(rest), "[DONE]") || !strings.Contains(string(end), `"code":"slow_client"`) {
		t.Errorf("a stream that was cut ends after %d bytes with %v: %s", len(rest), err, end)
	}
	idle(t, f)
	t.Logf("%d bytes were on their way, then an error event", len(rest))
}

// readNothing starts a long stream and reads nothing of it; the buffers of both kernels take in some megabytes.
func readNothing(t *testing.T, f Fleet) io.Reader {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}} // a connection of its own
	t.Cleanup(client.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.Addrs().HTTP+"/v1/completions",
		strings.NewReader(`{"model":"sim","prompt":"slow","max_tokens":700000,"ignore_eos":true,"stream":true,"logprobs":20}`))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the slow client's request: %v, %v", resp, err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp.Body
}

// slowCaller: the same over gRPC, where a handler that waits for its client heeds no time of its own.
func slowCaller(t *testing.T, d Driver) {
	w := fast("alpha")
	w.Args = append(w.Args, "--sim-kv-blocks", "50000")
	f := d.Start(t, Spec{Config: "gateway: {slow_client: 1s}\n", Workers: []Worker{w}})
	stream, err := gatewayv1.NewGatewayServiceClient(dial(t, f)).Generate(t.Context(), &gatewayv1.GenerateRequest{
		Model: "sim", Prompt: "slow", MaxTokens: 700_000, IgnoreEos: true, Logprobs: true, TopLogprobs: 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil { // and nothing more
		t.Fatal(err)
	}
	until(t, "the call has begun", func() bool { return sum(t, f, "leat_rpc_in_flight") == 1 })
	until(t, "the handler of a caller that reads nothing has ended", func() bool { return sum(t, f, "leat_rpc_in_flight") == 0 })
	until(t, "it is booked by what the caller hears", func() bool { return sum(t, f, `llm_requests_total{model="sim",status="504"}`) == 1 })
	for err == nil {
		_, err = stream.Recv()
	}
	if reason(err) != "slow_client" {
		t.Errorf("the stream ended with %v", err)
	}
	idle(t, f)
}
