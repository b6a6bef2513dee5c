package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// Process is a process of the server whose CPU time and memory are measured beside the requests.
type Process struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
}

// ProcessUse is what a process used in the window.
type ProcessUse struct {
	Process
	CPUSeconds float64 `json:"cpu_seconds"`
	// Cores is CPU seconds per second.
	Cores float64 `json:"cores"`
	// RSSStart, RSSEnd and RSSMax are resident bytes; the maximum is of samples, two a second.
	RSSStart int64  `json:"rss_start_bytes"`
	RSSEnd   int64  `json:"rss_end_bytes"`
	RSSMax   int64  `json:"rss_max_bytes"`
	Error    string `json:"error,omitempty"`
}

// reading is one look at /proc/PID/stat.
type reading struct {
	at  time.Time
	cpu time.Duration // user and system, all threads; the kernel counts it in ticks of 10 ms
	rss int64
}

// userHZ is the unit of times in /proc/PID/stat, fixed at 100 per second for user space on Linux.
const userHZ = 100

func readProcess(pid int) (reading, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return reading{}, fmt.Errorf("read CPU of process: %w", err)
	}
	// The command, in parentheses, may hold anything; the fields behind its last ")" are plain.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	const utime, stime, rss = 11, 12, 21 // fields 14, 15 and 24 of proc(5), counted behind the command
	if len(fields) <= rss {
		return reading{}, fmt.Errorf("read CPU of process %d: its stat line has %d fields", pid, len(fields))
	}
	number := func(i int) int64 {
		n, convErr := strconv.ParseInt(string(fields[i]), 10, 64)
		if convErr != nil {
			err = fmt.Errorf("read CPU of process %d: %w", pid, convErr)
		}
		return n
	}
	ticks := number(utime) + number(stime)
	r := reading{at: time.Now(), cpu: time.Duration(ticks) * time.Second / userHZ, rss: number(rss) * int64(os.Getpagesize())}
	return r, err
}

// processWatch samples processes from the start to the end of the window.
type processWatch struct {
	group  sync.WaitGroup
	cancel context.CancelFunc
	uses   []ProcessUse
}

func watchProcesses(ctx context.Context, processes []Process, from, until time.Time) *processWatch {
	ctx, cancel := context.WithCancel(ctx)
	w := &processWatch{cancel: cancel, uses: make([]ProcessUse, len(processes))}
	for i, p := range processes {
		w.group.Go(func() { w.uses[i] = watchProcess(ctx, p, from, until) })
	}
	return w
}

// stop ends the watch where the window is still open and returns what was used.
func (w *processWatch) stop() []ProcessUse {
	w.cancel()
	w.group.Wait()
	return w.uses
}

func watchProcess(ctx context.Context, p Process, from, until time.Time) ProcessUse {
	use := ProcessUse{Process: p}
	pause(ctx, time.Until(from))
	first, err := readProcess(p.PID)
	last := first
	use.RSSStart, use.RSSMax = first.rss, first.rss
	for open := true; open && err == nil; {
		open = pause(ctx, min(time.Until(until), 500*time.Millisecond)) && time.Now().Before(until)
		var now reading
		if now, err = readProcess(p.PID); err == nil {
			last = now
			use.RSSMax = max(use.RSSMax, now.rss)
		}
	}
	if err != nil {
		use.Error = err.Error()
	}
	use.RSSEnd = last.rss
	use.CPUSeconds = (last.cpu - first.cpu).Seconds()
	if wall := last.at.Sub(first.at).Seconds(); wall > 0 {
		use.Cores = use.CPUSeconds / wall
	}
	return use
}
