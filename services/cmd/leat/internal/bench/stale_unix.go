//go:build unix

package bench

import (
	"net"
	"syscall"
)

// closedByPeer looks, without waiting and without taking bytes, whether an idle connection is at its end.
func closedByPeer(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	socket, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	closed := true
	err = socket.Read(func(fd uintptr) bool {
		var peek [1]byte
		_, _, err := syscall.Recvfrom(int(fd), peek[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = err != syscall.EAGAIN // an idle connection has nothing to say: bytes are as bad as the end
		return true
	})
	return closed || err != nil
}
