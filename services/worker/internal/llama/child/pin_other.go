//go:build !linux

package child

import "errors"

// pin is only possible on Linux.
func pin(cpus []int) error {
	if len(cpus) == 0 {
		return nil
	}
	return errors.New("pinning compute threads to CPUs works on Linux only: leave the CPU list empty")
}
