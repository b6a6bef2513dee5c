package chaos_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
)

// computeEngine is the metadata service of a GCP machine that is preempted once the channel is closed.
func computeEngine(preempted <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" {
			http.Error(w, "", http.StatusForbidden)
			return
		}
		values := map[string]string{"/computeMetadata/v1/instance/preempted": "FALSE", "/computeMetadata/v1/instance/maintenance-event": "NONE"}
		if strings.HasSuffix(r.URL.Path, "/preempted") {
			wait := time.Duration(0)
			if r.URL.Query().Get("wait_for_change") == "true" {
				wait = time.Minute
			}
			select {
			case <-preempted:
				values[r.URL.Path] = "TRUE"
			case <-time.After(wait):
			case <-r.Context().Done():
			}
		}
		w.Header().Set("Metadata-Flavor", "Google")
		w.Header().Set("ETag", fmt.Sprintf("%x", values[r.URL.Path]))
		fmt.Fprint(w, values[r.URL.Path])
	})
}

// A spot machine is taken away: the stream that runs there ends whole, what had not begun is answered by another worker, and the
// worker's process ends by itself, cleanly.
func TestASpotMachineIsTakenAway(t *testing.T) {
	preempted := make(chan struct{})
	metadata := httptest.NewServer(computeEngine(preempted))
	t.Cleanup(func() { metadata.CloseClientConnections(); metadata.Close() })
	f := newFleet(t, 1, 1, "")
	// A step computes 16 tokens of a prompt at most, in 60 ms: 1,500 tokens take 6 s and more until the first token comes.
	spot := f.worker("spot", "m", "--engine", "sim", "--slots", "2", "--sim-step-base", "20ms", "--sim-chunk-tokens", "16", "--sim-prefill-rate", "400",
		"--grace", "25s", "--spot", "auto", "--spot-metadata-url", metadata.URL)
	f.serving("m", 1)
	post := func(body string) *http.Response {
		resp, err := http.Post("http://"+f.gateways[0].HTTP+"/v1/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return &http.Response{Body: http.NoBody}
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	runs := post(`{"model":"m","prompt":"water","max_tokens":60,"ignore_eos":true,"stream":true}`)
	if by := runs.Header.Get("X-Leat-Worker"); by != "spot" {
		t.Fatalf("%s from %q", runs.Status, by)
	}
	moved := make(chan *http.Response, 1)
	go func() {
		moved <- post(fmt.Sprintf(`{"model":"m","prompt":%q,"max_tokens":2,"ignore_eos":true}`, strings.Repeat("wheel ", 1500)))
	}()
	procs.Within(t, 10*time.Second, "the worker holds both", func() bool { return f.status("spot").GetHeld() == 2 })
	f.worker("other", "m", "--engine", "sim")
	f.serving("m", 2)
	close(preempted)
	procs.Within(t, 5*time.Second, "the router knows why it leaves", func() bool {
		for _, w := range f.pool(f.routers[0], "m").GetWorkers() {
			r := w.GetReport()
			if r.GetState() == inferv1.WorkerState_WORKER_STATE_DRAINING && strings.HasPrefix(r.GetStateNote(), "gcp takes this machine away at ") {
				return true
			}
		}
		return false
	})
	if m := <-moved; m.StatusCode != http.StatusOK || m.Header.Get("X-Leat-Worker") != "other" {
		t.Errorf("what had not begun: %s from %q", m.Status, m.Header.Get("X-Leat-Worker"))
	}
	text, err := io.ReadAll(runs.Body)
	if n := tokensOf(t, string(text)); err != nil || n != 60 || !strings.HasSuffix(string(text), "data: [DONE]\n\n") {
		t.Errorf("the stream that ran: %d of 60 tokens, %v, it ends with %q", n, err, text[max(0, len(text)-200):])
	}
	spot.Ends(t)
}

// tokensOf counts the tokens of a stream of completions, one an event.
func tokensOf(t *testing.T, stream string) (n int) {
	t.Helper()
	for _, line := range strings.Split(stream, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || data == "[DONE]" {
			continue
		}
		var chunk struct{ Choices []struct{ Text string } }
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Errorf("event %q: %v", data, err)
		}
		for _, c := range chunk.Choices {
			if c.Text != "" {
				n++
			}
		}
	}
	return n
}
