package scenario

import "testing"

// Run runs every scenario over a driver.
func Run(t *testing.T, d Driver) {
	t.Run("answers", func(t *testing.T) { shared(t, d, answers) })
	t.Run("refusals", func(t *testing.T) { shared(t, d, refusals) })
	t.Run("grpc", func(t *testing.T) { shared(t, d, overGRPC) })
	for _, s := range []struct {
		name string
		run  func(*testing.T, Driver)
	}{
		{"queue full", queueFull},
		{"no worker", noWorker},
		{"time-outs", timeouts},
		{"large prompt", largePrompt},
		{"cancel", cancel},
		{"slow client", slowClient},
		{"slow caller over gRPC", slowCaller},
		{"worker joins and leaves", joinAndLeave},
		{"drain past its grace", drainCut},
		{"worker killed", killed},
		{"trace and canary", canary},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, d) })
	}
}

// part is a scenario on a fleet that it shares with others.
type part struct {
	name string
	run  func(*testing.T, Fleet)
}

// shared runs parts, one after the other, on one fleet of a fast worker.
func shared(t *testing.T, d Driver, parts []part) {
	f := d.Start(t, Spec{Workers: []Worker{fast("alpha")}})
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.run(t, f) })
	}
}
