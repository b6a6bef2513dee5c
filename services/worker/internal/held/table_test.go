package held_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/held"
)

var t0 = time.Unix(1_000_000, 0)

func table(slots int) *held.Table {
	return held.New(held.Limits{Slots: slots, Keep: 10 * time.Second, KeepBytes: 1000, Silence: 3 * time.Second})
}

func order(number uint64) held.Dispatch {
	return held.Dispatch{
		Key: held.Key{Gateway: "gw", Sequence: number, Attempt: 1}, Ticket: held.Ticket{Router: "r", Number: number}, Pool: "p", Epoch: 5,
	}
}

func none(*held.Sequence) {}

func take(t *testing.T, b *held.Table, d held.Dispatch, now time.Time) *held.Sequence {
	t.Helper()
	s, o := b.Admit(d, now, none)
	if s == nil {
		t.Fatalf("dispatch %d was not taken: verdict %d", d.Number, o.Verdict)
	}
	return s
}

// end ends a sequence and sends its outcome.
func end(b *held.Table, s *held.Sequence, v held.Verdict, bytes int, now time.Time) []held.Ticket {
	tickets := b.End(s, held.Outcome{Verdict: v}, bytes, now)
	for _, k := range tickets {
		b.Sent(k)
	}
	return tickets
}

func TestWhatADispatchMeetsDecidesItsVerdict(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, b *held.Table)
		change func(d *held.Dispatch)
		want   held.Verdict // None with taken false is a mere repetition
		taken  bool
	}{
		{name: "room", taken: true},
		{name: "full", before: func(t *testing.T, b *held.Table) { take(t, b, order(1), t0); take(t, b, order(2), t0) }, want: held.Full},
		{name: "a slot that was freed", taken: true, before: func(t *testing.T, b *held.Table) {
			end(b, take(t, b, order(1), t0), held.Done, 1, t0)
			take(t, b, order(2), t0)
		}},
		{name: "draining", before: func(_ *testing.T, b *held.Table) { b.Close(held.HandedBack) }, want: held.HandedBack},
		{name: "open again", before: func(_ *testing.T, b *held.Table) { b.Close(held.HandedBack); b.Close(held.None) }, taken: true},
		{name: "an older epoch", before: func(t *testing.T, b *held.Table) { take(t, b, order(1), t0) },
			change: func(d *held.Dispatch) { d.Epoch = 4 }, want: held.Fenced},
		{name: "an older epoch of another partition", before: func(t *testing.T, b *held.Table) { take(t, b, order(1), t0) },
			change: func(d *held.Dispatch) { d.Epoch, d.Partition = 4, 1 }, taken: true},
		{name: "an older epoch of another pool", before: func(t *testing.T, b *held.Table) { take(t, b, order(1), t0) },
			change: func(d *held.Dispatch) { d.Epoch, d.Pool = 4, "q" }, taken: true},
		{name: "a refused dispatch's epoch counts", before: func(_ *testing.T, b *held.Table) {
			b.Close(held.HandedBack)
			d := order(1)
			d.Epoch = 6
			b.Admit(d, t0, none)
			b.Close(held.None)
		}, want: held.Fenced},
		{name: "cancelled before it came", before: func(_ *testing.T, b *held.Table) { b.Cancel(order(9).Key, t0) }, want: held.Cancelled},
		{name: "all attempts cancelled before it came", want: held.Cancelled,
			before: func(_ *testing.T, b *held.Table) { b.Cancel(held.Key{Gateway: "gw", Sequence: 9}, t0) }},
		{name: "another attempt cancelled", taken: true,
			before: func(_ *testing.T, b *held.Table) {
				b.Cancel(held.Key{Gateway: "gw", Sequence: 9, Attempt: 2}, t0)
			}},
		{name: "another gateway's cancelled", taken: true,
			before: func(_ *testing.T, b *held.Table) {
				b.Cancel(held.Key{Gateway: "gx", Sequence: 9, Attempt: 1}, t0)
			}},
		{name: "cancelled long ago", taken: true,
			before: func(_ *testing.T, b *held.Table) { b.Cancel(order(9).Key, t0.Add(-time.Minute)) }},
		{name: "running already", before: func(t *testing.T, b *held.Table) { take(t, b, order(9), t0) }},
		{name: "done already", want: held.Done, before: func(t *testing.T, b *held.Table) {
			end(b, take(t, b, order(9), t0), held.Done, 1, t0)
		}},
		{name: "done already, dispatched anew", want: held.Done, change: func(d *held.Dispatch) { d.Number = 10 },
			before: func(t *testing.T, b *held.Table) { end(b, take(t, b, order(9), t0), held.Done, 1, t0) }},
		{name: "to be retried, and the same dispatch again", before: func(t *testing.T, b *held.Table) {
			end(b, take(t, b, order(9), t0), held.Retry, 1, t0)
		}},
		{name: "to be retried, and dispatched anew", taken: true, change: func(d *held.Dispatch) { d.Number = 10 },
			before: func(t *testing.T, b *held.Table) { end(b, take(t, b, order(9), t0), held.Retry, 1, t0) }},
		{name: "late, after newer ones", taken: true, before: func(t *testing.T, b *held.Table) {
			end(b, take(t, b, order(30), t0), held.Done, 1, t0)
		}},
		{name: "late, with the place of one long ago in the window", taken: true, change: func(d *held.Dispatch) { d.Number = 1029 },
			before: func(t *testing.T, b *held.Table) {
				for _, n := range []uint64{5, 600, 1100} {
					end(b, take(t, b, order(n), t0), held.Done, 1, t0)
				}
			}},
		{name: "far too late", before: func(t *testing.T, b *held.Table) {
			end(b, take(t, b, order(3000), t0), held.Done, 1, t0)
		}},
		{name: "a router that starts again", taken: true, change: func(d *held.Dispatch) { d.Number = 1 }, before: func(t *testing.T, b *held.Table) {
			end(b, take(t, b, order(3000), t0), held.Done, 1, t0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := table(2)
			if c.before != nil {
				c.before(t, b)
			}
			d := order(9)
			if c.change != nil {
				c.change(&d)
			}
			s, o := b.Admit(d, t0, none)
			if (s != nil) != c.taken || o.Verdict != c.want {
				t.Errorf("taken %v, verdict %d; want %v, %d", s != nil, o.Verdict, c.taken, c.want)
			}
		})
	}
}

func TestARunningSequenceOwesEveryRouterThatDispatchedIt(t *testing.T) {
	b := table(2)
	s := take(t, b, order(1), t0)
	again := order(1)
	again.Ticket, again.Epoch = held.Ticket{Router: "r2", Number: 7}, 6
	if twin, _ := b.Admit(again, t0, none); twin != nil {
		t.Fatal("ran it twice")
	}
	if n, _ := b.Held(); n != 1 {
		t.Errorf("%d held", n)
	}
	want := []held.Ticket{{Router: "r", Number: 1}, {Router: "r2", Number: 7}}
	if got := b.End(s, held.Outcome{Verdict: held.Done}, 1, t0); !slices.Equal(got, want) {
		t.Errorf("tickets %v", got)
	}
}

func TestHoldingsNameADispatchUntilItsOutcomeIsSent(t *testing.T) {
	b := table(1)
	s := take(t, b, order(1), t0)
	b.Admit(order(2), t0, none) // full
	check := func(when string, highest uint64, numbers ...uint64) {
		t.Helper()
		h := b.Holdings()
		if len(h) != 1 || h[0].Router != "r" || h[0].Highest != highest || !slices.Equal(h[0].Numbers, numbers) {
			t.Errorf("%s: holdings %v", when, h)
		}
	}
	check("both", 2, 1, 2)
	b.Sent(held.Ticket{Router: "r", Number: 2})
	check("refused and said so", 2, 1)
	b.End(s, held.Outcome{Verdict: held.Done}, 1, t0)
	check("ended, not said yet", 2, 1)
	b.Sent(held.Ticket{Router: "r", Number: 1})
	check("said", 2)
	b.Sweep(t0.Add(2*time.Minute), time.Hour)
	if h := b.Holdings(); len(h) != 0 {
		t.Errorf("a router is remembered for ever: %v", h)
	}
}

func TestCancelFindsTheRightAttempts(t *testing.T) {
	b := table(10)
	var all []*held.Sequence
	for attempt := range uint32(3) {
		d := order(uint64(attempt + 1))
		d.Key = held.Key{Gateway: "gw", Sequence: 77, Attempt: attempt + 1}
		all = append(all, take(t, b, d, t0))
	}
	if got := b.Cancel(held.Key{Gateway: "gw", Sequence: 77, Attempt: 2}, t0); len(got) != 1 || got[0] != all[1] {
		t.Errorf("attempt 2: %d stopped", len(got))
	}
	end(b, all[1], held.Cancelled, 0, t0)
	if got := b.Cancel(held.Key{Gateway: "gw", Sequence: 77}, t0); len(got) != 2 {
		t.Errorf("all attempts: %d stopped", len(got))
	}
	if got := b.Cancel(held.Key{Gateway: "other", Sequence: 77}, t0); len(got) != 0 {
		t.Errorf("another gateway stopped %d", len(got))
	}
	for attempt, want := range map[uint32]bool{1: true, 2: false, 3: true} { // 2 ended without a word
		if _, ok := b.Find(held.Key{Gateway: "gw", Sequence: 77, Attempt: attempt}); ok != want {
			t.Errorf("attempt %d is found: %v", attempt, ok)
		}
	}
}

func TestRememberedCancelsAreBounded(t *testing.T) {
	b := table(10)
	for i := range uint64(5000) {
		b.Cancel(held.Key{Gateway: "gw", Sequence: i, Attempt: 1}, t0)
	}
	d := order(1)
	d.Sequence = 0
	take(t, b, d, t0) // the oldest fell out
	d = order(2)
	d.Sequence = 4999
	if _, o := b.Admit(d, t0, none); o.Verdict != held.Cancelled {
		t.Error("the newest fell out, too")
	}
}

func TestEndedSequencesAreKeptForAWhileAndWithinBounds(t *testing.T) {
	b := table(10)
	find := func(n uint64) bool { _, ok := b.Find(order(n).Key); return ok }
	end(b, take(t, b, order(1), t0), held.Done, 400, t0)
	end(b, take(t, b, order(2), t0), held.Done, 400, t0)
	if !find(1) || !find(2) {
		t.Fatal("not kept")
	}
	end(b, take(t, b, order(3), t0), held.Done, 400, t0.Add(time.Second))
	if find(1) || !find(2) || !find(3) {
		t.Error("not the oldest gave way to the bound of 1000 bytes")
	}
	b.Hear("gw", t0.Add(9*time.Second))
	b.Sweep(t0.Add(10500*time.Millisecond), time.Hour)
	if find(2) || !find(3) {
		t.Error("kept by another time than 10 s")
	}
}

func TestSilentGateways(t *testing.T) {
	b := table(10)
	s := take(t, b, order(1), t0)
	other := order(2)
	other.Gateway = "alive"
	take(t, b, other, t0)
	ended := order(3)
	end(b, take(t, b, ended, t0), held.Done, 1, t0)
	for at := time.Duration(0); at <= 3*time.Second; at += 500 * time.Millisecond {
		b.Hear("alive", t0.Add(at))
		if d := b.Sweep(t0.Add(at), time.Hour); len(d.Orphan)+len(d.Gone) > 0 {
			t.Fatalf("given up after %s", at)
		}
	}
	now := t0.Add(3100 * time.Millisecond)
	d := b.Sweep(now, time.Hour)
	if len(d.Orphan) != 1 || d.Orphan[0] != s || len(d.Gone) != 0 {
		t.Fatalf("orphans %v, gone %v", d.Orphan, d.Gone)
	}
	if d := b.Sweep(now, time.Hour); len(d.Orphan) != 0 {
		t.Error("named twice")
	}
	end(b, s, held.Cancelled, 0, now)
	if d := b.Sweep(now, time.Hour); !slices.Equal(d.Gone, []string{"gw"}) {
		t.Errorf("gone %v", d.Gone)
	}
	if _, ok := b.Find(ended.Key); ok {
		t.Error("what a forgotten gateway could ask for is still kept")
	}
	if n, _ := b.Held(); n != 1 {
		t.Errorf("%d held", n)
	}
}

func TestAWorkerThatWasDeafGivesGatewaysTime(t *testing.T) {
	b := table(10)
	take(t, b, order(1), t0)
	b.HearAll(t0.Add(time.Minute))
	if d := b.Sweep(t0.Add(time.Minute+time.Second), time.Hour); len(d.Orphan) != 0 {
		t.Error("given up")
	}
}

func TestDeadlines(t *testing.T) {
	b := table(10)
	d := order(1)
	d.Deadline = t0.Add(time.Second)
	s := take(t, b, d, t0)
	if due := b.Sweep(t0.Add(time.Second), time.Second); len(due.Late) != 0 {
		t.Error("too early")
	}
	if due := b.Sweep(t0.Add(1100*time.Millisecond), time.Second); len(due.Late) != 1 || due.Late[0] != s {
		t.Error("not noticed")
	}
	due := b.Sweep(t0.Add(2200*time.Millisecond), time.Second)
	if len(due.Late) != 0 || due.Stuck != 1 {
		t.Errorf("late %v, stuck %d", due.Late, due.Stuck)
	}
}

// The books agree with a plain model of them whatever arrives in whatever order.
func TestBooksUnderRandomTraffic(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			b, now := table(8), t0
			running := map[held.Key]*held.Sequence{}
			open := map[uint64]bool{}
			var highest uint64
			seen := map[uint64]bool{}
			for range 3000 {
				now = now.Add(time.Duration(rng.IntN(20)) * time.Millisecond)
				b.Hear("gw", now)
				switch rng.IntN(3) {
				case 0, 1:
					n := highest + 1
					if highest > 3 && rng.IntN(4) == 0 {
						n = highest - uint64(rng.IntN(3)) // again, or late
					}
					d := order(n)
					d.Sequence = uint64(rng.IntN(12))
					s, o := b.Admit(d, now, none)
					_, was := running[d.Key]
					if !seen[n] {
						open[n] = true
					}
					seen[n] = true
					highest = max(highest, n)
					switch {
					case s != nil && was:
						t.Fatal("ran twice")
					case s != nil:
						running[d.Key] = s
					case o.Verdict != held.None:
						b.Sent(d.Ticket)
						delete(open, n)
					}
				case 2:
					for k, s := range running {
						v := []held.Verdict{held.Done, held.Retry, held.Cancelled}[rng.IntN(3)]
						for _, ticket := range end(b, s, v, 10, now) {
							delete(open, ticket.Number)
						}
						delete(running, k)
						break
					}
				}
				if n, room := b.Held(); n != len(running) || n > 8 || room != (n < 8) {
					t.Fatalf("%d held, %d running, room %v", n, len(running), room)
				}
				if highest == 0 {
					continue
				}
				h := b.Holdings()[0]
				if h.Highest != highest || len(h.Numbers) != len(open) {
					t.Fatalf("holdings %v; want highest %d and %v", h, highest, open)
				}
			}
		})
	}
}

// A router that owns the partition after all must learn which epoch to claim above.
func TestAFencedRouterHearsWhichEpochIsKnown(t *testing.T) {
	b := held.New(held.Limits{Slots: 4})
	d := order(1)
	d.Epoch = 1000
	take(t, b, d, t0)
	old := order(2)
	old.Epoch = 3
	if _, o := b.Admit(old, t0, none); o.Verdict != held.Fenced || o.Epoch != 1000 {
		t.Fatalf("outcome %+v, want fenced by 1000", o)
	}
}
