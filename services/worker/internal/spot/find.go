package spot

import (
	"context"
	"net/http"
	"time"
)

// metadata is where all three providers have their service: an address of the link, which no router passes on.
const metadata = "http://169.254.169.254"

// probeIn is how long a provider's service may take to show that it is there.
const probeIn = 2 * time.Second

// find returns the provider of a name, or with auto the one that is there, or nil.
func find(ctx context.Context, name string, c *client) *provider {
	all := []*provider{newAWS(c), newGCP(c), newAzure(c)}
	for _, p := range all {
		if p.name == name {
			return p
		}
	}
	ctx, cancel := context.WithTimeout(ctx, probeIn)
	defer cancel()
	found := make(chan *provider, len(all))
	for _, p := range all {
		go func() {
			if !p.probe(ctx) {
				p = nil
			}
			found <- p
		}()
	}
	var first *provider
	for range all { // all of them: a cancelled probe ends at once
		if p := <-found; p != nil && first == nil {
			first = p
			cancel()
		}
	}
	return first
}

func newClient(o Options) *client {
	c := &client{base: o.URL, http: &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if c.base == "" {
		c.base = metadata
	}
	if c.http.Transport == nil {
		c.http.Transport = &http.Transport{Proxy: nil, MaxIdleConns: 4, IdleConnTimeout: 90 * time.Second}
	}
	return c
}
