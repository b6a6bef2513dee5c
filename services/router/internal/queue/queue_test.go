package queue_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/queue"
)

var t0 = time.Unix(1_800_000_000, 0)

type item = queue.Item[int]

func push(t testing.TB, q *queue.Queue[int], c queue.Class, tenant string, cost int) *item {
	t.Helper()
	it := &item{Class: c, Tenant: tenant, Cost: cost}
	if err := q.Push(it); err != nil {
		t.Fatal(err)
	}
	return it
}

func take(q *queue.Queue[int], now time.Time) *item {
	it := q.Next()
	if it != nil {
		q.Take(it, now)
	}
	return it
}

func TestAFloodingTenantDoesNotSlowAnotherByMoreThanAQuantumAndAnItem(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		q := queue.New[int](queue.Config{MaxItems: 100_000})
		largest := 1 + r.IntN(5000)
		for range 5000 { // the flood comes first
			push(t, q, queue.Normal, "flood", 1+r.IntN(largest))
		}
		for range 200 {
			push(t, q, queue.Normal, "quiet", 1+r.IntN(largest))
		}
		served := map[string]int{}
		for left := 200; left > 0; {
			it := take(q, t0)
			served[it.Tenant] += it.Cost
			if it.Tenant == "quiet" {
				left--
			}
			if diff := served["flood"] - served["quiet"]; diff > 256+largest || -diff > 256+largest {
				t.Fatalf("seed %d: flood %d, quiet %d tokens: apart by more than a quantum and the largest item (%d)",
					seed, served["flood"], served["quiet"], 256+largest)
			}
		}
	}
}

func TestManyTenantsShareEqually(t *testing.T) {
	q := queue.New[int](queue.Config{MaxItems: 100_000})
	r := rand.New(rand.NewPCG(7, 7))
	const tenants, largest = 50, 20_000
	for i := range tenants * 200 {
		push(t, q, queue.Bulk, fmt.Sprint("t", i%tenants), 1+r.IntN(largest))
	}
	served := map[string]int{}
	for range tenants * 100 {
		it := take(q, t0)
		served[it.Tenant] += it.Cost
	}
	lo, hi := 1<<60, 0
	for _, v := range served {
		lo, hi = min(lo, v), max(hi, v)
	}
	if len(served) != tenants || hi-lo > 2*(256+largest) {
		t.Fatalf("%d tenants were served between %d and %d tokens", len(served), lo, hi)
	}
}

func TestHigherClassesGoFirst(t *testing.T) {
	q := queue.New[int](queue.Config{Relief: -1})
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		push(t, q, queue.Class(r.IntN(3)), fmt.Sprint(r.IntN(4)), 1+r.IntN(3000))
	}
	last := queue.High
	for it := take(q, t0); it != nil; it = take(q, t0) {
		if it.Class < last {
			t.Fatalf("class %d was served after class %d", it.Class, last)
		}
		last = it.Class
	}
}

func TestLowerClassesAreNotStarved(t *testing.T) {
	const relief = 64
	q := queue.New[int](queue.Config{Relief: relief})
	push(t, q, queue.Normal, "n", 10)
	push(t, q, queue.Bulk, "b", 10)
	at := map[queue.Class]int{}
	for i := range 200 {
		push(t, q, queue.High, "h", 10)
		it := take(q, t0)
		if _, seen := at[it.Class]; !seen {
			at[it.Class] = i
		}
	}
	if at[queue.Normal] != relief || at[queue.Bulk] != relief+1 {
		t.Fatalf("first normal after %d, first bulk after %d items; want %d and %d", at[queue.Normal], at[queue.Bulk], relief, relief+1)
	}
}

func TestEarliestDueFirstWithinATenantThenArrival(t *testing.T) {
	q := queue.New[int](queue.Config{})
	for i, due := range []int{0, 5, 3, 0, 3, 9} { // 0: none
		it := &item{Class: queue.Normal, Tenant: "a", Cost: 1, Value: i}
		if due > 0 {
			it.Due = t0.Add(time.Duration(due) * time.Second)
		}
		if err := q.Push(it); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{2, 4, 1, 5, 0, 3} {
		if got := take(q, t0).Value; got != want {
			t.Fatalf("got item %d, want %d", got, want)
		}
	}
}

func TestBoundsRefuseByCountAndByTokens(t *testing.T) {
	q := queue.New[int](queue.Config{MaxItems: 3, MaxTokens: 100})
	push(t, q, queue.Normal, "a", 90)
	if err := q.Push(&item{Tenant: "a", Cost: 20}); !errors.Is(err, queue.ErrTokens) {
		t.Fatalf("got %v, want ErrTokens", err)
	}
	push(t, q, queue.Normal, "a", 5)
	push(t, q, queue.Normal, "a", 5)
	if err := q.Push(&item{Tenant: "a"}); !errors.Is(err, queue.ErrCount) {
		t.Fatalf("got %v, want ErrCount", err)
	}
	take(q, t0)
	push(t, q, queue.Normal, "a", 1)
}

func TestRetryAfterIsWhatWaitsOverTheMeasuredDrain(t *testing.T) {
	q := queue.New[int](queue.Config{})
	if d := q.RetryAfter(queue.ErrCount, t0); d != 5*time.Second {
		t.Fatalf("unmeasured: %v, want 5s", d)
	}
	now := t0
	for range 2000 { // 100 items and 5,000 tokens a second for 20 s
		push(t, q, queue.Normal, "a", 50)
		take(q, now)
		now = now.Add(10 * time.Millisecond)
	}
	for range 1000 {
		push(t, q, queue.Normal, "a", 100)
	}
	for _, c := range []struct {
		err  error
		want time.Duration
	}{{queue.ErrCount, 10 * time.Second}, {queue.ErrTokens, 20 * time.Second}} {
		if d := q.RetryAfter(c.err, now); d < c.want*9/10 || d > c.want*11/10 {
			t.Errorf("%v: retry after %v, want about %v", c.err, d, c.want)
		}
	}
}

// TestAnyOrderOfCallsKeepsTheBooks drives a queue with random calls against a plain list of what must be in it.
func TestAnyOrderOfCallsKeepsTheBooks(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 2))
		q := queue.New[int](queue.Config{MaxItems: 64})
		in, now := map[*item]bool{}, t0
		for step := range 3000 {
			now = now.Add(time.Duration(r.IntN(50)) * time.Millisecond)
			switch r.IntN(5) {
			case 0, 1:
				it := &item{Class: queue.Class(r.IntN(3)), Tenant: fmt.Sprint(r.IntN(5)), Cost: r.IntN(4000), Value: step}
				if r.IntN(2) == 0 {
					it.Expire = now.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
				}
				if err := q.Push(it); (err == nil) != (len(in) < 64) {
					t.Fatalf("push with %d in it: %v", len(in), err)
				} else if err == nil {
					in[it] = true
				}
			case 2:
				if it := take(q, now); (it == nil) != (len(in) == 0) || it != nil && !in[it] {
					t.Fatal("took what is not there, or nothing although something waits")
				} else {
					delete(in, it)
				}
			case 3:
				for it := range in {
					if !q.Remove(it) || q.Remove(it) {
						t.Fatal("a waiting item is removed exactly once")
					}
					delete(in, it)
					break
				}
			case 4:
				for it := q.Expired(now); it != nil; it = q.Expired(now) {
					if !in[it] || it.Expire.After(now) {
						t.Fatal("expired what is not there or not due")
					}
					delete(in, it)
				}
				for it := range in {
					if !it.Expire.IsZero() && !it.Expire.After(now) {
						t.Fatal("an expired item stayed")
					}
				}
			}
			tokens := 0
			for it := range in {
				tokens += it.Cost
			}
			if q.Len() != len(in) || q.Tokens() != tokens {
				t.Fatalf("books say %d items and %d tokens, want %d and %d", q.Len(), q.Tokens(), len(in), tokens)
			}
		}
	}
}

func BenchmarkPushTake(b *testing.B) {
	q := queue.New[int](queue.Config{MaxItems: 1 << 20})
	items, names := make([]item, 4096), make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprint("tenant", i)
	}
	now := t0
	for i := 0; b.Loop(); i++ {
		it := &items[i%len(items)]
		if it.Waiting() {
			q.Remove(it)
		}
		*it = item{Class: queue.Class(i % 3), Tenant: names[i%100], Cost: 100 + i%4000, Expire: now.Add(time.Second)}
		if err := q.Push(it); err != nil {
			b.Fatal(err)
		}
		if i%2 == 0 {
			take(q, now)
		}
		now = now.Add(time.Microsecond)
	}
}
