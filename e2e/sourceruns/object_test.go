package sourceruns_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// line is a record of the files.
type line struct {
	ID int64 `json:"id"`
}

// A run over a bucket, here a directory that is looked at as one, takes all of its files, the next one those that are new.
func TestRunsOverABucketTakeNewFiles(t *testing.T) {
	f := newFleet(t, "object")
	bucket := t.TempDir()
	lines := "name: lines\nsource: {type: object, bucket: 'file://" + bucket + "', format: jsonl, path: 'raw/*.jsonl'}\ndataset: " + dataset + "\n"
	put := func(name string, from, to int64) (out []line) {
		t.Helper()
		var text strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&text, "{\"id\": %d}\n", i)
			out = append(out, line{i})
		}
		path := filepath.Join(bucket, "raw", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := append(put("a.jsonl", 0, 2000), put("c.jsonl", 2000, 4000)...)
	same(t, "the first run", takes[line](f, "first", lines), first)
	second := put("b.jsonl", 4000, 4600)
	same(t, "the second run", takes[line](f, "second", lines), second)
	f.findsNothing("third", lines)
}
