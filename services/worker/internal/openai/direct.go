package openai

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/leathq/leat/services/worker/internal/openai/h1"
)

// direct carries calls with package h1: http without a proxy.
type direct struct {
	client *h1.Client
	prefix string
}

func newDirect(root *url.URL, key string, connect time.Duration, conns int, bracket func(func())) *direct {
	addr := root.Host
	if root.Port() == "" {
		addr = net.JoinHostPort(root.Hostname(), "80")
	}
	return &direct{prefix: root.EscapedPath(), client: h1.New(h1.Config{
		Addr: addr, Host: root.Host, Connect: connect, MaxIdle: conns, IdleFor: 30 * time.Second, Bracket: bracket,
		Header: [][2]string{{"User-Agent", "leat"}, {"Authorization", bearer(key)}},
	})}
}

func (t *direct) close() { t.client.Close() }

func (t *direct) do(ctx context.Context, c *call) (*reply, error) {
	resp, err := t.client.Do(ctx, &h1.Request{
		Method: c.method, Path: t.prefix + c.path, Body: c.body,
		Header: [][2]string{
			{"Content-Type", contentType(c)}, {"Accept", c.accept}, {"X-Request-Id", c.id}, {"Traceparent", c.trace},
		},
	})
	if err != nil {
		return nil, err
	}
	return &reply{
		status: resp.Status, contentType: resp.ContentType, retryAfter: resp.RetryAfter, length: resp.Length,
		body: resp, end: resp,
	}, nil
}

// newTransport picks the client: the small one for plain http, net/http where there is TLS or a proxy.
func newTransport(root *url.URL, key string, cfg Config, bracket func(func())) transport {
	conns := cfg.Slots
	if conns == 0 {
		conns = 1024
	}
	proxied := true
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: root}); err == nil {
		proxied = proxy != nil
	}
	if root.Scheme == "https" || proxied {
		return newNetHTTP(root, key, cfg.ConnectTimeout, conns)
	}
	return newDirect(root, key, cfg.ConnectTimeout, conns, bracket)
}
