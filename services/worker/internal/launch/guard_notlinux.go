//go:build unix && !linux

package launch

import "syscall"

func serverAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// lastOfGroup cannot tell without /proc: the whole time is waited.
func lastOfGroup() bool { return false }
