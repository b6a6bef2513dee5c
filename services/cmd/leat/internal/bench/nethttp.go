package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

// httpTransport is the net/http client: for https:// and for comparison. HTTP/2 is left off so that a lane is a
// connection, as with the socket client.
type httpTransport struct {
	url    string
	header http.Header
	client *http.Client
}

func newHTTPTransport(target target, header http.Header) *httpTransport {
	base := &http.Transport{
		MaxIdleConns:        0,
		MaxIdleConnsPerHost: 1 << 20,
		DisableCompression:  true,
		TLSNextProto:        nil,
		ForceAttemptHTTP2:   false,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errConnect, err)
			}
			return conn, nil
		},
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &httpTransport{url: target.url.String(), header: header, client: &http.Client{Transport: base, CheckRedirect: refuse}}
}

func (t *httpTransport) lane() lane { return &httpLane{transport: t, buffer: make([]byte, 16<<10)} }

type httpLane struct {
	transport *httpTransport
	buffer    []byte
}

func (l *httpLane) post(ctx context.Context, body []byte, deadline time.Time) (reply, error) {
	callCtx, cancel := context.WithDeadline(ctx, deadline)
	req, err := http.NewRequestWithContext(callCtx, http.MethodPost, l.transport.url, bytes.NewReader(body))
	if err != nil {
		cancel()
		return reply{}, fmt.Errorf("make request: %w", err)
	}
	req.Header = l.transport.header.Clone()
	req.GetBody = nil                       // never send a request twice
	resp, err := l.transport.client.Do(req) //nolint:bodyclose // httpBody.done closes it
	if err != nil {
		cancel()
		if ctx.Err() != nil {
			return reply{}, context.Canceled
		}
		if strings.Contains(err.Error(), "malformed HTTP") { // net/http has no type for it
			return reply{}, fmt.Errorf("%w: %w", errProtocol, err)
		}
		return reply{}, networkError(err)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return reply{
		status: resp.StatusCode, retryAfter: resp.Header.Get("Retry-After"), stream: kind == "text/event-stream",
		body: &httpBody{ctx: ctx, lane: l, body: resp.Body, cancel: cancel},
	}, nil
}

func (l *httpLane) close() { l.transport.client.CloseIdleConnections() }

type httpBody struct {
	ctx    context.Context
	lane   *httpLane
	body   io.ReadCloser
	cancel context.CancelFunc
}

func (b *httpBody) next() ([]byte, time.Time, error) {
	n, err := b.body.Read(b.lane.buffer)
	at := time.Now()
	switch {
	case n > 0:
		return b.lane.buffer[:n], at, nil // an error comes again with the next call
	case errors.Is(err, io.EOF):
		return nil, at, io.EOF
	case b.ctx.Err() != nil:
		return nil, at, context.Canceled
	case err != nil:
		return nil, at, networkError(err)
	}
	return nil, at, nil
}

func (b *httpBody) done() {
	_ = b.body.Close()
	b.cancel()
}
