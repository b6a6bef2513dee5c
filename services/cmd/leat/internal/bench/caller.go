package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxBody bounds an answer that is not streamed.
const maxBody = 64 << 20

var errBodyTooLong = errors.New("the answer is longer than 64 MiB")

// outcome is what one request showed.
type outcome struct {
	intended time.Time // when it was meant to leave; the zero of its latency
	sent     time.Time // when it left
	first    time.Time // first piece of produced text; zero where none came or the answer was not streamed
	last     time.Time // last piece of produced text
	end      time.Time // [DONE], the end of the body, or the failure
	pieces   int64     // streamed chunks with produced text
	usage    usage
	finish   bool
	done     bool
	refused  bool   // status 429
	retry    string // Retry-After of a refusal
	failure  *failure
}

// tokens is the server's count, or where it gives none, the number of pieces.
func (o *outcome) tokens() int64 {
	if o.usage.given {
		return o.usage.completion
	}
	return o.pieces
}

// caller sends requests one after the other. It is not safe for concurrent use; recorder is shared.
type caller struct {
	cfg     *Config
	bodies  *bodies
	lane    lane
	record  *recorder
	now     outcome // the request in flight
	at      time.Time
	scanner eventScanner
	request []byte
	answer  bytes.Buffer
	onEvent func(data []byte) error // c.event, bound once
}

func newCaller(cfg *Config, bodies *bodies, lane lane, record *recorder) *caller {
	c := &caller{cfg: cfg, bodies: bodies, lane: lane, record: record}
	c.onEvent = c.event
	return c
}

// send makes request number i and records it. It says whether a connection could be had.
func (c *caller) send(ctx context.Context, i uint64, intended time.Time) (connected bool) {
	c.request = c.bodies.append(c.request[:0], i)
	c.now = outcome{intended: intended, sent: time.Now()}
	if intended.IsZero() {
		c.now.intended = c.now.sent
	}
	err := c.call(ctx)
	if err != nil && interrupted(err) {
		c.record.interrupted.Add(1)
		return false
	}
	if err != nil && c.now.failure == nil {
		c.now.failure = failureOf(err)
	}
	if c.now.end.IsZero() {
		c.now.end = time.Now()
	}
	c.record.finished(&c.now)
	return c.now.failure == nil || c.now.failure.class != ClassConnect
}

func (c *caller) call(ctx context.Context) error {
	answer, err := c.lane.post(ctx, c.request, c.now.sent.Add(c.cfg.Timeout))
	if err != nil {
		return err
	}
	defer answer.body.done()
	switch {
	case answer.status != 200:
		return c.readRefusal(answer)
	case !c.cfg.Stream:
		return c.readWhole(answer)
	case !answer.stream:
		c.now.failure = &failure{class: ClassMalformed, code: "not_an_event_stream", message: "the 200 answer is not text/event-stream"}
		return nil
	}
	return c.readStream(answer)
}

func (c *caller) readStream(answer reply) error {
	c.scanner = eventScanner{line: c.scanner.line[:0], data: c.scanner.data[:0]}
	for {
		piece, at, err := answer.body.next()
		c.at = at
		if err == io.EOF {
			break
		}
		if err != nil {
			if c.now.done || c.now.failure != nil {
				return nil // the answer was complete, or had failed, before the connection broke
			}
			return err
		}
		if err := c.scanner.push(piece, c.onEvent); err != nil {
			return err
		}
	}
	if c.now.end.IsZero() {
		c.now.end = c.at
	}
	if c.now.failure == nil {
		c.now.failure = c.truncation()
	}
	return nil
}

// truncation tells a stream that ended early from a whole one.
func (c *caller) truncation() *failure {
	switch {
	case !c.now.finish:
		return &failure{class: ClassTruncated, code: "no_finish_reason", message: "the stream ended without a finish reason"}
	case !c.now.done:
		return &failure{class: ClassTruncated, code: "no_done", message: "the stream ended without [DONE]"}
	}
	return nil
}

var doneMark = []byte("[DONE]")

// event takes the data of one server-sent event.
func (c *caller) event(data []byte) error {
	if bytes.Equal(data, doneMark) {
		c.now.done, c.now.end = true, c.at
		return nil
	}
	got, err := parseChunk(data)
	if err != nil {
		return err
	}
	if got.failed && c.now.failure == nil {
		c.now.failure = &failure{class: ClassEvent, code: got.code, message: got.message}
		c.now.end = c.at
	}
	if got.content {
		c.piece()
	}
	c.now.finish = c.now.finish || got.finish
	if got.usage.given {
		c.now.usage = got.usage
	}
	return nil
}

func (c *caller) piece() {
	if c.now.pieces == 0 {
		c.now.first = c.at
	} else {
		c.record.gap(&c.now, c.at.Sub(c.now.last))
	}
	c.now.pieces++
	c.now.last = c.at
	c.record.tokens(c.at, 1)
}

func (c *caller) readWhole(answer reply) error {
	if err := c.readAll(answer); err != nil {
		return err
	}
	got, err := parseChunk(c.answer.Bytes())
	if err != nil {
		return err
	}
	c.now.usage = got.usage
	switch {
	case got.failed:
		c.now.failure = &failure{class: ClassEvent, code: got.code, message: got.message}
	case !got.finish:
		c.now.failure = &failure{class: ClassTruncated, code: "no_finish_reason", message: "the answer has no finish reason"}
	}
	return nil
}

func (c *caller) readRefusal(answer reply) error {
	c.now.refused, c.now.retry = answer.status == 429, answer.retryAfter
	c.now.failure = &failure{class: ClassHTTP, status: answer.status, message: fmt.Sprintf("status %d", answer.status)}
	if err := c.readAll(answer); err != nil {
		if interrupted(err) {
			return err
		}
		return nil // the status is the news, not the broken body
	}
	if got, err := parseChunk(c.answer.Bytes()); err == nil && got.failed {
		c.now.failure.code, c.now.failure.message = got.code, got.message
	}
	return nil
}

func (c *caller) readAll(answer reply) error {
	c.answer.Reset()
	for {
		piece, at, err := answer.body.next()
		c.now.end = at
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if c.answer.Len()+len(piece) > maxBody {
			return errBodyTooLong
		}
		c.answer.Write(piece)
	}
}
