package host

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// background lowers the priority of the process. Linux has one for each thread, and new threads take that of who makes them.
func background() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("look for threads: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, backgroundNice); err != nil {
			return fmt.Errorf("lower the priority: %w", err)
		}
	}
	return nil
}
