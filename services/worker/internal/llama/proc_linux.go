package llama

import "syscall"

// childAttr lets the child die with the worker, and keeps it out of the worker's process group, so that a Ctrl-C at
// the terminal reaches the worker only, which drains first.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
