package upstream

import (
	"bytes"
	"fmt"
	"strings"
)

// answer serves one request; a stream is only begun.
func (c *conn) answer(req request) error {
	s := c.server
	now := s.state.Load()
	switch string(req.path) {
	case "/v1/chat/completions", "/v1/completions":
		if string(req.method) != "POST" {
			return c.write(failure("405 Method Not Allowed", "invalid_request_error", "use POST"))
		}
		k := chat
		if string(req.path) == "/v1/completions" {
			k = completions
		}
		s.served.Add(1)
		if failed, err := c.fail(now.fault, req.body); failed {
			return err
		}
		return c.generate(k, now, req.body)
	case "/v1/models":
		return c.write(response("200 OK", fmt.Sprintf(`{"object":"list","data":[{"id":%q,"object":"model","created":1700000000,"owned_by":"upstream"}]}`,
			s.answers.model)))
	case "/health":
		return c.write(response("200 OK", `{"status":"ok"}`))
	}
	return c.write(failure("404 Not Found", "invalid_request_error", "no such path: "+strings.ToValidUTF8(string(req.path), "?")))
}

func (c *conn) write(b []byte) error {
	_, err := c.socket.Write(b)
	return err
}

func (c *conn) generate(k kind, now *state, body []byte) error {
	s := c.server
	tokens := now.profile.Tokens
	if n, found := field(body, `"max_tokens"`); found {
		tokens = n
	} else if n, found := field(body, `"max_completion_tokens"`); found {
		tokens = n
	}
	tokens = min(max(tokens, 1), maxTokens)
	if stream, _ := field(body, `"stream"`); stream != 1 {
		return c.whole(now, s.answers.unary(k, tokens))
	}
	withUsage, _ := field(body, `"include_usage"`)
	started, err := newStream(c, k, now, tokens, withUsage == 1)
	if err != nil {
		return err
	}
	c.stream = started
	s.active.Add(1)
	s.wheel.add(started)
	return nil
}

// field finds a top-level or nested key and reads the number or boolean behind it: true is 1, false and others 0. A
// key inside a JSON string cannot match, because its quotes are escaped there.
func field(body []byte, key string) (value int, found bool) {
	for {
		i := bytes.Index(body, []byte(key))
		if i < 0 {
			return 0, false
		}
		body = body[i+len(key):]
		rest := bytes.TrimLeft(body, " \t\r\n")
		if len(rest) == 0 || rest[0] != ':' {
			continue // a string value that reads like the key
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if bytes.HasPrefix(rest, []byte("true")) {
			return 1, true
		}
		if n, digits := number(rest); digits > 0 && n >= 0 {
			return n, true
		}
		return 0, bytes.HasPrefix(rest, []byte("false"))
	}
}
