//go:build unix

package launch

import "syscall"

// guardAttr makes the guard the leader of a group of its own: a Ctrl-C at the terminal reaches the worker only, which
// drains first.
func guardAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends what is left of a group.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
