package chaos_test

import (
	"syscall"
	"testing"

	"github.com/leathq/leat/e2e/driver/procs"
)

func signal(t *testing.T, p *procs.Process, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(p.PID(), s); err != nil {
		t.Fatalf("signal %v: %v", s, err)
	}
}

// stop makes a process hang; it goes on at the end of the test, so that it can be stopped cleanly.
func stop(t *testing.T, p *procs.Process) {
	t.Helper()
	signal(t, p, syscall.SIGSTOP)
	t.Cleanup(func() { _ = syscall.Kill(p.PID(), syscall.SIGCONT) }) // it may have ended
}
