package datacmd_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/services/cmd/leat/internal/datacmd"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// sample is a store with two versions of a dataset, and what became of no version.
type sample struct {
	dir, first, second, stray string
}

func (s *sample) shard(t *testing.T, d *dataset.Datasets, text string, rows int64) dataset.Shard {
	t.Helper()
	out, err := d.Write(t.Context(), "parquet", func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	if err != nil {
		t.Fatal(err)
	}
	out.Rows = rows
	return out
}

func newSample(t *testing.T) *sample {
	s := &sample{dir: filepath.Join(t.TempDir(), "store")}
	b, err := blob.Open(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	d := dataset.New(b)
	shared := s.shard(t, d, strings.Repeat("s", 3000), 1000)
	zero, nine, evil := "0", "9", "a\x1b[31m\nb"
	m := &dataset.Manifest{Name: "docs", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Run: "r1", Code: "abc",
		Schema: []dataset.Field{{Name: "id", Type: "int64"}, {Name: "text", Type: "string", Nullable: true}},
		Shards: []dataset.Shard{shared}, Counts: dataset.Counts{In: 1005, Valid: 1000, Quarantined: 5},
		Quarantine: []dataset.Shard{s.shard(t, d, "bad", 5)},
		Statistics: []dataset.Column{{Name: "id", Rows: 1000, Bytes: 8000, Min: &zero, Max: &nine}, {Name: "text", Rows: 1000, Nulls: 3, Bytes: 9000, Min: &evil}},
		Sources:    []dataset.Source{{Kind: "parquet", Name: "file:///in/a.parquet", Bytes: 4096}, {Kind: "parquet", Name: "file:///in/b.parquet", Bytes: 10}},
		Suite:      &dataset.Suite{Name: "docs suite", Digest: "sha256:" + strings.Repeat("1", 64), Success: true, Met: 4, Of: 4},
		Verdicts:   []dataset.Verdict{{Gate: "new_rows", Status: "pass", Reason: "1005 of at least 1000"}},
		Lineage:    []dataset.Step{{Stage: "ingest", Service: "ingestor", In: 1005, Out: 1005}, {Stage: "validate", Service: "validator", In: 1005, Out: 1000}},
	}
	if s.first, err = d.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m.Shards = append(m.Shards, s.shard(t, d, "more", 500))
	m.Counts, m.Created = dataset.Counts{In: 1505, Valid: 1500, Quarantined: 5}, m.Created.Add(time.Hour)
	m.Schema = append(m.Schema, dataset.Field{Name: "lang", Type: "string"})
	m.Statistics = []dataset.Column{{Name: "id", Rows: 1500, Bytes: 12000, Min: &zero, Max: &nine}, {Name: "text", Rows: 1500, Nulls: 7}}
	m.Suite.Success = false
	if s.second, err = d.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.stray = filepath.Join(s.dir, s.shard(t, d, "stray", 1).Path)
	old := time.Now().Add(-30 * 24 * time.Hour)
	if err := os.Chtimes(s.stray, old, old); err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, s *sample, line string) (out, said string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	line = strings.NewReplacer("FIRST", dataset.Short(s.first), "SECOND", dataset.Short(s.second)).Replace(line)
	err = datacmd.Main(t.Context(), strings.Fields(line), environ(t, "LEAT_STORE="+s.dir, "LEAT_NATS=nats://elsewhere"), &o, &e)
	return o.String(), e.String(), err
}

// environ is an environment of leat data alone.
func environ(t *testing.T, pairs ...string) variables.Environ {
	t.Helper()
	e, err := variables.New(pairs, datacmd.Settings()...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhatIsShown(t *testing.T) {
	s := newSample(t)
	short1, short2 := dataset.Short(s.first), dataset.Short(s.second)
	for line, want := range map[string][]string{
		"ls":                      {"docs     2         " + short2, "1,500", "NOT VALID"},
		"ls docs":                 {short2 + "  latest  2026-01-02 04:04:05  1,500  5", short1 + "          2026-01-02 03:04:05  1,000  5            0        2.9 KiB  valid"},
		"show docs@FIRST":         {s.first, "docs suite: 4 of 4 expectations met", "new_rows: pass", "in           1,005", "text    string          3      a·[31m·b  -", "└─ validate (validator)  1,005 rows in, 1,000 out\n   └─ ingest", "      └─ parquet file:///in/b.parquet  10 B"},
		"diff docs@FIRST @latest": {short1 + " → docs@" + short2, "+500 (+50.0 %)", "shared  1      2.9 KiB", "+ lang string not null", "text    3 → 7"},
		"diff docs docs":          {"the same version"},
		"gc":                      {"shards/sha256/"},
	} {
		out, _, err := run(t, s, line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %q in\n%s", line, w, out)
			}
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("%s: data reached the terminal as it was", line)
		}
	}
}

func TestJSON(t *testing.T) {
	s := newSample(t)
	for _, line := range []string{"ls --json", "ls docs --json", "show docs --json", "diff docs@FIRST docs --json", "gc --json"} {
		out, _, err := run(t, s, line)
		if !json.Valid([]byte(out)) || err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	out, _, _ := run(t, s, "show docs --json")
	var m dataset.Manifest
	if err := json.Unmarshal([]byte(out), &m); err != nil || m.Version != s.second {
		t.Error(err, m.Version)
	}
}

func TestRemovingAndFreeing(t *testing.T) {
	s := newSample(t)
	there := func() bool { _, err := os.Stat(s.stray); return err == nil }
	if _, said, err := run(t, s, "gc"); err != nil || !there() || !strings.Contains(said, "1 files, 5 B, would be freed") {
		t.Error(err, said)
	}
	if _, said, err := run(t, s, "gc --delete"); err != nil || there() || !strings.Contains(said, "are freed; 3 belong to versions") {
		t.Error(err, said)
	}
	for _, c := range [][2]string{
		{"rm docs@latest", "--force makes the next newest the latest"},
		{"rm docs", "has 2 versions"},
		{"rm docs@000000", "no such dataset or version"},
		{"show nothing", "leat data ls"},
		{"show ../docs", "no name of a dataset"},
		{"show docs@12", "6 or more digits"},
		{"show", "needs NAME"},
		{"show a b", `"b" is not expected`},
		{"shwo a", "no command of leat data"},
		{"gc --grace 5m", "below 1h"},
		{"ls --store " + s.dir + "/none", "there is no store at"},
	} {
		if _, _, err := run(t, s, c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: %v, want …%s…", c[0], err, c[1])
		}
	}
	if _, _, err := run(t, s, "rm docs@latest --force"); err != nil {
		t.Error(err)
	}
	if out, _, err := run(t, s, "ls docs"); err != nil || !strings.Contains(out, dataset.Short(s.first)+"  latest") {
		t.Error(err, out)
	}
	if _, said, err := run(t, s, "rm docs --force"); err != nil || !strings.Contains(said, "its 1 versions") {
		t.Error(err, said)
	}
	if _, said, err := run(t, s, "ls"); err != nil || !strings.Contains(said, "there are no datasets") {
		t.Error(err, said)
	}
}

func TestHelp(t *testing.T) {
	s := newSample(t)
	for line, want := range map[string]string{"": "diff FROM TO", "--help": "gc", "gc --help": "--grace"} {
		_, _, err := run(t, s, line)
		var h conf.Help
		if !errors.As(err, &h) || !strings.Contains(string(h), want) {
			t.Errorf("%q: %v", line, err)
		}
	}
}
