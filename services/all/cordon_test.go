package all_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/pool"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// chat sends a request and returns its answer, and who gave it.
func (f *fleet) chat(t *testing.T, tokens int, stream bool) (worker string, resp *http.Response) {
	t.Helper()
	body := fmt.Sprintf(`{"model":"sim","stream":%t,"ignore_eos":true,"max_tokens":%d,"messages":[{"role":"user","content":"hello"}]}`, stream, tokens)
	resp, err := http.Post(f.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp.Header.Get("X-Leat-Worker"), resp
}

// Requests go past a cordoned worker from the moment that it has heard, what runs there goes on to its end, and its model is
// there even while nobody may take work.
func TestRequestsGoPastACordonedWorker(t *testing.T) {
	t.Parallel()
	f := start(t, pool.Timeouts{})
	b := bustest.Connect(t, f.srv, bus.Options{Name: "tool"})
	tell := func(worker string, on bool) {
		t.Helper()
		c := &inferv1.Control{Control: &inferv1.Control_Uncordon{Uncordon: &inferv1.Uncordon{}}}
		if on {
			c = &inferv1.Control{Control: &inferv1.Control_Cordon{Cordon: &inferv1.Cordon{}}}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := b.Request(ctx, events.Control.Name(worker), c, &inferv1.Pong{}); err != nil {
			t.Fatal(err)
		}
	}
	worker, running := f.chat(t, 400, true)
	other := map[string]string{"w0": "w1", "w1": "w0"}[worker]
	if other == "" {
		t.Fatalf("%s from %q", running.Status, worker)
	}
	tell(worker, true)
	for range 20 {
		if by, resp := f.chat(t, 1, false); resp.StatusCode != http.StatusOK || by != other {
			t.Fatalf("%s from %q, want %s", resp.Status, by, other)
		}
	}
	last, chunks := "", 0
	for sc := bufio.NewScanner(running.Body); sc.Scan(); {
		if data, ok := strings.CutPrefix(sc.Text(), "data: "); ok {
			last, chunks = data, chunks+1
		}
	}
	if last != "[DONE]" || chunks < 100 || running.Header.Get("X-Leat-Worker") != worker {
		t.Errorf("the stream that ran ended with %q after %d events", last, chunks)
	}
	tell(other, true)
	_, refused := f.chat(t, 1, false)
	if text, _ := io.ReadAll(refused.Body); refused.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "leat uncordon") {
		t.Errorf("with nobody to take it: %s %s", refused.Status, text)
	}
	f.awaitModel(t, "sim")
	tell(worker, false)
	until(t, "the router has heard of it, and asks it again", func() bool {
		by, resp := f.chat(t, 1, false)
		return resp.StatusCode == http.StatusOK && by == worker
	})
}
