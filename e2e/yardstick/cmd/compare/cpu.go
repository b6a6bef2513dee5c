package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the CPU times in /proc; Linux has shown 1/100 s to user space on
// every architecture since 2.6 (proc(5), sysconf _SC_CLK_TCK).
const clockTick = 10 * time.Millisecond

// cpuTime is the CPU time that a process and all its living descendants have used. It is 0
// where there is no /proc.
func cpuTime(pid int) time.Duration {
	parent, used := map[int]int{}, map[int]time.Duration{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		if p, parentOf, cpu, err := parseStat(text); err == nil {
			parent[p], used[p] = parentOf, cpu
		}
	}
	var sum time.Duration
	for p := range used {
		for at := p; at > 1; at = parent[at] {
			if at == pid {
				sum += used[p]
				break
			}
		}
	}
	return sum
}

// parseStat reads pid, parent and user + system time from /proc/<pid>/stat, whose second field
// is a name in brackets that may hold anything.
func parseStat(text []byte) (pid, parent int, cpu time.Duration, err error) {
	bracket := bytes.LastIndexByte(text, ')')
	head, _, _ := bytes.Cut(text, []byte(" "))
	if bracket < 0 {
		return 0, 0, 0, fmt.Errorf("no process status: %q", text)
	}
	fields := strings.Fields(string(text[bracket+1:]))
	if len(fields) < 13 {
		return 0, 0, 0, fmt.Errorf("short process status: %q", text)
	}
	var n [4]int
	for i, s := range []string{string(head), fields[1], fields[11], fields[12]} {
		if n[i], err = strconv.Atoi(s); err != nil {
			return 0, 0, 0, fmt.Errorf("process status: %w", err)
		}
	}
	return n[0], n[1], time.Duration(n[2]+n[3]) * clockTick, nil
}
