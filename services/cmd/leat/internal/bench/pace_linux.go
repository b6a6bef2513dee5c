package bench

import (
	"context"
	"runtime"
	"syscall"
	"time"
)

// prSetTimerSlack is PR_SET_TIMERSLACK of prctl(2): how late the kernel may end a sleep of this thread.
const prSetTimerSlack = 29

// sleepUntil waits for a time to some 10 µs; false when ctx ended. Go's own timers wait in whole milliseconds when the
// process is idle, which would put up to 1 ms into every latency of an open loop, so the last stretch is a system call.
func sleepUntil(ctx context.Context, t time.Time) bool {
	const coarse = 4 * time.Millisecond
	left := time.Until(t)
	if left > 2*coarse {
		if !pause(ctx, left-coarse) {
			return false
		}
		left = time.Until(t)
	}
	for runtime.Gosched(); left > 0; left = time.Until(t) { // what was handed out before runs before this thread sleeps
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, 1, 0)
		nap := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&nap, nil) // an interrupted sleep is slept again
	}
	return ctx.Err() == nil
}
