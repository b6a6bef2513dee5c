//go:build !386 && !s390x

package h1

import (
	"syscall"
	"unsafe"
)

// recv reads from a non-blocking socket past the file layer. It does not tell the scheduler, which is good for a call
// that never waits.
func recv(fd int, p []byte) (n int, _ uintptr, errno syscall.Errno) {
	r, x, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
	return int(r), x, e
}
