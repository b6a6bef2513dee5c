package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/klauspost/compress/gzip"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

func TestMain(m *testing.M) { sourcetest.Main(m, main) }

// store is a place for objects, and the URL that a source has of it.
type store struct {
	name, url string
	put       func(key string, data []byte)
}

func stores(t *testing.T) []store {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	backend := s3mem.New()
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	if err := backend.CreateBucket("corpus"); err != nil {
		t.Fatal(err)
	}
	dir, google := t.TempDir(), googles(t)
	var more []store
	for _, begin := range moreStores {
		more = append(more, begin(t))
	}
	return append([]store{
		google,
		{"s3", "s3://corpus?region=us-east-1&use_path_style=true&disable_https=true&endpoint=" + server.URL, func(key string, data []byte) {
			if _, err := backend.PutObject("corpus", key, map[string]string{}, bytes.NewReader(data), int64(len(data)), nil); err != nil {
				t.Fatal(err)
			}
		}},
		{"file", "file://" + dir, func(key string, data []byte) {
			path := filepath.Join(dir, filepath.FromSlash(key))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	}, more...)
}

// googles is a store of Google's, by the server that its own clients take for one.
func googles(t *testing.T) store {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil { // objects are read under the address that the server knows as its own, so it has to know it before it listens
		t.Fatal(err)
	}
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: uint16(at.Port), PublicHost: at.String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "corpus"})
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL(), "http://"))
	return store{"gs", "gs://corpus?access_id=-", func(key string, data []byte) {
		server.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: "corpus", Name: key}, Content: data})
	}}
}

// records are lines of JSON, a bad one after every thousand.
func records(from, n int) []byte {
	var b bytes.Buffer
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "{\"id\":%d,\"text\":\"some words of record %d\"}\n", i, i)
		if i%1000 == 999 {
			b.WriteString("{\"id\":\n")
		}
	}
	return b.Bytes()
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestObjectsAreReadAsFilesOfTheirFormatAre(t *testing.T) {
	for _, st := range stores(t) {
		t.Run(st.name, func(t *testing.T) {
			st.put("raw/a/one.jsonl", records(0, 150000))
			st.put("raw/b/two.jsonl.gz", packed(t, records(150000, 2000)))
			st.put("raw/b/_SUCCESS", nil)
			st.put("other/three.jsonl", records(0, 5))
			s := sourcetest.Open(t, map[string]any{"type": "object", "bucket": st.url, "format": "jsonl", "path": "raw", "max_bad": "1%"})
			got, p := sourcetest.All(t, s, nil)
			if len(got.Rows) != 152000 || len(got.Rejects) != 152 {
				t.Fatalf("%d rows, %d rejects", len(got.Rows), len(got.Rejects))
			}
			for i, r := range got.Rows {
				if r["id"] != int64(i) {
					t.Fatalf("row %d is %v", i, r)
				}
			}
			if r := got.Rejects[0]; r.File != "raw/a/one.jsonl" || r.Line != 1001 {
				t.Errorf("reject %+v", r)
			}
			whole, err := sourcetest.Read(t, s, p.Parts[0], nil)
			if err != nil || len(whole.After) < 3 {
				t.Fatalf("%d chunks, error %v", len(whole.After), err)
			}
			rest, err := sourcetest.Read(t, s, p.Parts[0], whole.After[1])
			if err != nil || len(rest.Rows) != len(whole.Rows)-whole.Ends[1] || rest.Rows[0]["id"] != int64(whole.Ends[1]) {
				t.Errorf("from %s on: %d rows, error %v", whole.After[1], len(rest.Rows), err)
			}
			st.put("raw/c/four.jsonl", records(500000, 7))
			if then, q := sourcetest.All(t, s, p.Next); len(then.Rows) != 7 || q.Seen != 2 {
				t.Errorf("the second run read %d rows, and knew %d objects", len(then.Rows), q.Seen)
			}
			glob := sourcetest.Open(t, map[string]any{"type": "object", "bucket": st.url, "format": "jsonl", "path": "*/three.jsonl"})
			if got, _ := sourcetest.All(t, glob, nil); len(got.Rows) != 5 {
				t.Errorf("a glob read %d rows", len(got.Rows))
			}
		})
	}
}

func TestMistakesInBucketsAreNamed(t *testing.T) {
	st := stores(t)[0]
	for _, c := range []struct {
		config     map[string]any
		says, code string
	}{
		{map[string]any{"bucket": st.url, "format": "jsonl", "path": "nothing"}, "nothing", source.Missing},
		{map[string]any{"bucket": st.url, "format": "jsnol", "path": "a"}, `"jsonl"`, source.Invalid},
		{map[string]any{"bucket": st.url, "path": "a"}, "format", "bad_config"},
		{map[string]any{"bucket": "corpus", "format": "jsonl", "path": "a"}, "s3://", "bad_config"},
		{map[string]any{"bucket": st.url, "format": "jsonl", "path": "a", "colour": "red"}, "colour", source.Invalid},
	} {
		c.config["type"] = "object"
		_, err := sourcetest.Open(t, c.config).Plan(t.Context(), nil)
		if source.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: error %v, want %s that names %s", c.config, err, c.code, c.says)
		}
	}
}

// Where the ingestor bounds which files may be read, no bucket is a directory of its machine, and none names a file of it.
func TestBoundedABucketIsNoDirectoryOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte("{\"id\": 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEAT_SOURCE_PATHS", t.TempDir())
	for bucket, code := range map[string]string{
		"file://" + dir: source.Denied, "FILE://" + dir: source.Denied, "file:" + dir: "bad_config", dir: "bad_config",
		"gs://corpus?private_key_path=" + filepath.Join(dir, "a.jsonl"): source.Denied,
	} {
		s := sourcetest.Open(t, map[string]any{"type": "object", "bucket": bucket, "format": "jsonl", "path": "a.jsonl"})
		if _, err := s.Plan(t.Context(), nil); source.CodeOf(err) != code {
			t.Errorf("%s: %v, want %q", bucket, err, code)
		}
	}
}
