package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// begin is the place of the first page.
func (s *Source) begin() place {
	if k := s.cfg.Paging.Kind; k == page || k == offset {
		return place{Next: strconv.FormatInt(s.cfg.Paging.Start, 10)}
	}
	return place{}
}

// next is what leads to the page after p.
func (s *Source) next(at place, p *answer) (string, bool) {
	switch k := s.cfg.Paging.Kind; k {
	case link:
		return p.link, p.link != ""
	case cursor:
		v := text(lookup(p.body, s.cfg.Paging.Field))
		return v, v != ""
	case page, offset:
		n, _ := strconv.ParseInt(at.Next, 10, 64)
		step := int64(1)
		if k == offset {
			step = int64(len(p.records))
		}
		return strconv.FormatInt(n+step, 10), len(p.records) > 0
	}
	return "", false
}

// address is the URL of a page. A link may lead to another path, never to another host: it would get the secret.
func (s *Source) address(next string, sp spec) (*url.URL, error) {
	u := *s.first
	kind := s.cfg.Paging.Kind
	if next != "" && (kind == link || kind == cursor && strings.Contains(next, "://")) {
		to, err := s.first.Parse(next)
		if err != nil || to.Host != s.first.Host || to.Scheme != s.first.Scheme {
			return nil, &source.Error{Code: "foreign_link", Message: fmt.Sprintf("source http: the answer of %s leads to another host or scheme, which is not followed; check `paging`", plain(s.first))}
		}
		if a := s.cfg.Auth; a.Query != "" {
			q := to.Query()
			q.Set(a.Query, s.secret)
			to.RawQuery = q.Encode()
		}
		return to, nil
	}
	q := u.Query()
	set := func(param, v string) {
		if param != "" && v != "" {
			q.Set(param, v)
		}
	}
	set(s.cfg.Since.Param, sp.Since)
	set(s.cfg.Since.Until, sp.Until)
	set(s.cfg.Auth.Query, s.secret)
	if s.cfg.Paging.Size > 0 {
		set(s.cfg.Paging.SizeParam, strconv.FormatInt(s.cfg.Paging.Size, 10))
	}
	if kind != none {
		set(s.param(), next)
	}
	u.RawQuery = q.Encode()
	return &u, nil
}

func (s *Source) param() string {
	if s.cfg.Paging.Param == "" && s.cfg.Paging.Kind == cursor {
		return "cursor"
	}
	return s.cfg.Paging.Param
}

var links = regexp.MustCompile(`<([^>]*)>([^<]*)`)

// nextLink is the target of rel="next" in the values of Link headers (RFC 8288); empty where there is none.
func nextLink(values []string) string {
	for _, v := range values {
		for _, m := range links.FindAllStringSubmatch(v, -1) {
			if isNext(strings.TrimRight(m[2], ", ")) {
				return m[1]
			}
		}
	}
	return ""
}

func isNext(params string) bool {
	for _, p := range strings.Split(params, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for _, rel := range strings.Fields(strings.Trim(strings.TrimSpace(v), `"`)) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
	}
	return false
}

// lookup follows names with dots between them into objects; nil where they lead nowhere.
func lookup(body json.RawMessage, path string) json.RawMessage {
	for _, name := range strings.Split(path, ".") {
		if path == "" {
			return body
		}
		var m map[string]json.RawMessage
		if json.Unmarshal(body, &m) != nil {
			return nil
		}
		body = m[name]
	}
	return body
}

// text is a string or a number as a parameter takes it; empty for anything else.
func text(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil {
		return n.String()
	}
	return ""
}
