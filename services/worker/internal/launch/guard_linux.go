package launch

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// serverAttr lets the server die with its guard, whatever kills that.
func serverAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// lastOfGroup says whether nobody else that runs is in this process's group.
func lastOfGroup() bool {
	own := syscall.Getpgrp()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // state, parent, group
		if len(fields) < 3 || fields[0][0] == 'Z' || string(fields[2]) != strconv.Itoa(own) {
			continue
		}
		if filepath.Base(filepath.Dir(path)) != strconv.Itoa(os.Getpid()) {
			return false
		}
	}
	return true
}
