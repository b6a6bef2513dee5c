//go:build unix

package embed

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes an exclusive lock that the kernel drops when the process ends, however it ends.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
