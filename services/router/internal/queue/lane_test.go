package queue_test

import (
	"testing"
	"time"

	"github.com/leathq/leat/services/router/internal/queue"
)

// What is set aside is still served by class and arrival with all the rest, once it can be.
func TestLanesAreServedByClassAndArrival(t *testing.T) {
	q := queue.New[int](queue.Config{MaxItems: 6, Quantum: 1000})
	items := make([]*queue.Item[int], 6)
	for i, c := range []queue.Class{queue.Bulk, queue.Normal, queue.Normal, queue.High, queue.Normal, queue.Bulk} {
		items[i] = &queue.Item[int]{Class: c, Tenant: "t", Cost: 1, Value: i}
		if err := q.Push(items[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{1, 3, 5} {
		q.Aside(items[i], "x")
	}
	if err := q.Push(&queue.Item[int]{Tenant: "t"}); err != queue.ErrCount {
		t.Errorf("lanes have bounds of their own: %v", err)
	}
	q.Block(items[1]) // of class normal: the high one is not kept back
	now := time.Unix(1, 0)
	for _, want := range []int{3, 2, 4, 0} {
		it := q.Next()
		if it == nil || it.Value != want {
			t.Fatalf("next is %v, want %d", it, want)
		}
		q.Take(it, now)
	}
	if it := q.Next(); it != nil || q.Len() != 2 || !q.Blocked("x", queue.Bulk) || q.Blocked("x", queue.High) {
		t.Fatalf("%v of a lane that is kept back; %d left", it, q.Len())
	}
	q.Unblock()
	for _, want := range []int{1, 5} {
		it := q.Next()
		if it == nil || it.Value != want {
			t.Fatalf("next is %v, want %d", it, want)
		}
		q.Take(it, now)
	}
	if len(q.Lanes()) != 0 || q.Len() != 0 || q.Tokens() != 0 {
		t.Errorf("left: lanes %v, %d items", q.Lanes(), q.Len())
	}
}

// A lower class of one lane is not starved by higher ones of another.
func TestReliefCountsOverLanes(t *testing.T) {
	q := queue.New[string](queue.Config{Relief: 4})
	bulk := &queue.Item[string]{Class: queue.Bulk, Tenant: "t", Value: "bulk"}
	push := func(it *queue.Item[string]) {
		if err := q.Push(it); err != nil {
			t.Fatal(err)
		}
	}
	push(bulk)
	q.Aside(bulk, "x")
	for served := 0; ; served++ {
		push(&queue.Item[string]{Class: queue.Normal, Tenant: "t"})
		it := q.Next()
		if it == bulk {
			if served != 4 {
				t.Errorf("served after %d others, want 4", served)
			}
			return
		}
		if served > 10 {
			t.Fatal("starved")
		}
		q.Take(it, time.Unix(int64(served), 0))
	}
}
