package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/record"
)

// Source reads one API. It is one partition: where a page begins is only known from the page before.
type Source struct {
	cfg    *Config
	first  *url.URL
	secret string
	client *http.Client
	now    func() time.Time
	floor  time.Time // nothing older is asked for; zero: no bound
}

var _ source.Bounded = (*Source)(nil)

// Since implements source.Bounded, where the API has a parameter for it.
func (s *Source) Since(t time.Time) error {
	if s.cfg.Since.Param == "" {
		return source.Errorf(source.Invalid, "the source does not say by which parameter its API is asked for what is new: add since: {param: …}")
	}
	s.floor = t
	return nil
}

// Make makes a source of `type: http`.
func Make(spec []byte, d source.Deps) (source.Source, error) {
	raw, err := yaml.YAMLToJSON(spec)
	if err != nil {
		return nil, source.Errorf(source.Invalid, "source http: %w", err)
	}
	return New(raw, d)
}

// New reads the source's YAML, as JSON, and takes its secret from the environment. It connects to nothing.
func New(raw json.RawMessage, d source.Deps) (*Source, error) {
	cfg, err := parse(raw)
	if err != nil {
		return nil, source.Errorf(source.Invalid, "%w", err)
	}
	s := &Source{cfg: cfg, now: time.Now}
	s.first, _ = url.Parse(cfg.URL) // validated
	if name := cfg.Auth.Env; name != "" {
		if s.secret, err = d.Secret("auth.env", name); err != nil {
			return nil, err
		}
	}
	s.client = &http.Client{Timeout: time.Duration(cfg.Timeout), CheckRedirect: s.redirect, Transport: transport(d.Bounds)}
	return s, nil
}

// transport keeps to the bounds, also where a proxy asks in our place and an address stands in the URL. Which address a proxy finds for a name is the
// proxy's to judge.
func transport(b source.Bounds) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = b.Dialer().DialContext
	t.Proxy = func(r *http.Request) (*url.URL, error) {
		if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil {
			if err := b.Reaches(a); err != nil {
				return nil, err
			}
		}
		return http.ProxyFromEnvironment(r)
	}
	return t
}

// spec is a partition's: what the requests are bounded by.
type spec struct {
	Since  string          `json:"since,omitempty"`
	Until  string          `json:"until,omitempty"`
	Schema *arrowio.Schema `json:"schema"`
}

type watermark struct {
	Until time.Time `json:"until"`
}

// Plan asks for the first page where no schema is given. The watermark is the time of the plan, to the second.
func (s *Source) Plan(ctx context.Context, since source.Watermark) (*source.Plan, error) {
	sp, now := spec{Schema: s.cfg.Schema}, s.now().UTC().Truncate(time.Second)
	if err := s.bound(&sp, since, now); err != nil {
		return nil, err
	}
	if sp.Schema == nil {
		var err error
		if sp.Schema, err = s.infer(ctx, sp); err != nil {
			return nil, err
		}
	}
	raw, err := json.Marshal(sp)
	if err != nil {
		return nil, fmt.Errorf("source http: plan: %w", err)
	}
	sum := sha256.Sum256(append([]byte(s.cfg.URL+"\n"), raw...))
	plan := &source.Plan{Schema: sp.Schema, Parts: []source.Part{{ID: hex.EncodeToString(sum[:16]), Name: plain(s.first), Spec: raw}}}
	if s.cfg.Since.Param != "" {
		plan.Next, err = json.Marshal(watermark{now})
	}
	return plan, err
}

func (s *Source) bound(sp *spec, since source.Watermark, now time.Time) error {
	if s.cfg.Since.Param == "" {
		return nil
	}
	if s.cfg.Since.Until != "" {
		sp.Until = s.stamp(now)
	}
	w := watermark{s.floor}
	if len(since) == 0 && s.floor.IsZero() {
		return nil
	}
	if err := json.Unmarshal(since, &w); err != nil && len(since) > 0 {
		return &source.Error{Code: "bad_watermark", Message: fmt.Sprintf("source http: the watermark %.100s is not this source's; run with --full", since)}
	}
	if s.floor.After(w.Until) {
		w.Until = s.floor
	}
	sp.Since = s.stamp(w.Until)
	return nil
}

func (s *Source) stamp(t time.Time) string {
	if s.cfg.Since.Format == "unix" {
		return strconv.FormatInt(t.Unix(), 10)
	}
	return t.UTC().Format(time.RFC3339)
}

func (s *Source) infer(ctx context.Context, sp spec) (*arrowio.Schema, error) {
	st := &stream{s: s, sp: sp, at: s.begin()}
	p, err := st.fetch(ctx, st.at.Next)
	if err != nil {
		return nil, err
	}
	schema, err := record.Infer(p.records)
	if err != nil {
		return nil, &source.Error{Code: "no_records", Message: fmt.Sprintf("source http: %s: %v; set `records` to where the list of objects is", plain(s.first), err)}
	}
	if len(schema.Fields) == 0 {
		return nil, &source.Error{Code: "empty_sample", Message: fmt.Sprintf("source http: %s: the first page has no records to infer a schema from; give one by `schema`", plain(s.first))}
	}
	return schema, nil
}

// Open reads on from a page.
func (s *Source) Open(_ context.Context, p source.Part, c source.Cursor) (source.Stream, error) {
	st := &stream{s: s, at: s.begin()}
	if err := json.Unmarshal(p.Spec, &st.sp); err != nil {
		return nil, &source.Error{Code: "bad_part", Message: fmt.Sprintf("source http: the partition %q is not this source's: %v", p.Name, err)}
	}
	if len(c) > 0 {
		if err := json.Unmarshal(c, &st.at); err != nil {
			return nil, &source.Error{Code: "bad_cursor", Message: fmt.Sprintf("source http: the cursor %.100s is not this source's; start the run anew", c)}
		}
	}
	var err error
	st.rows, err = record.New(st.sp.Schema, s.cfg.Schema != nil)
	if err != nil {
		return nil, &source.Error{Code: "bad_schema", Message: "source http: " + err.Error()}
	}
	return st, nil
}

// plain is a URL as it may be shown: its query may hold secrets.
func plain(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }
