//go:build !unix

package launch

import "syscall"

func guardAttr() *syscall.SysProcAttr { return nil }

func killGroup(int) {}
