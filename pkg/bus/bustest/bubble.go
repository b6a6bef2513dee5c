package bustest

import (
	"bytes"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus/embed"
)

// Bubble runs f in virtual time (testing/synctest): the clock stands while anything is computed and jumps ahead when all
// wait, so what f measures does not depend on the machine. Its server is StartInProcess's. No other test of the process
// may use NATS meanwhile.
func Bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	outside()
	forgetTimers()
	defer forgetTimers()
	synctest.Test(t, f)
}

// outside keeps the server's clock of cache access times out of every bubble: it is one goroutine of the process that
// waits for a channel made before, and time in a bubble stands while a goroutine waits for something outside.
var outside = sync.OnceFunc(ats.Register)

// forgetTimers empties the NATS client's pool of timers, which the runtime refuses to share between bubbles. Two
// collections empty every sync.Pool: what the first one spares, the second one takes.
func forgetTimers() {
	runtime.GC()
	runtime.GC()
}

// StartInProcess runs a NATS server with JetStream and without a socket for the length of the test.
func StartInProcess(t testing.TB) *embed.Server {
	t.Helper()
	return start(t, embed.Config{Dir: t.TempDir(), Sync: time.Minute})
}

// inProcess connects without a socket, and with the buffer that a socket has. A bare pipe makes a writer wait for the
// reader; NATS's client writes under a lock that its own reader takes for a PONG, so two of them could wait for each
// other across the server until its write deadline, which in a bubble never comes.
type inProcess struct{ server nats.InProcessConnProvider }

// InProcessConn implements nats.InProcessConnProvider.
func (p inProcess) InProcessConn() (net.Conn, error) {
	inner, err := p.server.InProcessConn()
	if err != nil {
		return nil, err
	}
	c := &buffered{Conn: inner, out: make(chan []byte, 4096), closed: make(chan struct{})}
	go c.pump()
	return c, nil
}

// buffered is a connection whose Write returns before the other end reads.
type buffered struct {
	net.Conn
	out    chan []byte
	once   sync.Once
	closed chan struct{}
}

func (c *buffered) Write(b []byte) (int, error) {
	select {
	case c.out <- bytes.Clone(b):
		return len(b), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// Close lets what was written before arrive.
func (c *buffered) Close() error {
	c.refuse()
	return nil
}

// refuse ends Write.
func (c *buffered) refuse() { c.once.Do(func() { close(c.closed) }) }

func (c *buffered) pump() {
	defer c.Conn.Close()
	defer c.refuse()
	for {
		select {
		case b := <-c.out:
			if _, err := c.Conn.Write(b); err != nil {
				return
			}
		case <-c.closed:
			for len(c.out) > 0 {
				if _, err := c.Conn.Write(<-c.out); err != nil {
					return
				}
			}
			return
		}
	}
}
