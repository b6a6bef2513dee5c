package scenario

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// crowd is clients that call one after the other until told to stop.
type crowd struct {
	mu      sync.Mutex
	by      map[string]int // answers by worker
	failed  []string
	stop    chan struct{}
	working sync.WaitGroup
}

// callers starts n clients.
func callers(t *testing.T, f Fleet, n int) *crowd {
	c := &crowd{by: map[string]int{}, stop: make(chan struct{})}
	for i := range n {
		c.working.Go(func() {
			for k := 0; ; k++ {
				select {
				case <-c.stop:
					return
				default:
				}
				c.call(t.Context(), f, i, k)
			}
		})
	}
	return c
}

func (c *crowd) call(ctx context.Context, f Fleet, i, k int) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	want := 5 + k%20
	resp, err := post(ctx, f.Addrs().HTTP+"/v1/completions", object{
		"model": "sim", "prompt": fmt.Sprintf("client %d call %d", i, k), "max_tokens": want, "ignore_eos": true,
	})
	fault := ""
	worker := ""
	if err != nil {
		fault = err.Error()
	} else {
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		worker = resp.Header.Get("X-Leat-Worker")
		if err != nil || resp.StatusCode != http.StatusOK {
			fault = fmt.Sprintf("status %d, %v: %.200s", resp.StatusCode, err, body)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by[worker]++
	if fault != "" {
		c.failed = append(c.failed, fault)
	}
}

func (c *crowd) answers(worker string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[worker]
}

// end stops the clients and fails the test for every call that failed.
func (c *crowd) end(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.working.Wait()
	for _, f := range c.failed {
		t.Errorf("a call failed: %s", f)
	}
	t.Logf("answers by worker: %v", c.by)
}

// joinAndLeave: under load, a worker joins and gets work, another drains, and no client notices.
func joinAndLeave(t *testing.T, d Driver) {
	w := func(name string) Worker {
		return Worker{Name: name, Args: []string{"--engine", "sim", "--slots", "4", "--sim-step-base", "5ms"}}
	}
	f := d.Start(t, Spec{Workers: []Worker{w("alpha")}})
	first := f.AddWorker(t, w("beta"))
	c := callers(t, f, 8)
	until(t, "both workers answer", func() bool { return c.answers("alpha") > 10 && c.answers("beta") > 10 })
	first.Stop(t)
	left := c.answers("beta")
	f.AddWorker(t, w("gamma"))
	until(t, "the worker that joined answers", func() bool { return c.answers("gamma") > 10 })
	c.end(t)
	if late := c.answers("beta") - left; late > 8 {
		t.Errorf("%d answers of a worker that had left, more than were in flight", late)
	}
	idle(t, f)
}

// killed: a worker dies without a word. Streams that it had begun end with one typed error event, requests without a
// token yet go elsewhere unseen, and so does everything after.
func killed(t *testing.T, d Driver) {
	f := d.Start(t, Spec{})
	victim := f.AddWorker(t, slow("alpha"))
	Joined(t, f, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begun, err := post(ctx, f.Addrs().HTTP+"/v1/completions", endless)
	if err != nil {
		t.Fatal(err)
	}
	defer begun.Body.Close()
	waiting := make(chan reply, 1)
	go func() {
		waiting <- send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "waits", "max_tokens": 3})
	}()
	until(t, "a second request waits", func() bool { return sum(t, f, "llm_queue_depth") == 1 })
	f.AddWorker(t, slow("beta"))
	if r := <-waiting; r.Status != http.StatusOK || r.Header.Get("X-Leat-Worker") != "beta" {
		t.Errorf("the waiting request: status %d from %q", r.Status, r.Header.Get("X-Leat-Worker"))
	}
	victim.Kill(t)
	list, err := events(begun.Body)
	if err != nil || len(list) == 0 {
		t.Fatalf("the broken stream: %d events, %v", len(list), err)
	}
	if last := list[len(list)-1]; !strings.Contains(last, "worker_lost") {
		t.Errorf("the broken stream ends with %q, want an error event worker_lost", last)
	}
	r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "after", "max_tokens": 3})
	if r.Status != http.StatusOK || r.Header.Get("X-Leat-Worker") != "beta" {
		t.Errorf("after it: status %d from %q", r.Status, r.Header.Get("X-Leat-Worker"))
	}
	idle(t, f)
}
