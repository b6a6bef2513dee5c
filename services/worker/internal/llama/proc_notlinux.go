//go:build unix && !linux

package llama

import "syscall"

// childAttr keeps the child out of the worker's process group. Without Linux's parent-death signal the child ends when
// its socket closes.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
