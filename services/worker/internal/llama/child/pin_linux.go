package child

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// pin binds the calling OS thread, and with it the compute threads that it will start, to the given CPUs.
func pin(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pin the compute threads to CPUs %v: %w: choose CPUs that this process may use", cpus, err)
	}
	return nil
}
