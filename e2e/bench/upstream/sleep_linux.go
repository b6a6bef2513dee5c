package upstream

import (
	"runtime"
	"syscall"
	"time"
)

// prSetTimerSlack is PR_SET_TIMERSLACK of prctl(2): how late the kernel may end a sleep of this thread.
const prSetTimerSlack = 29

// sleepUntil sleeps to some 10 µs. Go's own timers wait in whole milliseconds when the process is idle, which would add
// its own unevenness to every token.
func sleepUntil(t time.Time) {
	runtime.Gosched()
	for left := time.Until(t); left > 0; left = time.Until(t) {
		_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, 1, 0)
		nap := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&nap, nil) // an interrupted sleep is slept again
	}
}
