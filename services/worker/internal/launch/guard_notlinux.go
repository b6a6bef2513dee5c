//go:build unix && !linux

package launch

import "syscall"

func serverAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// alone cannot tell without /proc: the whole time is waited.
func alone(_, _ int) bool { return false }
