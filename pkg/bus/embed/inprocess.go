package embed

import (
	"net"
	"unsafe" // for go:linkname, too

	"github.com/nats-io/nats-server/v2/server"
)

// InProcessConn connects without a socket. It implements nats.InProcessConnProvider in place of the server's own, whose
// connection is a net.Pipe.
func (s *Server) InProcessConn() (net.Conn, error) {
	if !s.Running() {
		return nil, server.ErrServerNotRunning
	}
	theirs, ours := pipe()
	if createClientInProcess(s.Server, theirs) == nil {
		_ = ours.Close()
		return nil, server.ErrServerNotRunning
	}
	return ours, nil
}

// The server has no exported way to bring one's own connection; this is what its InProcessConn calls. A release that
// renames it does not link.
//
//go:linkname createClientInProcess github.com/nats-io/nats-server/v2/server.(*Server).createClientInProcess
func createClientInProcess(s *server.Server, conn net.Conn) unsafe.Pointer
