// Package httpapi reads records of JSON from an HTTP API, page by page, at a rate that the API allows. It keeps secrets out of errors, and refuses to
// carry them to another host than the one that they were given for.
package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// Config is the source's YAML, as JSON.
type Config struct {
	Type    string            `json:"type"`
	URL     string            `json:"url"`     // of the first page
	Headers map[string]string `json:"headers"` // no secrets: those come by Auth
	Auth    Auth              `json:"auth"`
	Records string            `json:"records"` // names with dots between them that lead to the list of records; empty: the answer is the list
	Paging  Paging            `json:"paging"`
	Rate    float64           `json:"rate"` // most requests a second; 0: as fast as answers come
	Timeout Duration          `json:"timeout"`
	Tries   int               `json:"tries"`     // per page, before the error goes up
	MaxWait Duration          `json:"max_wait"`  // longest wait that an answer may ask for (Retry-After)
	MaxPage int64             `json:"max_page"`  // bytes of one answer; a larger one is an error
	Pages   int64             `json:"max_pages"` // stop after so many; 0: read to the end
	Bytes   int64             `json:"max_bytes"` // stop at the first page that ends after so many bytes of answers; 0: read to the end
	Since   Since             `json:"since"`
	Schema  *arrowio.Schema   `json:"schema"` // nil: inferred from the first page
}

// Auth says which variable of the environment holds a secret, and where it goes. Exactly one of Header and Query.
type Auth struct {
	Env    string `json:"env"`
	Header string `json:"header"`
	Prefix string `json:"prefix"` // before the secret, such as "Bearer "
	Query  string `json:"query"`
}

// The ways from page to page.
const (
	none   = "none"   // one answer is all
	link   = "link"   // the header Link with rel="next"
	cursor = "cursor" // Field of the answer goes into Param; where it is a URL, it is the next page
	page   = "page"   // Param counts pages from Start on, until one is empty
	offset = "offset" // Param counts records from Start on, until a page is empty
)

// Paging says how one page leads to the next.
type Paging struct {
	Kind      string `json:"kind"`
	Field     string `json:"field"`
	Param     string `json:"param"`
	Start     int64  `json:"start"`
	SizeParam string `json:"size_param"` // query parameter that asks for Size records a page
	Size      int64  `json:"size"`
}

// Since are the query parameters that bound what is read by time. The run before was up to the time of its plan.
type Since struct {
	Param  string `json:"param"`  // from when on, included
	Until  string `json:"until"`  // up to when, excluded; without it, what changes while a run reads comes again in the next
	Format string `json:"format"` // rfc3339 (default) or unix
}

// Duration is a time.Duration that is written as "30s".
type Duration time.Duration

// UnmarshalJSON reads what time.ParseDuration reads.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf(`a duration is a text such as "30s", not %s`, b)
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}

func parse(raw json.RawMessage) (*Config, error) {
	c := &Config{Timeout: Duration(30 * time.Second), Tries: 6, MaxWait: Duration(5 * time.Minute), MaxPage: 64 << 20, Paging: Paging{Kind: none}, Since: Since{Format: "rfc3339"}}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("source http: %w", err)
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("source http: %w", err)
	}
	return c, nil
}

func (c *Config) validate() error {
	u, err := url.Parse(c.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("url: must be http://… or https://… with a host")
	}
	if u.User != nil {
		return fmt.Errorf("url: must have no user and password in it; name a variable in auth.env")
	}
	for name := range c.Headers {
		if k := http.CanonicalHeaderKey(name); k == "Authorization" || k == "Cookie" {
			return fmt.Errorf("headers: %s is a secret; put it in a variable of the environment and name that in auth.env", name)
		}
	}
	if c.Timeout <= 0 || c.Tries < 1 || c.MaxWait < 0 || c.MaxPage < 1 || c.Rate < 0 || c.Pages < 0 || c.Bytes < 0 {
		return fmt.Errorf("timeout, tries and max_page must be above 0; rate, max_wait, max_pages and max_bytes must not be below")
	}
	if c.Since.Format != "rfc3339" && c.Since.Format != "unix" {
		return fmt.Errorf("since.format: must be rfc3339 or unix, not %q", c.Since.Format)
	}
	if c.Since.Until != "" && c.Since.Param == "" {
		return fmt.Errorf("since.until: needs since.param")
	}
	if err := c.Auth.validate(); err != nil {
		return err
	}
	return c.Paging.validate()
}

func (a Auth) validate() error {
	switch {
	case a == Auth{}:
		return nil
	case a.Env == "":
		return fmt.Errorf("auth.env: must name the variable of the environment that holds the secret")
	case (a.Header == "") == (a.Query == ""):
		return fmt.Errorf("auth: must have one of header and query")
	}
	return nil
}

func (p Paging) validate() error {
	kinds := []string{none, link, cursor, page, offset}
	switch {
	case !slices.Contains(kinds, p.Kind):
		return fmt.Errorf("paging.kind: must be one of %s, not %q", strings.Join(kinds, ", "), p.Kind)
	case p.Kind == cursor && p.Field == "":
		return fmt.Errorf("paging.field: must say where in an answer the next page's cursor stands")
	case (p.Kind == page || p.Kind == offset) && p.Param == "":
		return fmt.Errorf("paging.param: must name the query parameter that counts")
	case p.Kind != cursor && p.Field != "":
		return fmt.Errorf("paging.field: belongs to kind cursor, not to %s", p.Kind)
	case (p.SizeParam == "") != (p.Size == 0) || p.Size < 0:
		return fmt.Errorf("paging: size_param and size belong together")
	}
	return nil
}
