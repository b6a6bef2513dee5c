//go:build !linux

package upstream

import "time"

// sleepUntil sleeps as precisely as Go's timers do.
func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
