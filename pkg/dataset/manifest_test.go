package dataset_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/dataset"
)

// stored returns a full manifest as the store has it.
func stored(t testing.TB) (*dataset.Manifest, []byte) {
	d := openAny(t)
	low, high := "1", "9007199254740993" // not a number of JSON's
	m := manifest("docs", shard(t, d, "abc", 0))
	m.Statistics = []dataset.Column{{Name: "text", Rows: 3, Nulls: 1, Bytes: 30, Min: &low, Max: &high}}
	m.Sources = []dataset.Source{{Kind: "parquet", Name: "file:///a.parquet", Bytes: 10}}
	m.Suite = &dataset.Suite{Name: "s", Digest: "sha256:" + strings.Repeat("1", 64), Success: true, Met: 2, Of: 2}
	m.Lineage = []dataset.Step{{Stage: "ingest", Service: "ingestor", Out: 3}}
	v := publish(t, d, m)
	data, err := d.Store().Bytes(t.Context(), "datasets/docs/versions/"+strings.TrimPrefix(v, "sha256:")+".json", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return m, data
}

func TestManifestComesBack(t *testing.T) {
	m, data := stored(t)
	got, err := dataset.ParseManifest(data)
	if err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%v\n%+v\n%+v", err, got, m)
	}
	if !bytes.HasPrefix(data, []byte(`{"counts":{"in":3,"quarantined":0,"refused":0,"valid":3},"created":`)) {
		t.Errorf("not canonical: %s", data)
	}
}

func TestHostileManifests(t *testing.T) {
	_, data := stored(t)
	for from, want := range map[string][2]string{
		`"format":1`:      {`"format":2`, "use a newer leat"},
		`"name":"docs"`:   {`"name":"docz"`, "it was changed"},
		`"name":"docs",`:  {`"name":"docs","later":1,`, "it was changed"},
		`"in":3`:          {`"in":9007199254740999`, "2⁵³"},
		`"nulls":1`:       {`"nulls":4`, "cannot be"},
		`"path":"shards/`: {`"path":"../shards/`, "not that of a shard"},
		`"valid":3`:       {`"valid":3,"valid":3`, "duplicate"},
		`"number":0`:      {`"number":1e99`, "read manifest"},
		`"docs"`:          {`"docs` + strings.Repeat("x", 200) + `"`, "no name"},
	} {
		spoilt := strings.Replace(string(data), from, want[0], 1)
		if spoilt == string(data) {
			t.Fatalf("%s is not in %s", from, data)
		}
		if _, err := dataset.ParseManifest([]byte(spoilt)); err == nil || !strings.Contains(err.Error(), want[1]) {
			t.Errorf("%s: %v, want …%s…", want[0], err, want[1])
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	_, data := stored(f)
	f.Add(data)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"format":1,"name":"a","shards":[{"digest":"sha256:"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := dataset.ParseManifest(data)
		if err != nil {
			return
		}
		for _, s := range m.Shards {
			if !strings.HasPrefix(s.Path, "shards/sha256/") || strings.Contains(s.Path, "..") || s.Rows < 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestCompare(t *testing.T) {
	d := openAny(t)
	shared := shard(t, d, "shared", 0)
	a, b := manifest("docs", shared, shard(t, d, "old", 1)), manifest("docs", shared, shard(t, d, "newer", 1))
	b.Schema = []dataset.Field{{Name: "text", Type: "large_string", Nullable: true}, {Name: "id", Type: "int64"}}
	a.Schema = append(a.Schema, dataset.Field{Name: "gone", Type: "bool"})
	a.Statistics, b.Statistics = []dataset.Column{{Name: "text", Rows: 9}, {Name: "x"}}, []dataset.Column{{Name: "text", Rows: 11}, {Name: "x"}}
	c := dataset.Compare(a, b)
	if want := (dataset.ShardChange{Shared: 1, SharedBytes: 6, Gone: 1, GoneBytes: 3, New: 1, NewBytes: 5}); c.Shards != want {
		t.Errorf("%+v", c.Shards)
	}
	if len(c.Schema) != 3 || c.Schema[0].From == nil || c.Schema[1].From != nil || c.Schema[2].To != nil || c.Schema[2].From.Name != "gone" {
		t.Errorf("%+v", c.Schema)
	}
	if len(c.Columns) != 1 || c.Columns[0].To.Rows != 11 {
		t.Errorf("%+v", c.Columns)
	}
	if c := dataset.Compare(b, b); len(c.Schema)+len(c.Columns)+c.Shards.New+c.Shards.Gone != 0 {
		t.Errorf("a version differs from itself: %+v", c)
	}
}
