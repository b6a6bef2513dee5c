//go:build unix

package launch

import (
	"syscall"
	"time"
)

// guardAttr makes the guard the leader of a group of its own: a Ctrl-C at the terminal reaches the worker only, which
// drains first.
func guardAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends what is left of a group, and waits for its end, since a signal only asks for it: on a busy machine a process holds its memory a while longer, which its
// next life would not find. What the kernel itself holds back is not waited for beyond a second.
func killGroup(pid int) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if syscall.Kill(-pid, 0) == syscall.ESRCH || alone(pid, 0) {
			return
		}
	}
}
