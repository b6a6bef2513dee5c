package upstream

import (
	"bytes"
	"errors"
	"sync"
	"time"
)

// errClosed ends a connection on purpose.
var errClosed = errors.New("told to close the connection")

// bigError is how long the explanation of FaultBigError is.
const bigError = 10 << 20

var bigFailure = sync.OnceValue(func() []byte {
	return failure("500 Internal Server Error", "server_error", string(bytes.Repeat([]byte("out of memory; "), bigError/15)))
})

// garbage is what FaultGarbage answers in turns; the last two are for whole answers and for streams.
var garbage = [][]byte{
	[]byte("\x15\x03\x01\x00\x02\x02\x50 this is no HTTP\r\n\r\n"),
	[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 33\r\n\r\n<html><body>welcome</body></html>"),
	response("200 OK", `{"id":"cmpl-0","choices":[{"index":0,"te`),
	[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: {\"id\":\"cmpl-0\",\"choi\n\ndata: \xff\xfe\n\n"),
}

// fail answers a request as the faults say that allow no answer at all; failed is false under all others.
func (c *conn) fail(fault Fault, body []byte) (failed bool, err error) {
	switch fault {
	case FaultError:
		return true, c.write(failure("500 Internal Server Error", "server_error", "the upstream was told to fail"))
	case FaultBigError:
		return true, c.write(bigFailure())
	case FaultGarbage:
		turn := c.server.garbled.Add(1) % 3
		if stream, _ := field(body, `"stream"`); turn == 2 && stream == 1 {
			turn = 3
		}
		if err := c.write(garbage[turn]); err != nil {
			return true, err
		}
		if turn == 0 || turn == 3 {
			return true, errClosed
		}
		return true, nil
	}
	return false, nil
}

// whole sends an answer that is not streamed.
func (c *conn) whole(now *state, answer []byte) error {
	switch now.fault {
	case FaultHangFirst, FaultHangStream:
		c.server.whileHanging()
	case FaultSlow:
		c.server.pause(now.slowed(now.profile.TTFT))
	case FaultTruncate:
		if err := c.write(answer[:len(answer)-len(answer)/4]); err != nil {
			return err
		}
		return errClosed
	}
	return c.write(answer)
}

// slowed is how long a wait takes under the fault.
func (s *state) slowed(d time.Duration) time.Duration {
	if s.fault == FaultSlow {
		return slowness * d
	}
	return d
}

// pause waits, at most until the server is closed.
func (s *Server) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.over:
	}
}
