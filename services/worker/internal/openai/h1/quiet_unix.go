//go:build unix

package h1

import "syscall"

// readNow reads what has arrived without waiting. open is false where the peer has closed or the read failed.
func readNow(raw syscall.RawConn, p []byte) (n int, open bool) {
	if raw == nil || len(p) == 0 {
		return 0, false
	}
	err := raw.Read(func(fd uintptr) bool {
		k, err := syscall.Read(int(fd), p)
		switch {
		case k > 0:
			n, open = k, true
		case err == syscall.EAGAIN || err == syscall.EINTR:
			open = true
		}
		return true // never wait
	})
	return n, open && err == nil
}

// peekQuiet says whether the peer is there and has sent nothing.
func peekQuiet(raw syscall.RawConn) bool {
	if raw == nil {
		return true
	}
	var one [1]byte
	n, open := readNow(raw, one[:])
	return open && n == 0
}
