// Package chaos_test breaks real processes in the middle of real work and looks at what clients see, how long it lasts
// and what is left behind. Everything runs on the loopback interface against an external nats-server; every test is
// bounded in time. Delays are printed; the bounds that fail a test leave room for a busy machine.
package chaos_test

import "flag"

// report is where the measured page goes; empty: nowhere.
var report = flag.String("faults-report", "", "`FILE` to write what was measured to, such as docs/faults.md")
