package bench

import (
	"bytes"
	"context"
	"io"
	"net"
	"time"
)

// ScanEvents runs the event scanner over pieces and returns the data of all events.
func ScanEvents(pieces ...[]byte) ([]string, error) {
	var s eventScanner
	var events []string
	for _, piece := range pieces {
		err := s.push(piece, func(data []byte) error {
			events = append(events, string(data))
			return nil
		})
		if err != nil {
			return events, err
		}
	}
	return events, nil
}

// Parsed is what ParseChunk shows of a chunk.
type Parsed struct {
	Content, Finish, Failed    bool
	Code, Message              string
	Prompt, Completion, Cached int64
}

// ParseChunk is parseChunk.
func ParseChunk(data []byte) (Parsed, error) {
	c, err := parseChunk(data)
	return Parsed{c.content, c.finish, c.failed, c.code, c.message, c.usage.prompt, c.usage.completion, c.usage.cached}, err
}

// ReadResponse runs the socket client's decoder over the bytes of one response; step is how many bytes a read gives.
func ReadResponse(raw []byte, step int) (status int, stream bool, body []byte, err error) {
	l := &socketLane{conn: &replay{left: raw, step: step}, stop: func() bool { return true }}
	l.body = socketBody{lane: l, ctx: context.Background()}
	answer, err := l.readHead()
	if err != nil {
		return 0, false, nil, err
	}
	for {
		piece, _, err := answer.body.next()
		if err == io.EOF {
			answer.body.done()
			return answer.status, answer.stream, body, nil
		}
		if err != nil {
			return answer.status, answer.stream, body, err
		}
		body = append(body, piece...)
	}
}

// replay is a connection that gives prepared bytes and then its end.
type replay struct {
	net.Conn
	left []byte
	step int
}

func (r *replay) Read(p []byte) (int, error) {
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), max(r.step, 1))], r.left)
	r.left = r.left[n:]
	return n, nil
}

func (r *replay) Close() error { return nil }

// Bodies returns the first n request bodies of a configuration.
func Bodies(cfg Config, n int) ([]string, error) {
	b, err := newBodies(cfg)
	if err != nil {
		return nil, err
	}
	var list []string
	for i := range n {
		list = append(list, string(bytes.Clone(b.append(nil, uint64(i)))))
	}
	return list, nil
}

// Arrivals returns the first n offsets of the open loop.
func Arrivals(cfg Config, n int) []time.Duration {
	a := newArrivals(&cfg)
	var list []time.Duration
	for range n {
		list = append(list, a.next())
	}
	return list
}
