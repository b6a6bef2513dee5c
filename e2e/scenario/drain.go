package scenario

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// drainCut: a worker that must leave before its work is done says so in the streams that it cuts; requests after it go
// elsewhere.
func drainCut(t *testing.T, d Driver) {
	f := d.Start(t, Spec{})
	w := slow("alpha")
	w.Args = append(w.Args, "--grace", "300ms")
	leaving := f.AddWorker(t, w)
	Joined(t, f, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cut, err := post(ctx, f.Addrs().HTTP+"/v1/completions", endless)
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Body.Close()
	f.AddWorker(t, slow("beta"))
	leaving.Stop(t)
	list, err := events(cut.Body)
	if err != nil || len(list) == 0 {
		t.Fatalf("the cut stream: %d events, %v", len(list), err)
	}
	if last := list[len(list)-1]; !strings.Contains(last, "worker_draining") {
		t.Errorf("the cut stream ends with %q, want an error event worker_draining", last)
	}
	for range 3 {
		r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "after", "max_tokens": 2})
		if r.Status != http.StatusOK || r.Header.Get("X-Leat-Worker") != "beta" {
			t.Errorf("after it: status %d from %q", r.Status, r.Header.Get("X-Leat-Worker"))
		}
	}
	idle(t, f)
}
