package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/httpapi"
)

const total = 25 // records of the API in these tests, in pages of ten

// pages is an API that pages in every way at once; which one a source uses is its own business.
func pages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from := 0
	for param, size := range map[string]int{"offset": 1, "page": 10, "cursor": 1} {
		if n, err := strconv.Atoi(q.Get(param)); err == nil {
			from = n * size
		}
	}
	to := min(from+10, total)
	body := map[string]any{"data": map[string]any{"items": []any{}}, "next": nil}
	var items []any
	for i := from; i < to; i++ {
		items = append(items, map[string]any{"id": i, "text": fmt.Sprint("record ", i)})
	}
	body["data"] = map[string]any{"items": items}
	if to < total {
		body["next"] = to
		w.Header().Set("Link", fmt.Sprintf(`</other>; rel="prev", <%s?offset=%d>; rel="next"`, r.URL.Path, to))
	}
	_ = json.NewEncoder(w).Encode(body)
}

var deps = source.Deps{Getenv: func(name string) string { return map[string]string{"TOKEN": "s3cret"}[name] }}

func open(t *testing.T, config string) *httpapi.Source {
	t.Helper()
	s, err := httpapi.New(json.RawMessage(config), deps)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ids reads a source from a cursor on.
func ids(t *testing.T, s *httpapi.Source, p *source.Plan, c source.Cursor) (out []int64, rejects []source.Reject, after []source.Cursor, err error) {
	t.Helper()
	st, err := s.Open(t.Context(), p.Parts[0], c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	for {
		c, err := st.Next(t.Context())
		if err == io.EOF {
			return out, rejects, after, nil
		}
		if err != nil {
			return out, rejects, after, err
		}
		if c.Batch != nil {
			out = append(out, c.Batch.Column(c.Batch.Schema().Index("id")).Int64s()...)
		}
		rejects, after = append(rejects, c.Rejects...), append(after, c.After)
	}
}

func plan(t *testing.T, s *httpapi.Source) *source.Plan {
	t.Helper()
	p, err := s.Plan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEveryWayOfPagingReadsAllRecordsOnce(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(pages))
	defer api.Close()
	for name, paging := range map[string]string{
		"link":   `{"kind":"link"}`,
		"cursor": `{"kind":"cursor","field":"next"}`,
		"page":   `{"kind":"page","param":"page"}`,
		"offset": `{"kind":"offset","param":"offset"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, `{"url":"`+api.URL+`/items","records":"data.items","paging":`+paging+`}`)
			p := plan(t, s)
			if got := p.Schema.String(); !strings.Contains(got, "id: int64") || !strings.Contains(got, "text: string") {
				t.Fatalf("schema %s", got)
			}
			got, rejects, _, err := ids(t, s, p, nil)
			if err != nil || len(rejects) > 0 || len(got) != total {
				t.Fatalf("%d ids, rejects %v, error %v", len(got), rejects, err)
			}
			for i, id := range got {
				if id != int64(i) {
					t.Fatalf("record %d has the id %d", i, id)
				}
			}
		})
	}
}

// A page of more than half a megabyte makes a batch of its own, so there are places to go on from.
func TestACursorReadsWhatFollows(t *testing.T) {
	pad := strings.Repeat("x", 60<<10)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("page"))
		var items []any
		for i := n * 10; i < min(n*10+10, total); i++ {
			items = append(items, map[string]any{"id": i, "pad": pad})
		}
		_ = json.NewEncoder(w).Encode(append([]any{}, items...))
	}))
	defer api.Close()
	s := open(t, `{"url":"`+api.URL+`","paging":{"kind":"page","param":"page"}}`)
	p := plan(t, s)
	_, _, after, err := ids(t, s, p, nil)
	if err != nil || len(after) < 2 {
		t.Fatalf("%d places to go on from, error %v", len(after), err)
	}
	got, _, _, err := ids(t, s, p, after[0])
	if err != nil || len(got) != total-10 || got[0] != 10 {
		t.Fatalf("from the second page on: %v, error %v", got, err)
	}
}

func TestAnApiThatSaysLaterIsAskedLater(t *testing.T) {
	var asked atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		pages(w, r)
	}))
	defer api.Close()
	s := open(t, `{"url":"`+api.URL+`","records":"data.items","paging":{"kind":"link"}}`)
	if got, _, _, err := ids(t, s, plan(t, s), nil); err != nil || len(got) != total {
		t.Fatalf("%d records, error %v", len(got), err)
	}
	if n := asked.Load(); n != 5 { // the refusal, the plan's page again, and three pages
		t.Errorf("asked %d times, want 5", n)
	}
}

func TestBadRecordsAreRefusedByNumberAndTheOthersRead(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `[{"id":1},{"id":"two"},7,{"id":3,"new":true},{"id":4}]`)
	}))
	defer api.Close()
	for _, c := range []struct {
		schema string
		want   []int64
		lines  []int64
	}{
		{`[{"name":"id","type":"int64","nullable":true}]`, []int64{1, 3, 4}, []int64{2, 3}},
		{`[{"name":"id","type":"int64","nullable":true},{"name":"new","type":"bool","nullable":false}]`, []int64{3}, []int64{1, 2, 3, 5}},
	} {
		s := open(t, `{"url":"`+api.URL+`","schema":`+c.schema+`}`)
		got, rejects, _, err := ids(t, s, plan(t, s), nil)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: ids %v, error %v", c.schema, got, err)
		}
		var lines []int64
		for _, r := range rejects {
			lines = append(lines, r.Line)
			if r.Reason == "" || len(r.Raw) == 0 {
				t.Errorf("reject %+v has no reason or no record", r)
			}
		}
		if fmt.Sprint(lines) != fmt.Sprint(c.lines) {
			t.Errorf("%s: refused %v, want %v", c.schema, lines, c.lines)
		}
	}
}

func TestASecretGoesToItsHostAloneAndIntoNoError(t *testing.T) {
	var foreign atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	defer other.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"link": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "<"+other.URL+`>; rel="next"`)
			_, _ = io.WriteString(w, `[{"id":1}]`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"status":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
		"broken":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		for _, auth := range []string{`{"env":"TOKEN","header":"X-Key"}`, `{"env":"TOKEN","query":"key"}`} {
			t.Run(name+auth, func(t *testing.T) {
				api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("X-Key")+r.URL.Query().Get("key") != "s3cret" {
						t.Errorf("the secret did not come with %s", r.URL)
					}
					answer(w, r)
				}))
				defer api.Close()
				s := open(t, `{"url":"`+api.URL+`","tries":1,"auth":`+auth+`,"paging":{"kind":"link"},"schema":[{"name":"id","type":"int64","nullable":true}]}`)
				_, _, _, err := ids(t, s, plan(t, s), nil)
				if err == nil || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
	if foreign.Load() > 0 {
		t.Error("another host was asked")
	}
}

func TestAnswersThatCannotBeReadAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ body, config, code string }{
		"html":    {`<html>`, ``, "not_json"},
		"nowhere": {`{"a":1}`, `,"records":"data.items"`, "no_records"},
		"large":   {`[{"id":1},{"id":2}]`, `,"max_page":10`, "page_too_large"},
		"loop":    {`{"r":[{"id":1}],"next":"x"}`, `,"records":"r","paging":{"kind":"cursor","field":"next"}`, "paging_loop"},
		"empty":   {`[]`, ``, "empty_sample"},
	} {
		t.Run(name, func(t *testing.T) {
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.body) }))
			defer api.Close()
			s := open(t, `{"url":"`+api.URL+`"`+c.config+`}`)
			p, err := s.Plan(t.Context(), nil)
			if err == nil {
				_, _, _, err = ids(t, s, p, nil)
			}
			var e *source.Error
			if !errors.As(err, &e) || e.Code != c.code {
				t.Errorf("error %v, want code %s", err, c.code)
			}
		})
	}
}

func TestTheNextPlanBeginsWhereTheLastEnded(t *testing.T) {
	var asked []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("since")+"/"+r.URL.Query().Get("until"))
		_, _ = io.WriteString(w, `[{"id":1}]`)
	}))
	defer api.Close()
	s := open(t, `{"url":"`+api.URL+`","since":{"param":"since","until":"until","format":"unix"}}`)
	p := plan(t, s)
	if _, err := s.Plan(t.Context(), p.Next); err != nil {
		t.Fatal(err)
	}
	_, until, _ := strings.Cut(asked[0], "/")
	if since, _, _ := strings.Cut(asked[1], "/"); until == "" || since != until {
		t.Errorf("the first plan asked for %s, the second for %s", asked[0], asked[1])
	}
}

// A time bounds what is asked for beside what earlier runs have read, by the later of the two, and on every page; an API without a parameter for it takes none.
func TestATimeBoundsWhatIsAskedFor(t *testing.T) {
	var asked []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("since"))
		pages(w, r)
	}))
	defer api.Close()
	const config = `","records":"data.items","paging":{"kind":"offset","param":"offset"},"since":{"param":"since"},"schema":[{"name":"id","type":"int64","nullable":true},{"name":"text","type":"string","nullable":true}]}`
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, c := range []struct{ floor, mark, want string }{
		{"", "", ""},
		{"2026-01-02T00:00:00+01:00", "", "2026-01-01T23:00:00Z"},
		{"", `{"until":"2026-01-05T00:00:00Z"}`, "2026-01-05T00:00:00Z"},
		{"2026-01-02T00:00:00Z", `{"until":"2026-01-05T00:00:00Z"}`, "2026-01-05T00:00:00Z"},
		{"2026-01-09T00:00:00Z", `{"until":"2026-01-05T00:00:00Z"}`, "2026-01-09T00:00:00Z"},
	} {
		s := open(t, `{"url":"`+api.URL+config)
		if c.floor != "" {
			if err := s.Since(at(c.floor)); err != nil {
				t.Fatal(err)
			}
		}
		p, err := s.Plan(t.Context(), source.Watermark(c.mark))
		if err != nil {
			t.Fatal(err)
		}
		asked = nil
		other := open(t, `{"url":"`+api.URL+config) // who reads has the partition, and not the time
		if got, _, _, err := ids(t, other, p, nil); err != nil || len(got) != total {
			t.Fatalf("%d records, error %v", len(got), err)
		}
		if len(asked) < 3 || slices.ContainsFunc(asked, func(since string) bool { return since != c.want }) {
			t.Errorf("since %q after %q: asked for %q, want %q each time", c.floor, c.mark, asked, c.want)
		}
	}
	if err := open(t, `{"url":"`+api.URL+`"}`).Since(at("2026-01-02T00:00:00Z")); source.CodeOf(err) != source.Invalid || !strings.Contains(err.Error(), "param") {
		t.Errorf("without a parameter: %v", err)
	}
	s := open(t, `{"url":"`+api.URL+config)
	if _, err := s.Plan(t.Context(), source.Watermark(`{"until":7}`)); source.CodeOf(err) != "bad_watermark" {
		t.Errorf("a watermark that is none: %v", err)
	}
}

func TestAConfigurationWithAMistakeIsRefusedByName(t *testing.T) {
	for config, field := range map[string]string{
		`{"url":"ftp://x"}`:      "url",
		`{"url":"http://u:p@x"}`: "auth.env",
		`{"url":"http://x","headers":{"authorization":"Bearer x"}}`: "headers",
		`{"url":"http://x","auth":{"env":"TOKEN"}}`:                 "auth",
		`{"url":"http://x","auth":{"env":"NONE","header":"X"}}`:     "NONE",
		`{"url":"http://x","paging":{"kind":"pages"}}`:              "paging.kind",
		`{"url":"http://x","paging":{"kind":"cursor"}}`:             "paging.field",
		`{"url":"http://x","retries":3}`:                            "retries",
	} {
		if _, err := httpapi.New(json.RawMessage(config), source.Deps{Getenv: func(string) string { return "" }}); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: error %v does not name %s", config, err, field)
		}
	}
}
