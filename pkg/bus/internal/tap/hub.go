package tap

import (
	"maps"
	"net"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Hub is what the taps of one nats.Conn, one after another over its reconnects, have in common. The zero value works.
// All methods are safe for concurrent use.
type Hub struct {
	up     atomic.Pointer[Conn] // connected, or nil
	opaque atomic.Bool          // the latest connection cannot be tapped

	mu   sync.Mutex // held to change subs, and while a connection is told of them
	subs atomic.Pointer[map[string]*sub]
	last uint64
}

type sub struct {
	sid, subject string
	exact        bool // the subject has no wildcard
	handle       func(*nats.Msg)
}

// Dial implements nats.CustomDialer.
func (h *Hub) Dial(network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: nats.DefaultTimeout}
	c, err := d.Dial(network, address) // nats.go's interface has no context; the time-out bounds it
	if err != nil {
		return nil, err
	}
	return h.tap(c), nil
}

// InProcess taps the connections of a server in this process.
func (h *Hub) InProcess(server nats.InProcessConnProvider) nats.InProcessConnProvider {
	return inProcess{h, server}
}

type inProcess struct {
	hub    *Hub
	server nats.InProcessConnProvider
}

// InProcessConn implements nats.InProcessConnProvider.
func (p inProcess) InProcessConn() (net.Conn, error) {
	c, err := p.server.InProcessConn()
	if err != nil {
		return nil, err
	}
	return p.hub.tap(c), nil
}

// Usable reports whether subscriptions here are served: not on a connection that is encrypted or a WebSocket. It may
// change with a reconnect.
func (h *Hub) Usable() bool { return !h.opaque.Load() }

// Publish sends a message and reports whether it did: not while there is no connection, nor where nats.go's own checks
// have something to say. It waits while the connection has more to write than it should.
func (h *Hub) Publish(subject, reply string, data []byte) bool {
	c := h.up.Load()
	return c != nil && len(data) <= directMax && plain(subject) && plain(reply) && c.publish(subject, reply, data)
}

// directMax is what any NATS server takes; a larger message is checked against the server's own limit.
const directMax = 64 << 10

// plain reports whether a subject can stand in a line of the protocol.
func plain(subject string) bool {
	for i := range len(subject) {
		if subject[i] <= ' ' {
			return false
		}
	}
	return true
}

// Subscribe has handle called by the connection's reader for every message on a subject, one at a time and in the order
// of arrival, of all subscriptions of the hub. handle must not block, nor keep the message. After a reconnect it goes on.
func (h *Hub) Subscribe(subject string, handle func(*nats.Msg)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	s := &sub{sid: "L" + strconv.FormatUint(h.last, 10), subject: subject, exact: exact(subject), handle: handle}
	h.change(func(subs map[string]*sub) { subs[s.sid] = s })
	if c := h.up.Load(); c != nil {
		c.send(s.line(nil))
	}
	return func() { h.cancel(s) }
}

func (h *Hub) cancel(s *sub) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.change(func(subs map[string]*sub) { delete(subs, s.sid) })
	if c := h.up.Load(); c != nil {
		c.send([]byte("UNSUB " + s.sid + "\r\n"))
	}
}

// change replaces the table: the reader looks into it for every message, without a lock.
func (h *Hub) change(edit func(map[string]*sub)) {
	next := map[string]*sub{}
	if old := h.subs.Load(); old != nil {
		next = maps.Clone(*old)
	}
	edit(next)
	h.subs.Store(&next)
}

// find is the subscription of an id, or nil where it was cancelled.
func (h *Hub) find(sid []byte) *sub {
	if subs := h.subs.Load(); subs != nil {
		return (*subs)[string(sid)]
	}
	return nil
}

// connected makes c the connection of the hub and tells its server of the subscriptions.
func (h *Hub) connected(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opaque.Store(false)
	var lines []byte
	if subs := h.subs.Load(); subs != nil {
		for _, s := range *subs {
			lines = s.line(lines)
		}
	}
	c.send(lines)
	h.up.Store(c)
}

// gone forgets c.
func (h *Hub) gone(c *Conn) { h.up.CompareAndSwap(c, nil) }

func (s *sub) line(b []byte) []byte {
	b = append(append(b, "SUB "...), s.subject...)
	return append(append(append(b, ' '), s.sid...), "\r\n"...)
}

func exact(subject string) bool {
	for i := range len(subject) {
		if subject[i] == '*' || subject[i] == '>' {
			return false
		}
	}
	return true
}
