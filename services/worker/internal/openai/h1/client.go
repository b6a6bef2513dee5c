// Package h1 is a small HTTP/1.1 client for one upstream that is called very often: the calling goroutine writes the
// request and reads the answer itself, so that a call costs one write, few reads and no switch of goroutines.
//
// It speaks plain http to one host. It refuses to follow redirects, to use proxies, TLS, cookies or compression, and to
// send a body that it does not have as a whole; net/http is there for those.
package h1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Request is one call.
type Request struct {
	Method, Path string
	Header       [][2]string // a pair with an empty or unsafe value is left out
	Body         []byte      // nil: none
}

// Config says where the upstream is.
type Config struct {
	Addr    string // host:port to dial
	Host    string // the Host header
	Header  [][2]string
	Connect time.Duration // longest wait for a connection
	MaxIdle int           // connections that are kept for later calls
	IdleFor time.Duration // how long they are kept
	Bracket func(func())  // called with each batch of followed answers' steps; nil: they are just made
}

// Client is safe for concurrent use.
type Client struct {
	cfg    Config
	dialer net.Dialer
	fixed  []byte // header lines that every request has

	mu    sync.Mutex
	free  []*conn // the last one was used last
	sweep *time.Timer

	following sync.Once
	watch     *watcher
	watchErr  error
}

// New returns a client; it opens nothing.
func New(cfg Config) *Client {
	if cfg.Bracket == nil {
		cfg.Bracket = func(batch func()) { batch() }
	}
	c := &Client{cfg: cfg, dialer: net.Dialer{Timeout: cfg.Connect, KeepAlive: 15 * time.Second}}
	c.fixed = append(c.fixed, "Host: "+cfg.Host+"\r\n"...)
	for _, h := range cfg.Header {
		c.fixed = appendHeader(c.fixed, h)
	}
	return c
}

// Do sends a request and returns when the answer's header is there. The answer must be closed. When ctx ends, the
// connection is closed at once, whatever the call is doing.
//
// A kept connection may turn out to be closed by the server; where not one byte of an answer has come, the request is
// sent again on a new one.
func (c *Client) Do(ctx context.Context, req *Request) (*Response, error) {
	for {
		cn, kept, err := c.get(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := cn.do(ctx, req)
		if err == nil {
			return resp, nil
		}
		_ = cn.nc.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !kept || cn.heard || !staleness(err) {
			return nil, err
		}
		c.CloseIdle() // the others are as old
	}
}

// staleness says whether an error is what a connection gives that the server has closed.
func staleness(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}

// get returns a kept connection that is still good, or a new one.
func (c *Client) get(ctx context.Context) (cn *conn, kept bool, err error) {
	for {
		c.mu.Lock()
		n := len(c.free)
		if n == 0 {
			c.mu.Unlock()
			break
		}
		cn := c.free[n-1]
		c.free[n-1] = nil
		c.free = c.free[:n-1]
		c.mu.Unlock()
		if cn.usable() {
			return cn, true, nil
		}
		_ = cn.nc.Close()
	}
	nc, err := c.dialer.DialContext(ctx, "tcp", c.cfg.Addr)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = fmt.Errorf("no connection within %v: %w", c.cfg.Connect, err)
		}
		return nil, false, err
	}
	return newConn(c, nc), false, nil
}

// put keeps a connection for later.
func (c *Client) put(cn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.free) >= c.cfg.MaxIdle {
		_ = cn.nc.Close()
		return
	}
	cn.since = time.Now()
	c.free = append(c.free, cn)
	if c.sweep == nil {
		c.sweep = time.AfterFunc(c.cfg.IdleFor, c.expire)
	}
}

// expire closes what nobody used for IdleFor.
func (c *Client) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, now := 0, time.Now()
	for old < len(c.free) && now.Sub(c.free[old].since) >= c.cfg.IdleFor {
		_ = c.free[old].nc.Close()
		old++
	}
	c.free = append(c.free[:0], c.free[old:]...)
	if len(c.free) == 0 {
		c.sweep = nil
		return
	}
	c.sweep.Reset(c.cfg.IdleFor)
}

// CloseIdle closes the connections that nobody uses.
func (c *Client) CloseIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cn := range c.free {
		_ = cn.nc.Close()
	}
	c.free = nil
}

// Close closes the connections that nobody uses and stops following; no answer may be open.
func (c *Client) Close() {
	c.CloseIdle()
	c.following.Do(func() { c.watchErr = net.ErrClosed })
	if c.watch != nil {
		c.watch.close()
	}
}

// watcher is who follows the client's answers, started with the first of them.
func (c *Client) watcher() (*watcher, error) {
	c.following.Do(func() { c.watch, c.watchErr = newWatcher(c.cfg.Bracket) })
	return c.watch, c.watchErr
}

// appendHeader appends one line, unless the value is empty or could not stand in one.
func appendHeader(b []byte, h [2]string) []byte {
	if h[1] == "" {
		return b
	}
	for i := range len(h[1]) {
		if ch := h[1][i]; ch < ' ' || ch == 0x7f {
			return b
		}
	}
	b = append(append(b, h[0]...), ": "...)
	return append(append(b, h[1]...), "\r\n"...)
}
