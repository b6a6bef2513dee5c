package spot

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answerIn is how long the metadata service may take for what it has at hand.
const answerIn = 5 * time.Second

// maxAnswer is more than any answer that is meant here.
const maxAnswer = 1 << 20

// client asks a metadata service. It is safe for concurrent use.
type client struct {
	base string
	http *http.Client
}

// request is one question.
type request struct {
	method string // empty: GET
	path   string
	header map[string]string
	body   string
	within time.Duration // 0: answerIn
}

// answer is what came, whatever the status.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c *client) ask(ctx context.Context, r request) (answer, error) {
	if r.within == 0 {
		r.within = answerIn
	}
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, strings.TrimSuffix(c.base, "/")+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read as far as it counts
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("read %s: %w", r.path, err)
	}
	return answer{resp.StatusCode, resp.Header, strings.TrimSpace(string(body))}, nil
}

// unexpected is the error of an answer that is none of those a provider documents.
func (a answer) unexpected(path string) error {
	const most = 60
	body := a.body
	if len(body) > most {
		body = body[:most] + "…"
	}
	return fmt.Errorf("%s answers with status %d: %q", path, a.status, body)
}
