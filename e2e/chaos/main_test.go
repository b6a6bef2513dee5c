// Package chaos_test breaks real processes in the middle of real work and looks at what clients see, how long it lasts
// and what is left behind. Everything runs on the loopback interface against an external nats-server; every test is
// bounded in time. Delays are printed; the bounds that fail a test leave room for a busy machine.
package chaos_test

import (
	"flag"
	"testing"
	"time"
)

// report is where the measured page goes; empty: nowhere.
var report = flag.String("faults-report", "", "`FILE` to write what was measured to, such as docs/faults.md")

// within polls a condition until it holds and returns how long that took; it fails the test after limit.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		<-tick.C
	}
	return time.Since(began)
}
