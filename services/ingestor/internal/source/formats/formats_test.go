package formats_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/formats"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

func registry() *source.Registry {
	r := source.NewRegistry()
	formats.Register(r)
	return r
}

func read(t *testing.T, yaml string, content map[string]string) *sourcetest.Result {
	t.Helper()
	s, err := registry().Make([]byte(yaml), sourcetest.Deps(sourcetest.Write(t, content)))
	if err != nil {
		return &sourcetest.Result{Err: err}
	}
	return sourcetest.Read(t, s, nil)
}

func parquet(t *testing.T, ids ...int64) string {
	t.Helper()
	b := arrowio.BatchOf(arrowio.Of("id", ids))
	var out bytes.Buffer
	w, err := file.NewParquetWriter(&out, b.Schema(), file.WriteOptions{})
	if err == nil {
		err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The word after `type:` finds the source; a typo names the nearest one.
func TestRegistry(t *testing.T) {
	for _, kind := range registry().Kinds() {
		if r := read(t, "type: "+kind, nil); r.Err == nil || !strings.Contains(r.Err.Error(), "`path` is missing") {
			t.Errorf("%s without a path: %v", kind, r.Err)
		}
	}
	for yaml, want := range map[string]string{"type: parket\npath: a": `do you mean "parquet"`, "path: a": "`type` is missing", "type: [": "source:"} {
		if r := read(t, yaml, nil); source.CodeOf(r.Err) != source.Invalid || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%q: %v", yaml, r.Err)
		}
	}
}

// A dataset's splits are where its README says they are, or where its files' names do.
func TestHuggingFace(t *testing.T) {
	named := map[string]string{
		"data/train-00000-of-00002.parquet": parquet(t, 1, 2), "data/train-00001-of-00002.parquet": parquet(t, 3), "data/test-00000-of-00001.parquet": parquet(t, 4),
		"data/validation-00000-of-00001.parquet": parquet(t, 5), "README.md": "# A dataset\n", "other.parquet": parquet(t, 6),
	}
	described := map[string]string{
		"README.md":   "---\nlicense: mit\nconfigs:\n- config_name: en\n  data_files:\n  - split: train\n    path: en/a*.jsonl\n  - split: test\n    path: [en/b.jsonl]\n- config_name: nl\n  default: true\n  data_dir: nl\n  data_files: '*.jsonl'\n---\n# A dataset\n",
		"en/a1.jsonl": "{\"id\":1}\n", "en/a2.jsonl": "{\"id\":2}\n", "en/b.jsonl": "{\"id\":3}\n", "nl/x.jsonl": "{\"id\":4}\n",
	}
	for _, c := range []struct {
		name, yaml, want string
		content          map[string]string
	}{
		{"by names", "", "1 train, 2 train, 3 train, 5 validation, 4 test", named},
		{"some splits", "splits: [test, train]", "1 train, 2 train, 3 train, 4 test", named},
		{"described", "config: en", "1 train, 2 train, 3 test", described},
		{"default", "", "4 train", described},
		{"csv", "", "7 train", map[string]string{"train.csv": "id\n7\n"}},
	} {
		r := read(t, "type: huggingface\npath: .\ncolumns: [id, {name: split, from: _split}]\n"+c.yaml, c.content)
		var got []string
		for _, row := range r.Rows {
			got = append(got, fmt.Sprint(row["id"], " ", row["split"]))
		}
		if r.Err != nil || strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %v, not %s: %v", c.name, got, c.want, r.Err)
		}
	}
	for yaml, c := range map[string]struct {
		want    string
		content map[string]string
	}{
		"splits: [trian]":        {`do you mean "train"`, named},
		"config: de":             {"no configuration", described},
		"config: other":          {"no configuration", named},
		"max_partitions: 7":      {"no data files", map[string]string{"README.md": "x", "a.png": "x"}},
		"max_partitions: 8":      {"different formats", map[string]string{"a.jsonl": "{\"id\":1}\n", "b.csv": "id\n1\n"}},
		"max_partitions: 9":      {"outside the dataset", map[string]string{"README.md": "---\nconfigs:\n- data_files: ../../etc/passwd\n---\n"}},
		"max_partitions: 10":     {"has no files", map[string]string{"README.md": "---\nconfigs:\n- data_files: a/*.jsonl\n---\n", "b.jsonl": "{}"}},
		"max_partitions: 11":     {"front matter", map[string]string{"README.md": "---\nconfigs: {\n---\n", "b.jsonl": "{}"}},
		"splits: [a]\nconfig: x": {"no configuration", map[string]string{"b.jsonl": "{}"}},
	} {
		if r := read(t, "type: huggingface\npath: .\n"+yaml, c.content); r.Err == nil || !strings.Contains(r.Err.Error(), c.want) {
			t.Errorf("%q: %v does not say %q", yaml, r.Err, c.want)
		}
	}
}

const (
	protocol = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}` + "\n"
	metadata = `{"metaData":{"id":"x","format":{"provider":"parquet"},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"day\",\"type\":\"date\",\"nullable\":true,\"metadata\":{}},{\"name\":\"later\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":["day"],"configuration":{}}}` + "\n"
)

func added(path, day, content string, change bool) string {
	return fmt.Sprintf(`{"add":{"path":"%s","partitionValues":{"day":%s},"size":%d,"modificationTime":1700000000000,"dataChange":%v}}`+"\n", path, day, len(content), change)
}

// delta is a table of three commits: two files; one of them removed, another added; both rewritten as one.
func delta(t *testing.T) map[string]string {
	a, b, c, d := parquet(t, 1, 2), parquet(t, 3), parquet(t, 4), parquet(t, 1, 2, 4)
	return map[string]string{
		"t/day=2026-01-01/a%b.parquet": a, "t/b.parquet": b, "t/c.parquet": c, "t/d.parquet": d,
		"t/_delta_log/00000000000000000000.json": protocol + metadata + added("day=2026-01-01/a%25b.parquet", `"2026-01-01"`, a, true) + added("b.parquet", "null", b, true),
		"t/_delta_log/00000000000000000001.json": `{"commitInfo":{"operation":"DELETE"}}` + "\n" + `{"remove":{"path":"b.parquet","dataChange":true}}` + "\n" + added("c.parquet", `""`, c, true),
		"t/_delta_log/00000000000000000002.json": `{"remove":{"path":"c.parquet","dataChange":false}}` + "\n" + `{"remove":{"path":"day=2026-01-01/a%25b.parquet","dataChange":false}}` + "\n" + added("d.parquet", `"2026-01-01"`, d, false),
	}
}

// A version of a Delta table is its rows at that version, with the columns of its partitions, and nulls where files are older than a column.
func TestDelta(t *testing.T) {
	for version, want := range map[string][]any{"version: 0": {int64(3), int64(1), int64(2)}, "version: 1": {int64(4), int64(1), int64(2)}, "": {int64(1), int64(2), int64(4)}} {
		r := read(t, "type: delta\npath: t\n"+version, delta(t))
		if got := r.Column("id"); r.Err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %v, not %v: %v", version, got, want, r.Err)
		}
		if s := r.Plan.Schema.String(); s != "id: int64, day: date32[day], later: string" || r.Rows[1]["later"] != nil {
			t.Errorf("schema %s, row %v", s, r.Rows[1])
		}
		if version == "version: 0" && (r.Rows[0]["day"] != nil || fmt.Sprint(r.Rows[1]["day"]) != "2026-01-01 00:00:00 +0000 UTC") {
			t.Errorf("partition columns %v", r.Rows)
		}
	}
}

// What another reader would have to do and this one does not is refused by its name.
func TestDeltaRefusals(t *testing.T) {
	log := func(v int) string { return fmt.Sprintf("t/_delta_log/%020d.json", v) }
	for want, change := range map[string]func(m map[string]string){
		"deletion vector (deletionVectors) on c.parquet": func(m map[string]string) {
			m[log(1)] = strings.Replace(m[log(1)], `"dataChange":true}}`+"\n"+`{"add":{`, `"dataChange":true}}`+"\n"+`{"add":{"deletionVector":{"storageType":"u","cardinality":1},`, 1)
			delete(m, log(2))
		},
		"deletion vector (deletionVectors) on b.parquet": func(m map[string]string) { // added and removed by one commit, in no order
			m[log(1)] = `{"add":{"path":"b.parquet","partitionValues":{},"size":1,"dataChange":true,"deletionVector":{"storageType":"u"}}}` + "\n" + `{"remove":{"path":"b.parquet"}}`
			delete(m, log(2))
		},
		"column mapping by name": func(m map[string]string) {
			m[log(0)] = strings.Replace(m[log(0)], `"configuration":{}`, `"configuration":{"delta.columnMapping.mode":"name"}`, 1)
		},
		"the reader feature typeWidening": func(m map[string]string) {
			m[log(0)] = strings.Replace(m[log(0)], `"minReaderVersion":1`, `"readerFeatures":["timestampNtz","typeWidening"],"minReaderVersion":3`, 1)
		},
		"protocol version 4": func(m map[string]string) {
			m[log(0)] = strings.Replace(m[log(0)], `"minReaderVersion":1`, `"minReaderVersion":4`, 1)
		},
		"not Parquet": func(m map[string]string) {
			m[log(0)] = strings.Replace(m[log(0)], `"provider":"parquet"`, `"provider":"orc"`, 1)
		},
		"v2 checkpoint": func(m map[string]string) {
			delete(m, log(0))
			m["t/_delta_log/00000000000000000000.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet"] = "x"
		},
		"needs commit 1":                    func(m map[string]string) { delete(m, log(1)) },
		"line 1: not an action":             func(m map[string]string) { m[log(1)] = "{" },
		`"variant", which is not supported`: func(m map[string]string) { m[log(0)] = strings.Replace(m[log(0)], `\"long\"`, `\"variant\"`, 1) },
		"lies elsewhere":                    func(m map[string]string) { m[log(1)] = added("s3://b/c.parquet", "null", "", true); delete(m, log(2)) },
		"d.parquet":                         func(m map[string]string) { delete(m, "t/d.parquet") },
		"no _delta_log":                     func(m map[string]string) { clear(m); m["t/x"] = "" },
	} {
		m := delta(t)
		change(m)
		if r := read(t, "type: delta\npath: t", m); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%v does not say %q", r.Err, want)
		}
	}
	if r := read(t, "type: delta\npath: t\nversion: 9", delta(t)); source.CodeOf(r.Err) != source.Missing {
		t.Errorf("version 9: %v", r.Err)
	}
}

// A later run takes rows that were added since, not files that only hold the same rows anew; where rows were deleted or changed it says so.
func TestDeltaIncremental(t *testing.T) {
	dir := sourcetest.Write(t, delta(t))
	open := func(version string) source.Source {
		s, err := registry().Make([]byte("type: delta\npath: t\n"+version), sourcetest.Deps(dir))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := sourcetest.Read(t, open("version: 0"), nil)
	if r := sourcetest.Read(t, open(""), first.Plan.Next); source.CodeOf(r.Err) != source.Changed || !strings.Contains(r.Err.Error(), "version 1 (DELETE)") {
		t.Errorf("rows were deleted: %v", r.Err)
	}
	second := sourcetest.Read(t, open("version: 1"), nil)
	r := sourcetest.Read(t, open(""), second.Plan.Next)
	if r.Err != nil || len(r.Rows) != 0 {
		t.Errorf("files were compacted: %d rows, %v", len(r.Rows), r.Err)
	}
}

func FuzzDeltaLog(f *testing.F) {
	f.Add([]byte(protocol + metadata + `{"add":{"path":"a.parquet","partitionValues":{"day":null},"size":1,"dataChange":true}}`))
	f.Add([]byte(`{"add":null}` + "\n" + `{"metaData":{"schemaString":"{\"type\":\"map\"}"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := read(t, "type: delta\npath: t", map[string]string{"t/_delta_log/00000000000000000000.json": string(data)})
		if len(r.Rows) > 0 {
			t.Errorf("%q has rows", data)
		}
	})
}

// A format can be had by its name, for trees that lie elsewhere.
func TestNew(t *testing.T) {
	f, o, err := formats.New("csv", []byte("type: csv\npath: x/*.csv\ndelimiter: ;\nmax_partitions: 3"))
	if err != nil || f == nil || o.Partitions != 3 || !slices.Equal(o.Paths, []string{"x/*.csv"}) {
		t.Errorf("%v, %+v, %v", f, o, err)
	}
	if _, _, err := formats.New("cvs", nil); err == nil || !strings.Contains(err.Error(), `do you mean "csv"`) {
		t.Errorf("%v", err)
	}
}
