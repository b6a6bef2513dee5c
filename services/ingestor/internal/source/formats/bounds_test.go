package formats_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

const commit = "_delta_log/00000000000000000000.json"

// naming is a Delta table of two files, of which the log names the second by a path.
func naming(t *testing.T, path string) map[string]string {
	m := delta(t)
	return map[string]string{
		"t/" + commit: strings.ReplaceAll(m["t/"+commit], `"b.parquet"`, fmt.Sprintf("%q", path)), "t/day=2026-01-01/a%b.parquet": m["t/day=2026-01-01/a%b.parquet"],
	}
}

// described is a dataset whose README says where its files are.
func described(path string) map[string]string {
	return map[string]string{
		"d/README.md": "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: " + path + "\n---\n", "d/a.csv": "id\n2\n",
	}
}

// Tables and datasets name files of their own. Those that lie outside the directories which may be read are not read, by whatever way they are named.
func TestWhatATableNamesIsBounded(t *testing.T) {
	plain := map[string]string{"a.csv": "id\n2\n"}
	for _, c := range []struct {
		name, yaml string
		files      func(secret string) map[string]string
		link       string // to the secret
		code       string
	}{
		{"a table with an absolute path", "type: delta\npath: t", func(s string) map[string]string { return naming(t, s+"/t/b.parquet") }, "", source.Denied},
		{"a table with a file URL", "type: delta\npath: t", func(s string) map[string]string { return naming(t, "file://"+s+"/t/b.parquet") }, "", source.Denied},
		{"a table with a path out of it", "type: delta\npath: t", func(string) map[string]string { return naming(t, "../../secret/t/b.parquet") }, "", source.Denied},
		{"the same in escapes", "type: delta\npath: t", func(string) map[string]string { return naming(t, "%2e%2e/%2e%2e%2fsecret/t/b.parquet") }, "", source.Denied},
		{"a table with a link", "type: delta\npath: t", func(string) map[string]string { return naming(t, "leak/t/b.parquet") }, "t/leak", source.Denied},
		{"a table that is a link", "type: delta\npath: leak/t\nversion: 0", func(string) map[string]string { return plain }, "leak", source.Denied},
		{"a table of another place", "type: delta\npath: t", func(string) map[string]string { return naming(t, "s3://bucket/b.parquet") }, "", source.Refused},
		{"a dataset with an absolute path", "type: huggingface\npath: d", func(s string) map[string]string { return described(s + "/s.csv") }, "", source.Refused},
		{"a dataset with a file URL", "type: huggingface\npath: d", func(s string) map[string]string { return described("file://" + s + "/s.csv") }, "", source.Refused},
		{"a dataset with a path out of it", "type: huggingface\npath: d", func(string) map[string]string { return described("x/../../../secret/s.csv") }, "", source.Refused},
		{"a dataset with a link", "type: huggingface\npath: d", func(string) map[string]string { return described("leak/*.csv") }, "d/leak", source.Denied},
		{"a dataset that is a link", "type: huggingface\npath: leak", func(string) map[string]string { return plain }, "leak", source.Denied},
		{"a dataset of the hub", "type: huggingface\npath: hf://datasets/a/b", func(string) map[string]string { return plain }, "", source.Invalid},
		{"a glob with a link", "type: csv\npath: leak/*.csv", func(string) map[string]string { return plain }, "leak", source.Denied},
		{"a glob with a pattern for a link", "type: csv\npath: l*k/*.csv", func(string) map[string]string { return plain }, "leak", source.Missing},
		{"a glob over all", "type: csv\npath: '**/*.csv'", func(string) map[string]string { return plain }, "leak", ""},
		{"a file URL", "type: csv\npath: file:///nowhere/../etc/passwd", func(string) map[string]string { return plain }, "", source.Denied},
		{"a file URL in capitals", "type: csv\npath: FILE:///etc/passwd", func(string) map[string]string { return plain }, "", source.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			open, secret := filepath.Join(top, "open"), filepath.Join(top, "secret")
			hidden := delta(t)
			hidden["s.csv"] = "id\n1\n"
			sourcetest.Put(t, secret, hidden)
			sourcetest.Put(t, open, c.files(secret))
			if c.link != "" {
				if err := os.Symlink(secret, filepath.Join(open, c.link)); err != nil {
					t.Fatal(err)
				}
			}
			d := sourcetest.Deps(open)
			if err := planned(t, c.yaml, d); err != nil && c.code == source.Denied && strings.Contains(c.yaml, "delta") {
				t.Errorf("without bounds: %v", err)
			}
			d.Bounds.Paths = []string{open}
			if err := planned(t, c.yaml, d); source.CodeOf(err) != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}

func planned(t *testing.T, yaml string, d source.Deps) error {
	t.Helper()
	s, err := registry().Make([]byte(yaml), d)
	if err == nil {
		_, err = s.Plan(t.Context(), nil)
	}
	return err
}
