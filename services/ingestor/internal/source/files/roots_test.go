package files_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/files"
)

// grounds is a directory that may be read, with a secret beside it and links of all sorts inside.
func grounds(t *testing.T) (open, secret string) {
	t.Helper()
	top := t.TempDir()
	open, secret = filepath.Join(top, "open"), filepath.Join(top, "open-secret")
	for name, text := range map[string]string{
		"open/a.csv": "mine", "open/sub/b.csv": "mine", "open-secret/s.csv": "secret", "out/keep": "",
	} {
		at := filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		os.MkdirAll(filepath.Join(open, "links"), 0o755),
		os.Symlink("../sub/b.csv", filepath.Join(open, "links", "inside.csv")),
		os.Symlink("../open-secret", filepath.Join(open, "leak")),
		os.Symlink("../open-secret/s.csv", filepath.Join(open, "leak.csv")),
		syscall.Mkfifo(filepath.Join(open, "pipe"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return open, secret
}

// Below its roots a source reads what lies there, links inside them included; nothing else, by whatever path or link, and the error says what to do.
func TestASourceReadsNothingOutsideItsRoots(t *testing.T) {
	open, secret := grounds(t)
	csv := func(name string) bool { return strings.HasSuffix(name, ".csv") }
	for _, c := range []struct {
		name, path string
		roots      []string
		found      int    // files
		code       string // of the error, where there is one
	}{
		{"a directory", "links", []string{open}, 1, ""},
		{"a glob", "*/*.csv", []string{open}, 2, ""},
		{"an absolute path", filepath.Join(open, "a.csv"), []string{secret, open}, 1, ""},
		{"above", "../open-secret/s.csv", []string{open}, 0, source.Denied},
		{"another root's neighbour by name", filepath.Join(secret, "s.csv"), []string{open}, 0, source.Denied},
		{"a link out of it", "leak.csv", []string{open}, 0, source.Denied},
		{"through a link out of it", "leak/s.csv", []string{open}, 0, source.Denied},
		{"a directory with a link out of it", ".", []string{open}, 0, source.Denied},
		{"no root", "a.csv", []string{}, 0, source.Denied},
		{"a pipe", "pipe", []string{open}, 0, source.Refused},
		{"a pipe, unbounded", "pipe", nil, 0, source.Refused},
		{"unbounded", "../open-secret/s.csv", nil, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := files.Local{Dir: open, Roots: c.roots}
			es, err := tree.List(t.Context(), []string{c.path}, csv)
			if source.CodeOf(err) != c.code || err == nil && len(es) != c.found {
				t.Fatalf("%d files, error %v; want %d, %q", len(es), err, c.found, c.code)
			}
			for _, e := range es {
				if f, err := tree.Open(t.Context(), e.Name); err != nil {
					t.Error(err)
				} else if text, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size())); err != nil || f.Close() != nil || !slices.Contains([]string{"mine", "secret"}, string(text)) {
					t.Errorf("%s is %q, %v", e.Name, text, err)
				}
			}
			if c.code == source.Denied {
				if _, err := tree.Open(t.Context(), c.path); c.path != "." && (source.CodeOf(err) != source.Denied || !strings.Contains(err.Error(), "ingestor.paths")) {
					t.Errorf("it opens, or does not say what to do: %v", err)
				}
			}
		})
	}
}

// A link that comes while a source is at work leads it nowhere, either: what opens and walks files is bounded by itself, and not by the look before.
func TestALinkThatComesLateLeadsNowhere(t *testing.T) {
	open, _ := grounds(t)
	for _, name := range []string{"leak.csv", "leak", "leak/s.csv", "../open-secret"} {
		opened, walked := files.Local{Dir: open, Roots: []string{open}}.Reach(name)
		if source.CodeOf(opened) != source.Denied || source.CodeOf(walked) != source.Denied {
			t.Errorf("%s: opened %v, walked %v", name, opened, walked)
		}
		if opened, walked := (files.Local{Dir: open}).Reach(name); opened != nil || walked != nil {
			t.Errorf("%s, unbounded: opened %v, walked %v", name, opened, walked)
		}
	}
}

// A file of credentials is a small one below the roots, and nothing that could be waited for for ever.
func TestAFileOfCredentialsIsReadWithinBounds(t *testing.T) {
	open, secret := grounds(t)
	if err := os.WriteFile(filepath.Join(open, "large"), make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	tree := files.Local{Dir: open, Roots: []string{open}}
	for name, code := range map[string]string{
		filepath.Join(secret, "s.csv"): source.Denied, "leak.csv": source.Denied, "large": source.TooLarge, "pipe": source.Refused, "none": source.Missing,
	} {
		if text, err := tree.ReadAll(name); source.CodeOf(err) != code {
			t.Errorf("%s: %q, %v, want %s", name, text, err, code)
		}
	}
	if text, err := tree.ReadAll("a.csv"); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
}
