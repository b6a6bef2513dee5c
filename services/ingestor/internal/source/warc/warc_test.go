package warc_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
	"github.com/leathq/leat/services/ingestor/internal/source/warc"
)

func record(kind, uri, media, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%s>\r\nWARC-Date: 2026-01-31T10:00:00Z\r\nWARC-Target-URI: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
		kind, kind+uri, uri, media, len(block), block)
}

// packed is every record as a gzip member of its own, as archives are.
func packed(records ...string) string {
	var b bytes.Buffer
	for _, r := range records {
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(r)); err != nil {
			panic(err)
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
	}
	return b.String()
}

func zip(s string) string { return packed(s) }

func read(tb testing.TB, yaml string, content map[string]string) *sourcetest.Result {
	tb.Helper()
	s, err := warc.New([]byte("type: warc\npath: .\nmax_bad: 100%\n"+yaml), sourcetest.Deps(sourcetest.Write(tb, content)))
	if err != nil {
		return &sourcetest.Result{Err: err}
	}
	return sourcetest.Read(tb, s, nil)
}

var (
	info     = record("warcinfo", "", "application/warc-fields", "software: test\r\n")
	request  = record("request", "http://a/", "application/http; msgtype=request", "GET / HTTP/1.1\r\n\r\n")
	response = record("response", "http://a/", "application/http; msgtype=response",
		"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<html lang=fr><title>T</title><p>caf\xe9 au lait")
	zipped  = record("response", "http://b/", "application/http", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: text/plain\r\n\r\n"+zip("plain"))
	chunked = record("response", "http://c/", "application/http", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
	image   = record("response", "http://d/", "application/http", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG")
	text    = strings.Replace(record("conversion", "http://e/", "text/plain", "a text"), "WARC-Date", "WARC-Identified-Content-Language: eng\r\nWARC-Date", 1)
)

// Records of the kinds and media asked for become rows; packed by member, as one stream, or not at all.
func TestRecords(t *testing.T) {
	all := []string{info, request, response, zipped, chunked, image, text}
	var whole string
	for name, content := range map[string]string{"members": packed(all...), "one stream": packed(strings.Join(all, "")), "plain": strings.Join(all, "")} {
		r := read(t, "", map[string]string{"a.warc.gz": content})
		if r.Err != nil || len(r.Rejects) > 0 || len(r.Rows) != 4 {
			t.Fatalf("%s: %v, refused %+v, %v", name, r.Rows, r.Rejects, r.Err)
		}
		want := map[string]any{"id": "urn:uuid:responsehttp://a/", "type": "response", "url": "http://a/", "date": time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC),
			"status": int64(200), "media_type": "text/html", "title": "T", "language": "fr", "text": "café au lait"}
		if !reflect.DeepEqual(r.Rows[0], want) {
			t.Errorf("%s: %v, not %v", name, r.Rows[0], want)
		}
		if got := r.Column("text")[1:]; !reflect.DeepEqual(got, []any{"plain", "abcde", "a text"}) || r.Rows[3]["language"] != "eng" {
			t.Errorf("%s: %v, %v", name, got, r.Rows[3])
		}
		if whole == "" {
			whole = fmt.Sprint(r.Rows)
		}
		if fmt.Sprint(r.Rows) != whole {
			t.Errorf("%s: other rows", name)
		}
	}
	r := read(t, "content: raw\nmedia: ['*']\nrecords: [response]\ncolumns: [url, body]", map[string]string{"a.warc": strings.Join(all, "")})
	if len(r.Rows) != 4 || string(r.Rows[3]["body"].([]byte)) != "\x89PNG" {
		t.Errorf("raw: %v, %v", r.Rows, r.Err)
	}
}

// A record that cannot be read is refused alone, with what stood there.
func TestBadRecords(t *testing.T) {
	for name, c := range map[string]struct{ bad, want string }{
		"no version": {"nonsense\r\nmore\r\n\r\n", "begins with"},
		"no colon":   {"WARC/1.0\r\nnonsense\r\n\r\nblock\r\n", "without a colon"},
		"length":     {"WARC/1.0\r\nContent-Length: many\r\n\r\nblock\r\n\r\n", `Content-Length is "many"`},
		"negative":   {"WARC/1.0\r\nContent-Length: -5\r\n\r\nblock\r\n\r\n", "Content-Length"},
		"status":     {record("response", "http://x/", "application/http", "HTTP/1.1 OK\r\n\r\n"), "HTTP status"},
		"no HTTP":    {record("response", "http://x/", "application/http", "SSH-2.0\r\n\r\n"), "response begins with"},
		"brotli":     {record("response", "http://x/", "application/http", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\n\r\n\x0b\x02"), "br"},
		"date":       {strings.Replace(text, "2026-01-31T10:00:00Z", "yesterday", 1), "no timestamp"},
		"long":       {record("conversion", "http://x/", "text/plain", strings.Repeat("x", 5000)), "longer than 2000 bytes"},
		"bomb":       {record("response", "http://x/", "application/http", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n\r\n"+zip(strings.Repeat("x", 1e6))), "longer than 2000 bytes unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, "max_record_bytes: 2000", map[string]string{"a.warc": text + c.bad + text})
			if r.Err != nil || len(r.Rows) != 2 || len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Reason, c.want) || r.Rejects[0].Line != 2 || len(r.Rejects[0].Raw) == 0 {
				t.Errorf("%d rows, refused %+v, %v", len(r.Rows), r.Rejects, r.Err)
			}
		})
	}
}

// An archive that was cut says so, after the records that it has.
func TestTruncated(t *testing.T) {
	for name, content := range map[string]string{"plain": text + text[:len(text)-8], "headers": text + text[:40], "packed": packed(text, text)[:len(packed(text))+60]} {
		r := read(t, "", map[string]string{"a.warc": content})
		if source.CodeOf(r.Err) != source.Truncated || len(r.Rows) != 1 || !strings.Contains(r.Err.Error(), "a.warc") {
			t.Errorf("%s: %d rows, %v", name, len(r.Rows), r.Err)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(info + response + chunked + text))
	f.Add([]byte("WARC/1.0\r\nContent-Length: 99999999999\r\n\r\n"))
	f.Add([]byte(zipped + "WARC/1.0\nWARC-Type: response\n folded\nContent-Length: 3\n\nabc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := read(t, "content: raw\nmedia: ['*']\nmax_record_bytes: 100000", map[string]string{"a.warc": string(data)})
		if n := bytes.Count(data, []byte("\n")); r.Plan != nil && len(r.Rows)+len(r.Rejects) > n+1 {
			t.Fatalf("%d rows and %d rejects of %d lines", len(r.Rows), len(r.Rejects), n)
		}
	})
}
