package runfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	"github.com/leathq/leat/services/ingestor/runfile"
)

func options(set ...string) runfile.Options {
	env := map[string]string{"WHERE": "in/b", "PW": "hush"}
	return runfile.Options{Files: []string{"jsonl"}, Set: set, Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
}

// A file becomes the run that it describes: with absolute paths, its suite inside, variables put in, and what flags set.
func TestAFileBecomesItsRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s.json"), []byte(`{"name": "s", "big": 12345678901234567890}`), 0o600); err != nil {
		t.Fatal(err)
	}
	text := `
name: docs
class: high
source:
  type: jsonl
  path: ${WHERE}/*.jsonl
  paths: [raw, /abs]
  columns: [{name: price, from: '$${WHERE}'}]
  note: ${NONE:-nothing}
validate:
  suite: s.json
dataset: out
limits: {segment_bytes: 64MiB, batch_bytes: 1000, max_bad_share: 0.5}
since: 2026-01-31
`
	f, err := runfile.Parse(filepath.Join(dir, "r.yaml"), []byte(text), options("limits.max_bad=7", "full=true"))
	if err != nil {
		t.Fatal(err)
	}
	seven, half := uint64(7), 0.5
	want := &datav1.Run{
		Name: "docs", Target: &datav1.Target{Dataset: "out"}, Full: true, Since: "2026-01-31",
		Limits: &datav1.Limits{SegmentBytes: 64 << 20, BatchBytes: 1000, MaxBad: &seven, MaxBadShare: &half},
		Stages: []*datav1.Stage{
			{Name: "ingest", Kind: "ingest", Spec: []byte(`{"source":{"columns":[{"from":"${WHERE}","name":"price"}],"note":"nothing","path":"` + dir + `/in/b/*.jsonl","paths":["` + dir + `/raw","/abs"],"type":"jsonl"}}`)},
			{Name: "validate", Kind: "validate", From: "ingest", Spec: []byte(`{"suite":{"name":"s","big":12345678901234567890}}`)},
		},
	}
	if !proto.Equal(f.Run, want) {
		t.Errorf("the run is\n%v\nwant\n%v", f.Run, want)
	}
	if f.Class != "high" || len(f.Notes) != 2 || !strings.Contains(f.Notes[0], dir) {
		t.Errorf("class %s, notes %q", f.Class, f.Notes)
	}
}

// Files of source programs that come with Leat start from the run's folder, too. Keys in a bucket, URLs, words that are looked for in PATH, and what programs of others
// have are left as they are.
func TestFilesOfProgramsStartFromTheRunsFolder(t *testing.T) {
	dir := t.TempDir()
	for source, want := range map[string]string{
		"{type: sql, driver: sqlite, file: shop.db}":                    `{"driver":"sqlite","file":"DIR/shop.db","type":"sql"}`,
		"{type: iceberg, path: lake/t}":                                 `{"path":"DIR/lake/t","type":"iceberg"}`,
		"{type: iceberg, metadata: s3://lake/t/1.json}":                 `{"metadata":"s3://lake/t/1.json","type":"iceberg"}`,
		"{type: iceberg, catalog: {type: sql, file: c.db}, table: t}":   `{"catalog":{"file":"DIR/c.db","type":"sql"},"table":"t","type":"iceberg"}`,
		"{type: iceberg, catalog: nothing}":                             `{"catalog":"nothing","type":"iceberg"}`,
		"{type: program, command: [./read.sh, a/b], config: {file: c}}": `{"command":["DIR/read.sh","a/b"],"config":{"file":"c"},"type":"program"}`,
		"{type: program, command: [python3, ./a.py]}":                   `{"command":["python3","./a.py"],"type":"program"}`,
		"{type: object, bucket: 's3://b', path: a/b}":                   `{"bucket":"s3://b","path":"a/b","type":"object"}`,
		"{type: ours, file: a.db, path: b}":                             `{"file":"a.db","path":"b","type":"ours"}`,
	} {
		f, err := runfile.Parse(filepath.Join(dir, "r.yaml"), []byte("source: "+source), options())
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		want = `{"source":` + strings.ReplaceAll(want, "DIR", dir) + `}`
		if got := string(f.Run.GetStages()[0].GetSpec()); got != want {
			t.Errorf("%s becomes\n%s, want\n%s", source, got, want)
		}
		if noted := strings.Contains(strings.Join(f.Notes, " "), dir); noted != strings.Contains(want, dir) {
			t.Errorf("%s: the notes are %q", source, f.Notes)
		}
	}
}

// What is wrong is refused with its line, and what was meant.
func TestAWrongFileIsRefused(t *testing.T) {
	for says, text := range map[string]string{
		`r.yaml:2: a run has no key "sorce"; do you mean "source"?`:     "name: x\nsorce: {}\n",
		`r.yaml:3: limits has no key "max_bat"; do you mean "max_bad"?`: "source: {}\nlimits:\n  max_bat: 1\n",
		`r.yaml:3: a stage has no key "form"; do you mean "from"?`:      "stages:\n- name: a\n  form: b\n",
		`secrets do not travel`:                       "source:\n  password: ${PW}\n",
		`r.yaml:1: path: the environment has no GONE`: "source: {type: jsonl, path: '${GONE}'}\n",
		`source: it is missing`:                       "name: x\n",
		`is empty`:                                    "# nothing\n",
		`here is a second one`:                        "source: {}\n---\nsource: {}\n",
		`name: it is a number, and must be a text`:    "name: 7\nsource: {}\n",
		`not between 0 and 1`:                         "source: {}\nlimits: {max_bad_share: 2}\n",
		`stages: they are the whole run`:              "source: {}\nstages: [{name: a}]\n",
		`r.yaml:2: suite: open `:                      "source: {}\nvalidate: {suite: none.json}\n",
		`is not a size such as`:                       "source: {}\nlimits: {batch_bytes: lots}\n",
		`a run is a mapping`:                          "- a\n- b\n",
		`r.yaml:1:`:                                   "source: [\n",
	} {
		if _, err := runfile.Parse("r.yaml", []byte(text), options()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
	for says, set := range map[string]string{`do you mean "source"?`: "sorce.path=x", "KEY=VALUE": "full", "is no mapping": "name.x=1"} {
		if _, err := runfile.Parse("r.yaml", []byte("name: x\nsource: {}\n"), options(set)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("--set %s: %v, want %s", set, err, says)
		}
	}
}

// A job's payload is the message's JSON or people's, and gives the same run.
func TestBothSpellingsGiveTheSameRun(t *testing.T) {
	mine, err := runfile.FromJSON([]byte(`{"name": "x", "source": {"type": "csv"}, "limits": {"batch_bytes": "1MiB"}}`))
	if err != nil {
		t.Fatal(err)
	}
	data, err := protojson.Marshal(mine)
	if err != nil {
		t.Fatal(err)
	}
	if its, err := runfile.FromJSON(data); err != nil || !proto.Equal(mine, its) {
		t.Errorf("%v, and %v, %v", mine, its, err)
	}
}

func FuzzFromJSON(f *testing.F) {
	f.Add([]byte(`{"source": {"type": "csv"}, "limits": {"batch_bytes": "1MiB", "max_bad": 1}}`))
	f.Add([]byte(`{"id": "x", "stages": [{"spec": "e30="}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if run, err := runfile.FromJSON(data); err == nil && run == nil {
			t.Error("neither a run nor an error")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("name: x\nsource: {type: jsonl, path: a}\nstages: [{name: a, spec: {suite: {}}}]\n", "source.path=b")
	f.Fuzz(func(t *testing.T, text, set string) {
		if strings.Contains(text, "suite") { // it would read files
			return
		}
		if got, err := runfile.Parse("r.yaml", []byte(text), options(set)); err == nil && got.Run == nil {
			t.Error("neither a run nor an error")
		}
	})
}
