package all_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/pkg/blob/blobtest"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor/ingestortest"
)

// badInput is something that users feed to a run, and what they must be told.
type badInput struct {
	name   string
	files  map[string][]byte
	source string // JSON, without the path
	phase  string // refused: by Submit
	says   string // in the error, or among the reasons of what is refused
	counts dataset.Counts
}

// parquet is a file of rows.
func parquet(t *testing.T, columns ...arrowio.Values) []byte {
	t.Helper()
	var out bytes.Buffer
	b := arrowio.BatchOf(columns...)
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
	return out.Bytes()
}

func ids(n int) arrowio.Values {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return arrowio.Of("id", out)
}

func texts(n int, text string) arrowio.Values {
	return arrowio.Of("text", strings.Split(strings.Repeat(text+"\n", n-1)+text, "\n"))
}

// twice is an IPC stream whose schema has a column two times.
func twice(t *testing.T) []byte {
	t.Helper()
	data, err := arrowio.Encode(arrowio.BatchOf(ids(3), ids(3)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func badInputs(t *testing.T) []badInput {
	good := parquet(t, ids(500), texts(500, "fine"))
	jsonl := func(lines ...string) map[string][]byte {
		return map[string][]byte{"a.jsonl": []byte(strings.Repeat("{\"id\": 1, \"text\": \"fine\"}\n", 200) + strings.Join(lines, "\n") + "\n")}
	}
	return []badInput{
		{"truncated Parquet", map[string][]byte{"a.parquet": good[:len(good)-100]}, `{"type": "parquet"}`, "refused", "a.parquet", dataset.Counts{}},
		{"Parquet that is damaged inside", map[string][]byte{"a.parquet": damaged(good)}, `{"type": "parquet"}`, "failed", "a.parquet", dataset.Counts{}},
		{"no Parquet at all", map[string][]byte{"a.parquet": []byte("id,text\n1,x\n")}, `{"type": "parquet"}`, "refused", "a.parquet", dataset.Counts{}},
		{"another schema in a later file", map[string][]byte{"a.parquet": good, "b.parquet": parquet(t, texts(9, "x"))}, `{"type": "parquet"}`, "refused", "b.parquet", dataset.Counts{}},
		{"another schema in mid-stream", jsonl(`{"id": "seven", "text": "x"}`, `{"id": 2, "text": "fine"}`), `{"type": "jsonl", "sample": 100}`, "complete", `"id"`, dataset.Counts{In: 202, Valid: 201, Refused: 1}},
		{"invalid UTF-8", jsonl("{\"id\": 1, \"text\": \"\xff\xfe\"}"), `{"type": "jsonl"}`, "complete", "UTF-8", dataset.Counts{In: 201, Valid: 200, Refused: 1}},
		{"invalid UTF-8 in CSV", map[string][]byte{"a.csv": []byte("id,text\n1,fine\n2,\xff\n")}, `{"type": "csv", "max_bad": "90%"}`, "complete", "UTF-8", dataset.Counts{In: 2, Valid: 1, Refused: 1}},
		{"invalid UTF-8 in Parquet", map[string][]byte{"a.parquet": parquet(t, arrowio.Of("text", []string{"fine", "\xff", "fine"}))}, `{"type": "parquet", "max_bad": "90%"}`, "complete", "UTF-8", dataset.Counts{In: 3, Valid: 2, Refused: 1}},
		{"a record beyond the limit", jsonl(`{"id": 1, "text": "` + strings.Repeat("x", 5000) + `"}`), `{"type": "jsonl", "max_record_bytes": 1000}`, "complete", "max_record_bytes", dataset.Counts{In: 201, Valid: 200, Refused: 1}},
		{"nulls where forbidden", jsonl(`{"id": null, "text": "x"}`), `{"type": "jsonl", "columns": [{"name": "id", "required": true}, "text"]}`, "complete", `"id"`, dataset.Counts{In: 201, Valid: 200, Refused: 1}},
		{"a column twice in CSV", map[string][]byte{"a.csv": []byte("id,id\n1,2\n")}, `{"type": "csv"}`, "refused", `"id"`, dataset.Counts{}},
		{"a column twice in Arrow", map[string][]byte{"a.arrow": twice(t)}, `{"type": "arrow"}`, "refused", "id", dataset.Counts{}},
		{"a key twice in JSON", jsonl(`{"id": 1, "id": 2, "text": "x"}`), `{"type": "jsonl"}`, "complete", `"id"`, dataset.Counts{In: 201, Valid: 200, Refused: 1}},
		{"an empty file among others", map[string][]byte{"a.jsonl": []byte("{\"id\": 1}\n"), "b.jsonl": nil}, `{"type": "jsonl"}`, "complete", "", dataset.Counts{In: 1, Valid: 1}},
		{"an empty file of Parquet", map[string][]byte{"a.parquet": nil}, `{"type": "parquet"}`, "refused", "a.parquet", dataset.Counts{}},
		{"nothing but an empty file", map[string][]byte{"a.jsonl": nil}, `{"type": "jsonl"}`, "refused", "a.jsonl", dataset.Counts{}},
		{"too many bad records", jsonl("x", "y", "z"), `{"type": "jsonl", "max_bad": 2}`, "failed", "max_bad", dataset.Counts{}},
	}
}

// damaged has nonsense where its first column's pages are.
func damaged(parquet []byte) []byte {
	out := bytes.Clone(parquet)
	for i := 8; i < 60; i++ {
		out[i] ^= 0xa5
	}
	return out
}

// Whatever users feed to a run, it ends with an error of its own that names the file or the column, or takes the rest: then every record is a row of
// the dataset, or is kept with its place, its reason and its bytes.
func TestBadInputIsNamedAndNothingIsLost(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	for n, c := range badInputs(t) {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, data := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := raw(fmt.Sprint("bad", n), strings.TrimSuffix(c.source, "}")+`, "path": "`+dir+`"}`)
			if c.phase == "refused" {
				if _, err := m.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: run}); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want an error that names %s", err, c.says)
				}
				return
			}
			s := m.ends(t, run)
			if s.GetPhase() != c.phase {
				t.Fatalf("it is %s: %v", s.GetPhase(), s.GetTroubles())
			}
			if c.phase == "failed" {
				if len(s.GetTroubles()) != 1 || !strings.Contains(s.GetTroubles()[0].GetMessage(), c.says) || s.GetTroubles()[0].GetCode() == "" {
					t.Errorf("troubles %v, want one that names %s", s.GetTroubles(), c.says)
				}
				return
			}
			m.accounts(t, run.GetId(), s.GetVersion(), c)
		})
	}
}

// raw is a run of a source whose rows are kept without a check.
func raw(id, source string) *datav1.Run {
	return &datav1.Run{Id: id, Name: id, Target: &datav1.Target{Dataset: id}, Stages: []*datav1.Stage{
		{Name: "ingest", Kind: "ingest", Spec: []byte(`{"source": ` + source + `}`)},
		{Name: "keep", Kind: "validate", From: "ingest", Spec: []byte(`{"gates": {"min_new_rows": 1}}`)},
	}}
}

// accounts compares what a version holds with what was put in.
func (m *mill) accounts(t *testing.T, name, version string, c badInput) {
	t.Helper()
	d, man := m.published(t, name, version)
	if man.Counts != c.counts || dataset.Rows(man.Shards) != c.counts.Valid {
		t.Errorf("counts %+v and %d rows in shards, want %+v", man.Counts, dataset.Rows(man.Shards), c.counts)
	}
	var kept []flow.Refusal
	for _, s := range man.Rejects {
		r, err := d.Open(t.Context(), s.Path, s.Digest)
		if err != nil {
			t.Fatal(err)
		}
		for lines := json.NewDecoder(r); lines.More(); {
			var x flow.Refusal
			if err := lines.Decode(&x); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, x)
		}
		_ = r.Close()
	}
	if int64(len(kept)) != c.counts.Refused {
		t.Fatalf("%d refused records are kept, want %d", len(kept), c.counts.Refused)
	}
	for _, x := range kept {
		if !strings.Contains(x.Reason, c.says) || x.Line == 0 || x.File == "" || len(x.Raw) == 0 {
			t.Errorf("%s:%d is refused since %q, with %d bytes; want %s", x.File, x.Line, x.Reason, len(x.Raw), c.says)
		}
	}
}

// A column of more than 2 GiB in one row group, which is a file of 311 bytes, is read in pieces: every row arrives.
func TestAColumnOfTwoGibibytesIsRead(t *testing.T) {
	m := newMill(t, 1)
	wide, err := filepath.Abs("testdata/two_gib.parquet")
	if err != nil {
		t.Fatal(err)
	}
	run := raw("wide", `{"type": "parquet", "path": "`+wide+`"}`)
	run.Stages, run.Target = run.Stages[:1], nil
	s := m.ends(t, run)
	if c := s.GetCounts(); s.GetPhase() != "complete" || c.GetValid() != 33_000 || c.GetBytes() < 2<<30 {
		t.Errorf("it is %s with %v: %v", s.GetPhase(), c, s.GetTroubles())
	}
}

// Where the store is full a run says so and waits; with room again it ends as if nothing had been.
func TestAFullStoreHoldsARunUpUntilThereIsRoom(t *testing.T) {
	t.Parallel()
	store := blobtest.NewTight(3000)
	m := &mill{srv: bustest.Start(t), dir: t.TempDir(), store: store.URL()}
	m.replicas(t, 1)
	m.file(t, "a.jsonl", 0, 3000)
	run := milled("r1", lenient, "{}")
	if _, err := m.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: run}); err != nil {
		t.Fatal(err)
	}
	until(t, "the run says that the store is full", func() bool {
		s, err := m.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: "r1"})
		said := fmt.Sprint(s.GetState().GetStages())
		return err == nil && strings.Contains(said, "no_space") && strings.Contains(said, "free space there")
	})
	store.Grow(1 << 20)
	s := ingestortest.Follow(t, m, "r1")
	_, man := m.manifest(t, "")
	if s.GetPhase() != "complete" || man.Counts.In != 3000 || man.Counts.Refused != 12 || dataset.Rows(man.Shards)+dataset.Rows(man.Quarantine)+12 != 3000 {
		t.Errorf("it is %s with %+v, and %d and %d rows are kept", s.GetPhase(), man.Counts, dataset.Rows(man.Shards), dataset.Rows(man.Quarantine))
	}
}
