package chaos_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a client waits for the end of one request; who needs longer hangs.
const patience = 30 * time.Second

// load is a number of clients that send one request after another until they are told to stop.
type load struct {
	next    func(client, i int) ask
	rest    func(*outcome) time.Duration // before a client's next request
	address func(client int) string
	client  *http.Client
	stopped chan struct{}
	group   sync.WaitGroup
	mu      sync.Mutex
	got     []*outcome
}

// begin starts n clients. address says where a client's next request goes.
func begin(n int, address func(client int) string, next func(client, i int) ask) *load {
	return beginResting(n, address, next, func(o *outcome) time.Duration {
		if o.status == 0 { // nobody there: do not spin
			return 50 * time.Millisecond
		}
		return 0
	})
}

// beginResting is begin with clients that rest after each answer.
func beginResting(n int, address func(client int) string, next func(client, i int) ask, rest func(*outcome) time.Duration) *load {
	l := &load{next: next, rest: rest, address: address, client: newClient(), stopped: make(chan struct{})}
	for c := range n {
		l.group.Go(func() { l.run(c) })
	}
	return l
}

func (l *load) run(client int) {
	for i := 0; ; i++ {
		select {
		case <-l.stopped:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		o := send(ctx, l.client, l.address(client), l.next(client, i), nil)
		cancel()
		l.mu.Lock()
		l.got = append(l.got, o)
		l.mu.Unlock()
		if d := l.rest(o); d > 0 {
			select {
			case <-l.stopped:
			case <-time.After(d):
			}
		}
	}
}

// end lets the clients finish what they have sent, and returns what they saw in order of beginning.
func (l *load) end() []*outcome {
	close(l.stopped)
	l.group.Wait()
	l.client.CloseIdleConnections()
	slices.SortFunc(l.got, func(a, b *outcome) int { return a.began.Compare(b.began) })
	return l.got
}

// seen is how many requests have ended so far.
func (l *load) seen() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.got)
}

// back is the wall's back of the requests that have ended so far.
func (l *load) back(healed time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return back(l.got, healed)
}

// tally counts outcomes by verdict and code, for people.
func tally(got []*outcome) string {
	counts := map[string]int{}
	for _, o := range got {
		counts[strings.TrimSpace(string(o.verdict())+" "+o.code)]++
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[k], k))
	}
	return strings.Join(parts, ", ")
}

// book is what the model says to each request when nothing disturbs it.
type book map[ask]string

// learn asks for every page once, n at a time.
func learn(t *testing.T, addr string, n int, pages []ask) book {
	t.Helper()
	b, client := book{}, newClient()
	defer client.CloseIdleConnections()
	for part := range slices.Chunk(pages, n) {
		got := make([]*outcome, len(part))
		var group sync.WaitGroup
		for i, a := range part {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				got[i] = send(ctx, client, addr, a, nil)
			})
		}
		group.Wait()
		for _, o := range got {
			if o.verdict() != complete || o.text == "" {
				t.Fatalf("undisturbed request: %v", o)
			}
			b[o.ask] = o.text
		}
	}
	return b
}

// honest fails the test where a text is not the undisturbed one, or where a request ended in none of the ways that are
// allowed. excused says which of the others are expected; nil: none.
func (b book) honest(t *testing.T, got []*outcome, excused func(*outcome) bool) {
	t.Helper()
	shown := 0
	bad := func(format string, args ...any) {
		if shown++; shown <= 10 {
			t.Errorf(format, args...)
		}
	}
	for _, o := range got {
		want, known := b[o.ask]
		switch {
		case !known:
			bad("a request that nobody learnt: %+v", o.ask)
		case o.verdict() == complete && o.text != want:
			bad("a complete answer of %d bytes is not the undisturbed one of %d: %v", len(o.text), len(want), o)
		case !strings.HasPrefix(want, o.text):
			bad("a part of an answer is not the beginning of the undisturbed one: %v", o)
		case o.verdict() != complete && (excused == nil || !excused(o)):
			bad("%v", o)
		}
	}
	if shown > 10 {
		t.Errorf("and %d more", shown-10)
	}
}

// quantile of what f measures, over those where it is above 0.
func quantile(got []*outcome, q float64, f func(*outcome) time.Duration) time.Duration {
	var all []time.Duration
	for _, o := range got {
		if d := f(o); d > 0 {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.SortFunc(all, cmp.Compare)
	return all[min(int(q*float64(len(all))), len(all)-1)]
}
