package example_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

func lines(t *testing.T, folder string) source.Source {
	return sourcetest.Command(t, map[string]any{"folder": folder}, sourcetest.Python(t), "lines.py")
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAProgramInPythonIsASource(t *testing.T) {
	const many = 40000
	dir := t.TempDir()
	var big bytes.Buffer
	for i := range many {
		fmt.Fprintf(&big, "line %d of a file that takes several batches\n", i+1)
	}
	write(t, filepath.Join(dir, "b.log"), big.Bytes())
	write(t, filepath.Join(dir, "a.log"), []byte("one\r\ntwo \xff\nthree ü"))
	s := lines(t, dir)
	got, p := sourcetest.All(t, s, nil)
	if len(p.Parts) != 2 || len(got.Rows) != many+2 || got.Rows[0]["text"] != "one" || got.Rows[1]["text"] != "three ü" || got.Rows[1]["line"] != int64(3) {
		t.Fatalf("%d parts, %d rows, the first %v", len(p.Parts), len(got.Rows), got.Rows[:2])
	}
	if len(got.Rejects) != 1 || got.Rejects[0].Line != 2 || string(got.Rejects[0].Raw) != "two \xff\n" {
		t.Errorf("rejects %+v", got.Rejects)
	}
	whole, err := sourcetest.Read(t, s, p.Parts[1], nil)
	if err != nil || len(whole.After) < 3 {
		t.Fatalf("%d chunks, error %v", len(whole.After), err)
	}
	rest, err := sourcetest.Read(t, s, p.Parts[1], whole.After[1])
	if err != nil || len(rest.Rows) != many-whole.Ends[1] || rest.Rows[0]["line"] != int64(whole.Ends[1]+1) {
		t.Errorf("from %s on: %d rows, error %v", whole.After[1], len(rest.Rows), err)
	}
	write(t, filepath.Join(dir, "c.log"), []byte("new\n"))
	if then, q := sourcetest.All(t, s, p.Next); len(then.Rows) != 1 || q.Seen != 2 {
		t.Errorf("the second run read %v, and knew %d files", then.Rows, q.Seen)
	}
	write(t, filepath.Join(dir, "a.log"), []byte("gone"))
	if _, err := sourcetest.Read(t, s, p.Parts[0], nil); source.CodeOf(err) != "lines" || !strings.Contains(err.Error(), "changed") {
		t.Errorf("of a file that changed: %v", err)
	}
	if _, err := lines(t, "/nowhere").Plan(t.Context(), nil); source.CodeOf(err) != "lines" {
		t.Errorf("of a folder that is not there: %v", err)
	}
}
