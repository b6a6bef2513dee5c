package openai

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxHeader bounds an answer's headers.
const maxHeader = 64 << 10

// call is one HTTP request to the upstream.
type call struct {
	method string
	path   string // behind the upstream's own
	id     string // request id; may be empty
	trace  string // traceparent; may be empty
	accept string
	body   []byte
}

// reply is the upstream's answer once its headers are there.
type reply struct {
	status      int
	contentType string
	retryAfter  string
	length      int64 // of the body; -1: unknown
	body        io.Reader
	complete    bool // all that is wanted of the body was read
	tokens      int  // that the call took, for its key's limits
	end         closer
}

// closer ends an answer; complete says that nothing more is wanted of it.
type closer interface{ Close(complete bool) }

// close must be called once; it keeps the connection where the body was read to its end, and cuts it otherwise.
func (r *reply) close() { r.end.Close(r.complete) }

// transport carries calls. do returns when the headers are in; when ctx ends, a call that runs is cut at once.
type transport interface {
	do(ctx context.Context, c *call) (*reply, error)
	close() // closes what nobody uses; no call may be under way
}

// netHTTP carries calls with net/http: https, proxies, HTTP/2.
type netHTTP struct {
	client *http.Client
	root   *url.URL
	key    string
}

func newNetHTTP(root *url.URL, key string, connect time.Duration, conns int) *netHTTP {
	dialer := &net.Dialer{Timeout: connect, KeepAlive: 15 * time.Second}
	return &netHTTP{root: root, key: key, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: connect,
			MaxIdleConns: conns, MaxIdleConnsPerHost: conns, IdleConnTimeout: 30 * time.Second,
			DisableCompression: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: maxHeader,
			ReadBufferSize: 16 << 10, WriteBufferSize: 16 << 10,
		},
	}}
}

func (t *netHTTP) close() { t.client.CloseIdleConnections() }

func (t *netHTTP) do(ctx context.Context, c *call) (*reply, error) {
	target := *t.root
	target.Path += c.path
	var body io.Reader
	if c.body != nil {
		body = bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	for _, h := range [...][2]string{
		{"Content-Type", contentType(c)}, {"Accept", c.accept}, {"X-Request-Id", c.id}, {"Traceparent", c.trace},
		{"Authorization", bearer(t.key)}, {"User-Agent", "leat"},
	} {
		if h[1] != "" {
			req.Header.Set(h[0], h[1])
		}
	}
	resp, err := t.client.Do(req) //nolint:bodyclose // reply.close does
	if err != nil {
		return nil, err
	}
	return &reply{
		status: resp.StatusCode, contentType: resp.Header.Get("Content-Type"), retryAfter: resp.Header.Get("Retry-After"),
		length: resp.ContentLength, body: resp.Body, end: httpBody{resp.Body},
	}, nil
}

// httpBody is a body of net/http.
type httpBody struct{ io.ReadCloser }

// maxDrain is how long a complete answer's terminator is waited for.
const maxDrain = 100 * time.Millisecond

// Close takes in what still belongs to a complete answer, a terminator, so that net/http keeps the connection.
func (b httpBody) Close(complete bool) {
	if complete {
		timer := time.AfterFunc(maxDrain, func() { _ = b.ReadCloser.Close() })
		_, _ = io.CopyN(io.Discard, b.ReadCloser, 4096)
		timer.Stop()
	}
	_ = b.ReadCloser.Close()
}

func contentType(c *call) string {
	if c.body == nil {
		return ""
	}
	return "application/json"
}

func bearer(key string) string {
	if key == "" {
		return ""
	}
	return "Bearer " + key
}
