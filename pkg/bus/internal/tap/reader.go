package tap

import (
	"bytes"

	"github.com/nats-io/nats.go"
)

const (
	bufferSize = 64 << 10
	lineMax    = 1 << 20 // of the protocol; the longest is INFO
)

// reader finds the messages of the hub's subscriptions in what arrives and passes on the rest.
type reader struct {
	conn *Conn
	buf  []byte // buf[from:to] has arrived
	from int
	to   int
	pass int  // bytes of an operation under way that are nats.go's
	up   bool // the connection is made
	raw  bool // not the protocol, or not understood: everything is passed on
	msg  nats.Msg
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) { return c.in.read(p) }

func (r *reader) read(p []byte) (n int, err error) {
	if !r.raw && !r.up {
		r.conn.mu.Lock()
		r.raw = r.conn.raw
		r.conn.mu.Unlock()
	}
	for {
		for n < len(p) && (r.pass > 0 || r.raw) && r.from < r.to {
			n += r.copy(p[n:])
		}
		if n == len(p) {
			return n, nil
		}
		if r.from < r.to && r.next() {
			continue
		}
		if n > 0 {
			return n, nil
		}
		if r.raw && r.from == r.to {
			r.buf = nil
			return r.conn.Conn.Read(p)
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
}

func (r *reader) copy(p []byte) int {
	end := r.to
	if !r.raw {
		end = min(r.to, r.from+r.pass)
	}
	n := copy(p, r.buf[r.from:end])
	r.from += n
	r.pass = max(0, r.pass-n)
	return n
}

// fill reads more, behind what is there.
func (r *reader) fill() error {
	if r.from == r.to {
		r.from, r.to = 0, 0
		if cap(r.buf) > 4*bufferSize || r.buf == nil {
			r.buf = make([]byte, bufferSize)
		}
	} else if r.to == len(r.buf) {
		if r.from > 0 {
			r.to = copy(r.buf, r.buf[r.from:r.to])
			r.from = 0
		} else {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
	}
	n, err := r.conn.Conn.Read(r.buf[r.to:])
	r.to += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

// next looks at the operation at the front. It reports whether something could be done; otherwise more must arrive.
func (r *reader) next() bool {
	b := r.buf[r.from:r.to]
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		r.raw = len(b) > lineMax
		return r.raw
	}
	line := b[:end+1]
	switch line[0] {
	case 'M', 'H':
		return r.message(b, line)
	case 'P':
		if !r.up && line[1] == 'O' { // PONG: nats.go's CONNECT was accepted
			r.up = true
			r.conn.hub.connected(r.conn)
		}
	}
	r.pass = len(line)
	return true
}

// message takes a message out, or passes it on where it is not for the hub.
func (r *reader) message(b, line []byte) bool {
	m, ok := parse(line)
	if !ok {
		r.raw = true // nats.go will say what is wrong with it
		return true
	}
	whole := len(line) + m.size + 2
	if m.sid[0] != 'L' {
		r.pass = whole
		return true
	}
	if len(b) < whole {
		return false
	}
	r.from += whole
	if s := r.conn.hub.find(m.sid); s != nil {
		r.deliver(s, m, b[len(line):whole-2])
	}
	return true
}

func (r *reader) deliver(s *sub, m message, body []byte) {
	r.msg = nats.Msg{Subject: s.subject, Data: body[m.header:]}
	if !s.exact {
		r.msg.Subject = string(m.subject)
	}
	if len(m.reply) > 0 {
		r.msg.Reply = string(m.reply)
	}
	if m.header > 0 {
		r.msg.Header, _ = nats.DecodeHeadersMsg(body[:m.header]) // the server has made it; without it the message is but a message
	}
	s.handle(&r.msg)
}
