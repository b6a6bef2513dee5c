package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// answer is a page.
type answer struct {
	body    json.RawMessage
	records []json.RawMessage
	link    string
	bytes   int64
}

// retry is a failure that another try may mend, after a wait that the API asked for (0: it did not).
type retry struct {
	err  error
	wait time.Duration
}

func (r *retry) Error() string { return r.err.Error() }

// fetch asks for a page until it comes, or the tries are over.
func (st *stream) fetch(ctx context.Context, next string) (*answer, error) {
	u, err := st.s.address(next, st.sp)
	if err != nil {
		return nil, err
	}
	pause := 500 * time.Millisecond
	for try := 1; ; try++ {
		if err := st.pace(ctx); err != nil {
			return nil, err
		}
		p, err := st.s.get(ctx, u)
		var r *retry
		if !errors.As(err, &r) {
			return p, err
		}
		if try == st.s.cfg.Tries {
			return nil, fmt.Errorf("source http: %s: %w (after %d tries)", plain(u), r.err, try)
		}
		wait := r.wait
		if wait == 0 {
			wait = pause/2 + rand.N(pause/2)
			pause = min(2*pause, 30*time.Second)
		}
		if limit := time.Duration(st.s.cfg.MaxWait); wait > limit {
			return nil, fmt.Errorf("source http: %s: %w: it asks for a wait of %s, more than max_wait (%s)", plain(u), r.err, wait, limit)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// pace keeps requests apart by what `rate` says.
func (st *stream) pace(ctx context.Context) error {
	if rate := st.s.cfg.Rate; rate > 0 && !st.last.IsZero() {
		if err := sleep(ctx, time.Until(st.last.Add(time.Duration(float64(time.Second)/rate)))); err != nil {
			return err
		}
	}
	st.last = time.Now()
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// get asks for a page once.
func (s *Source) get(ctx context.Context, u *url.URL) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("source http: %s: cannot be asked for", plain(u))
	}
	req.Header.Set("Accept", "application/json")
	for k, v := range s.cfg.Headers {
		req.Header.Set(k, v)
	}
	if a := s.cfg.Auth; a.Header != "" {
		req.Header.Set(a.Header, a.Prefix+s.secret)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, s.failed(ctx, u, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, s.refused(u, res)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, s.cfg.MaxPage+1))
	if err != nil {
		return nil, s.failed(ctx, u, err)
	}
	if int64(len(body)) > s.cfg.MaxPage {
		return nil, &source.Error{Code: "page_too_large", Message: fmt.Sprintf("source http: %s: the answer is larger than max_page (%d bytes); ask for smaller pages (paging.size) or raise it", plain(u), s.cfg.MaxPage)}
	}
	return s.decode(u, res, body)
}

func (s *Source) decode(u *url.URL, res *http.Response, body []byte) (*answer, error) {
	p := &answer{body: body, bytes: int64(len(body)), link: nextLink(res.Header.Values("Link"))}
	if !json.Valid(body) {
		return nil, &source.Error{Code: "not_json", Message: fmt.Sprintf("source http: %s: the answer (%s) is not JSON; check `url`", plain(u), res.Header.Get("Content-Type"))}
	}
	list := lookup(body, s.cfg.Records)
	if list == nil || json.Unmarshal(list, &p.records) != nil {
		return nil, &source.Error{Code: "no_records", Message: fmt.Sprintf("source http: %s: %q in the answer is no list; set `records` to where the list of objects is", plain(u), s.cfg.Records)}
	}
	return p, nil
}

// failed is an error of the connection without the URL that Go puts into it: its query may hold the secret.
func (s *Source) failed(ctx context.Context, u *url.URL, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var permanent *source.Error
	if errors.As(err, &permanent) {
		return permanent
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	return &retry{err: fmt.Errorf("no answer: %w", err)}
}

// refused turns a status into an error: 429, 408 and 5xx may pass, the others do not.
func (s *Source) refused(u *url.URL, res *http.Response) error {
	err := fmt.Errorf("the API answered %s", res.Status)
	switch c := res.StatusCode; {
	case c == http.StatusTooManyRequests, c == http.StatusRequestTimeout, c >= 500:
		return &retry{err: err, wait: s.after(res.Header.Get("Retry-After"))}
	case c == http.StatusUnauthorized, c == http.StatusForbidden:
		return &source.Error{Code: "not_allowed", Message: fmt.Sprintf("source http: %s: %v; check `auth` and the variable that it names", plain(u), err)}
	}
	return &source.Error{Code: "refused", Message: fmt.Sprintf("source http: %s: %v; check `url`, `paging` and `since`", plain(u), err)}
}

// after reads Retry-After, seconds or a date (RFC 9110, 10.2.3); 0 where there is none.
func (s *Source) after(v string) time.Duration {
	if n, err := strconv.ParseUint(v, 10, 31); err == nil {
		return max(time.Duration(n)*time.Second, time.Millisecond)
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(t.Sub(s.now()), time.Millisecond)
	}
	return 0
}

// redirect follows to the same host and scheme only: headers with secrets go along.
func (s *Source) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > 10 {
		return &source.Error{Code: "redirects", Message: "source http: more than 10 redirects; check `url`"}
	}
	if req.URL.Host != s.first.Host || req.URL.Scheme != s.first.Scheme {
		return &source.Error{Code: "foreign_link", Message: fmt.Sprintf("source http: %s redirects to another host or scheme (%s), which is not followed; give that as `url`", plain(s.first), req.URL.Host)}
	}
	return nil
}
