//go:build unix

package llama

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// socketPair returns the worker's end as a connection and the child's end as a file to inherit. Both close on exec, so
// that no other process keeps the child alive.
func socketPair() (net.Conn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "engine")
	defer ours.Close()
	theirs := os.NewFile(uintptr(fds[1]), "worker")
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return conn, theirs, nil
}
