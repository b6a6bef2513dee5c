package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/jobs"
)

// online sends streams at random times for a while, 15 a second, and returns what their clients saw.
func (l *labour) online(during time.Duration, seed uint64) (got []*outcome) {
	const rate = 15
	r := rand.New(rand.NewPCG(seed, 2))
	client := newClient()
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := time.Now()
	for i, at := 0, time.Duration(0); at < during; i++ {
		<-time.After(time.Until(begin.Add(at)))
		at += time.Duration(r.ExpFloat64() / rate * float64(time.Second))
		a := ask{Model: "sim", Prompt: fmt.Sprint("Somebody waits for ", i), MaxTokens: 16, IgnoreEOS: true, Stream: true}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			o := send(ctx, client, l.gateways[i%len(l.gateways)].HTTP, a, nil)
			mu.Lock()
			defer mu.Unlock()
			got = append(got, o)
		})
	}
	all.Wait()
	return got
}

// Work in bulk takes what is idle and gives way to people who wait: the time to their first token is about what it is
// without. What is printed is the figure; what fails is a client that waits for a bulk answer to end, and, where enough
// requests were sent for a p99 (-online-for 20s and more), one above 1.2 × the one without.
func TestBulkWorkGivesWay(t *testing.T) {
	l := &labour{fleet: newFleet(t, 1, 2, ""), t: t}
	for i := range 3 {
		l.worker(fmt.Sprintf("w%d", i), "sim", "--engine", "sim", "--slots", "16", "--sim-step-base", "25ms")
	}
	l.serving("sim", 3)
	c, b := l.client()
	procs.AwaitStream(t, b.JetStream(), events.ResultsStream)
	during := *onlineFor
	without := l.online(during, 1)
	const tokens = 96 // a bulk answer takes some 2.5 s
	submit := func(n int) {
		for i := range n {
			body, err := json.Marshal(ask{Model: "sim", Prompt: fmt.Sprint("Nobody waits for ", i), MaxTokens: tokens, IgnoreEOS: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Submit(t.Context(), &jobs.Job{ID: fmt.Sprint("bulk-", i), Class: jobs.Bulk, Tenant: "t", Kind: "completions", Request: body}); err != nil {
				t.Fatal(err)
			}
		}
	}
	total := 48*int(during/time.Second)/2 + 100 // more than the fleet can do meanwhile
	submit(total)
	procs.Within(t, 20*time.Second, "bulk work has the idle slots", func() bool {
		held := 0
		for name := range l.workers {
			held += int(l.status(name).GetHeld())
		}
		return held >= 24
	})
	with := l.online(during, 1)
	done := 0
	if err := c.Results(t.Context(), "completions", time.Now().Add(-time.Hour), func(*jobs.Result) bool { done++; return done < total/4 }); err != nil {
		t.Fatal(err)
	}
	l.givesWay("bulk work", without, with)
}

// givesWay holds what online clients saw beside something against what they saw without it.
func (l *labour) givesWay(what string, without, with []*outcome) {
	t, during := l.t, *onlineFor
	t.Helper()
	for _, o := range append(without, with...) {
		if o.verdict() != complete {
			t.Fatalf("an online request failed: %v", o)
		}
	}
	q := func(got []*outcome, q float64) time.Duration { return quantile(got, q, firstToken) }
	tell(t, "time to first token beside %s (%d online requests): p50 %v, without %v; p99 %v, without %v: %.2f ×", what, len(with),
		q(with, .5).Round(time.Millisecond), q(without, .5).Round(time.Millisecond),
		q(with, .99).Round(time.Millisecond), q(without, .99).Round(time.Millisecond), float64(q(with, .99))/float64(q(without, .99)))
	if p := q(with, .99); during >= 20*time.Second && p > q(without, .99)*6/5 {
		t.Errorf("p99 %v beside %s, want at most 1.2 × %v", p, what, q(without, .99))
	}
	if p := q(with, .9); p > q(without, .9)+time.Second {
		t.Errorf("p90 %v beside %s, %v without: people wait for it", p, what, q(without, .9))
	}
}
