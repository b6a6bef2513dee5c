package tap

import (
	"net"
	"strconv"
	"sync"
)

// pendingMax is how many bytes may wait for a connection that does not take them; then who publishes waits, too.
const pendingMax = 1 << 20

// Conn is a tapped connection. Read belongs to one goroutine, nats.go's reader; all else is safe for concurrent use.
//
// Whoever has something to write while nobody writes does so himself; what others bring meanwhile goes to a goroutine,
// so that nobody writes for all and a busy connection writes in few pieces.
type Conn struct {
	net.Conn
	hub *Hub
	in  reader

	mu      sync.Mutex
	free    sync.Cond // signalled when a write is over
	waiting int       // on free
	pending []byte
	spare   []byte
	taken   uint64 // bytes that were ever pending
	written uint64 // of them
	writing bool   // somebody writes, or will
	err     error  // of a write, once; nothing is written after it
	begun   bool   // something was written
	raw     bool   // and it was not the protocol: nothing is to be found here

	more   chan struct{} // gives the goroutine the right to write
	closed chan struct{}
	once   sync.Once
}

func (h *Hub) tap(inner net.Conn) *Conn {
	c := &Conn{Conn: inner, hub: h, more: make(chan struct{}, 1), closed: make(chan struct{})}
	c.free.L = &c.mu
	c.in.conn = c
	go c.writeRest()
	return c
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.hub.gone(c)
	c.once.Do(func() { close(c.closed) })
	err := c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = net.ErrClosed
	}
	c.free.Broadcast()
	return err
}

// Write writes what nats.go has, behind what waits, and returns when it is written.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.begun {
		c.begun = true
		// Not CONNECT: a TLS handshake or a WebSocket's. What follows is not the protocol.
		if c.raw = len(p) > 0 && p[0] != 'C'; c.raw {
			c.hub.opaque.Store(true)
		}
	}
	c.pending = append(c.pending, p...)
	mark := c.brought(len(p))
	c.push()
	for c.written < mark && c.err == nil {
		c.wait()
	}
	if c.err != nil {
		return 0, c.err
	}
	return len(p), nil
}

// brought counts n more bytes and returns where in the stream they end.
func (c *Conn) brought(n int) uint64 {
	c.taken += uint64(n)
	return c.taken
}

// publish sends a message, or leaves it to who writes.
func (c *Conn) publish(subject, reply string, data []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) > pendingMax && c.err == nil {
		c.wait()
	}
	if c.err != nil {
		return false
	}
	before := len(c.pending)
	b := append(append(c.pending, "PUB "...), subject...)
	if reply != "" {
		b = append(append(b, ' '), reply...)
	}
	b = strconv.AppendInt(append(b, ' '), int64(len(data)), 10)
	b = append(append(b, "\r\n"...), data...)
	c.pending = append(b, "\r\n"...)
	c.brought(len(c.pending) - before)
	c.push()
	return true
}

// send sends lines of the protocol.
func (c *Conn) send(lines []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, lines...)
	c.brought(len(lines))
	c.push()
}

// push writes what is pending unless somebody is at it. What comes meanwhile is left to the goroutine.
func (c *Conn) push() {
	if c.writing || c.err != nil || len(c.pending) == 0 {
		return
	}
	c.writing = true
	c.flush()
	if len(c.pending) == 0 || c.err != nil {
		c.writing = false
		return
	}
	c.more <- struct{}{} // has room: only who writes gets here
}

// flush writes what is pending, without the lock.
func (c *Conn) flush() {
	b := c.pending
	c.pending, c.spare = c.spare[:0], nil
	c.mu.Unlock()
	_, err := c.Conn.Write(b)
	c.mu.Lock()
	c.written += uint64(len(b))
	if cap(b) <= 256<<10 {
		c.spare = b
	}
	if err != nil && c.err == nil {
		c.err = err
		c.hub.gone(c)
		_ = c.Conn.Close() // half a message may have left; the reader ends, and nats.go connects again
	}
	if c.waiting > 0 {
		c.free.Broadcast()
	}
}

func (c *Conn) wait() {
	c.waiting++
	c.free.Wait()
	c.waiting--
}

// writeRest writes what came while others wrote.
func (c *Conn) writeRest() {
	for {
		select {
		case <-c.closed:
			return
		case <-c.more:
		}
		c.mu.Lock()
		for len(c.pending) > 0 && c.err == nil {
			c.flush()
		}
		c.writing = false
		c.mu.Unlock()
	}
}
