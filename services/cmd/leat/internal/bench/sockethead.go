package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// maxHead bounds the head of a response.
const maxHead = 64 << 10

var headEnd = []byte("\r\n\r\n")

// readHead reads up to the end of the response head, skipping interim (1xx) responses, and prepares the body.
func (l *socketLane) readHead() (reply, error) {
	for {
		head, err := l.takeHead()
		if err != nil {
			return reply{}, err
		}
		answer, err := l.parseHead(head)
		if err != nil {
			return reply{}, fmt.Errorf("%w: %w", errProtocol, err)
		}
		if answer.status >= 200 {
			return answer, nil
		}
	}
}

func (l *socketLane) takeHead() ([]byte, error) {
	for from := 0; ; {
		have := l.in[l.start:]
		if i := bytes.Index(have[from:], headEnd); i >= 0 {
			head := have[:from+i]
			l.start += from + i + len(headEnd)
			return head, nil
		}
		if len(have) > maxHead {
			return nil, fmt.Errorf("%w: the response head is longer than 64 KiB", errProtocol)
		}
		from = max(len(have)-len(headEnd)+1, 0)
		if err := l.fill(); err != nil {
			return nil, err
		}
	}
}

func (l *socketLane) parseHead(head []byte) (reply, error) {
	if bytes.Count(head, []byte("\n")) != bytes.Count(head, []byte("\r\n")) {
		return reply{}, errors.New("a header line ends without CR")
	}
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return reply{}, fmt.Errorf("status line of %d bytes is not HTTP/1.x", len(line))
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return reply{}, fmt.Errorf("status: %w", err)
	}
	modern := line[7] == '1'
	l.body.reset(modern)
	answer := reply{status: status, body: &l.body}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			return reply{}, fmt.Errorf("header line without a colon")
		}
		if err := l.header(&answer, name, bytes.TrimSpace(value)); err != nil {
			return reply{}, err
		}
	}
	if l.body.framing == chunked && !modern {
		return reply{}, errors.New("transfer-encoding in HTTP/1.0")
	}
	if status == 204 || status == 304 {
		l.body.sized(0)
	}
	return answer, nil
}

func (l *socketLane) header(answer *reply, name, value []byte) error {
	switch {
	case is(name, "content-length"):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("content-length is not a size")
		}
		l.body.sized(n)
	case is(name, "transfer-encoding"):
		if !is(value, "chunked") {
			return fmt.Errorf("transfer-encoding is not chunked")
		}
		l.body.framing = chunked
	case is(name, "connection"):
		l.body.keep = !is(value, "close") && (l.body.keep || is(value, "keep-alive"))
	case is(name, "content-type"):
		const sse = "text/event-stream"
		answer.stream = len(value) >= len(sse) && is(value[:len(sse)], sse)
	case is(name, "retry-after"):
		answer.retryAfter = string(value)
	}
	return nil
}

// is compares in ASCII, ignoring case; want is in lower case.
func is(got []byte, want string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		c := got[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}
