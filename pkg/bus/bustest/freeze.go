package bustest

import (
	"context"
	"net"
	"strings"
	"sync"

	"github.com/leathq/leat/pkg/bus/embed"
)

// Frozen is a way to a server that can be stopped and let go on: what the server says meanwhile arrives late, in order
// and all at once, as from a server or a network that stood still. Give it to bus.Options.InProcess.
type Frozen struct {
	Server *embed.Server

	mu   sync.Mutex
	thaw chan struct{} // nil while not frozen
}

// Freeze stops what comes from the server until Thaw.
func (f *Frozen) Freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.thaw == nil {
		f.thaw = make(chan struct{})
	}
}

// Thaw lets everything through again.
func (f *Frozen) Thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.thaw != nil {
		close(f.thaw)
		f.thaw = nil
	}
}

// InProcessConn implements nats.InProcessConnProvider, with a socket: what is frozen waits in its buffers, so that the
// server's own write deadline does not cut the connection.
func (f *Frozen) InProcessConn() (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(context.Background(), "tcp", strings.TrimPrefix(f.Server.URL(), "nats://"))
	if err != nil {
		return nil, err
	}
	return &frozenConn{Conn: c, frozen: f, closed: make(chan struct{})}, nil
}

type frozenConn struct {
	net.Conn
	frozen *Frozen
	once   sync.Once
	closed chan struct{}
}

func (c *frozenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.frozen.mu.Lock()
	thaw := c.frozen.thaw
	c.frozen.mu.Unlock()
	if thaw != nil {
		select {
		case <-thaw:
		case <-c.closed:
		}
	}
	return n, err
}

func (c *frozenConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
