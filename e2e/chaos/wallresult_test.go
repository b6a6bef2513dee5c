package chaos_test

import (
	"fmt"
	"testing"
	"time"
)

// stall is for how long a client may wait for text before its user takes the answer for dead.
const stall = 3 * time.Second

// result is one row of the wall.
type result struct {
	evil                         evil
	front                        string
	streams, whole, held, given  int // held: streams on the bad engine at the fault; given: that began there while it was bad
	status, events, cuts, stalls int
	first, out, back             time.Duration
	wrong                        []*outcome
}

// count sorts what clients saw.
func (r *result) count(got []*outcome, began, healed time.Time) {
	var during []*outcome
	for _, o := range got {
		if !o.ask.Stream {
			r.whole++
		} else {
			r.streams++
			if o.worker == bad && o.began.Before(began) && o.ended.After(began) {
				r.held++
			}
			if o.began.After(began) && o.began.Before(healed) && !o.first.IsZero() {
				during = append(during, o)
				if o.worker == bad {
					r.given++
				}
			}
		}
		if r.spoilt(o) {
			r.wrong = append(r.wrong, o)
		}
	}
	r.first = quantile(during, 0.99, func(o *outcome) time.Duration { return o.first.Sub(o.began) })
}

// spoilt counts an answer that is not what was asked for.
func (r *result) spoilt(o *outcome) bool {
	longest := o.gap
	if !o.ask.Stream {
		longest = o.ended.Sub(o.began)
	}
	switch v := o.verdict(); {
	case v == hung || longest > stall:
		r.stalls++
	case v == complete && intact(o):
		return false
	case o.status >= 400:
		r.status++
	case v == broken:
		r.events++
	default:
		r.cuts++
	}
	return true
}

// judge fails the test where the fault cost more than it may.
func (r *result) judge(t *testing.T, began time.Time) {
	t.Helper()
	shown := 0
	for _, o := range r.wrong {
		excused := r.evil.held && o.verdict() == broken && o.worker == bad && o.chunks > 0 && o.began.Before(began.Add(2*idleTimeout))
		if excused {
			continue
		}
		if shown++; shown <= 10 {
			t.Errorf("%s: %v", r.evil.name, o)
		}
	}
	if !r.evil.in && (r.out == 0 || r.out > 3*idleTimeout) {
		t.Errorf("%s: out after %v, want within %v", r.evil.name, r.out, idleTimeout)
	}
	if r.back == 0 || r.back > 12*time.Second { // the page has the figure of a quiet machine
		t.Errorf("%s: back after %v (0: never), want soon", r.evil.name, r.back)
	}
}

// intact tells that no token of a complete answer was lost, doubled or swapped: token i is " ti".
func intact(o *outcome) bool {
	want := ""
	for i := range o.ask.MaxTokens {
		want += fmt.Sprintf(" t%d", i)
	}
	return o.text == want
}

// row is the result as a row of a Markdown table.
func (r *result) row() string {
	out := "–"
	if r.out > 0 {
		out = fmt.Sprintf("%.2f", r.out.Seconds())
	}
	back := "later"
	if r.back > 0 {
		back = fmt.Sprintf("%.2f", r.back.Seconds())
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d | %s | %s |", r.evil.name, r.front, r.streams, r.whole, r.held,
		r.status, r.events, r.cuts, r.stalls, r.first.Milliseconds(), out, back)
}
