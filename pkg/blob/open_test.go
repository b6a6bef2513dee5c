package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/blob"
)

func TestKeysThatLeaveTheStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	for _, key := range []string{"", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".unfinished/x", "a/.b", "a\\b", "a\x00b", "C:x", strings.Repeat("k/", 600) + "k", "\xff"} {
		if err := s.Put(t.Context(), key, strings.NewReader("x")); !errors.Is(err, blob.ErrKey) {
			t.Errorf("%q: %v", key, err)
		}
		if _, err := s.Get(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
	if err := os.Symlink(dir, filepath.Join(dir, "store", "out")); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "out/x", strings.NewReader("x")); err == nil {
		t.Error("a link led out of the store")
	}
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"":                                "empty",
		"file:///":                        "absolute path below the root",
		"file://data/x":                   "three slashes",
		"file:///tmp/x?sinc=0":            "sinc",
		"file:///tmp/x?sync=perhaps":      "sync=perhaps",
		"file:///nowhere/at/all?create=0": "make it, or name another",
		"s3://bucket":                     "built without s3",
		"gs://bucket":                     "TAGS=cloud",
		"azblob://bucket":                 "built without azblob",
		"ftp://u:secret@h/x":              "none of file, mem",
	} {
		_, err := blob.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want …%s…", url, err, want)
		}
	}
	s := open(t, "file://"+t.TempDir()+"?sync=0")
	put(t, s, "a", "b")
}
