//go:build unix && (!linux || 386 || s390x)

package host

import "syscall"

const canTry = true

// tryWrite writes to a non-blocking socket; a full one takes 0 bytes.
func tryWrite(fd uintptr, b []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), b)
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		}
		return max(n, 0), err
	}
}
