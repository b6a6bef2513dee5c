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

// alone says whether nobody that runs is in a process group but one, or nobody at all.
func alone(group, but int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // state, parent, group
		if len(fields) < 3 || fields[0][0] == 'Z' || string(fields[2]) != strconv.Itoa(group) {
			continue
		}
		if filepath.Base(filepath.Dir(path)) != strconv.Itoa(but) {
			return false
		}
	}
	return true
}
