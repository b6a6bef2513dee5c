package ingestor_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// A run over files of JSON Lines accounts for every line: rows arrive at the next stage, and bad lines are kept with their file and number.
func TestARunReadsEveryLine(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 3000)
	s.file(t, "b.jsonl", 1000)
	s.submit(t, reading("r1"))
	got := s.follow(t, "r1")
	if got.GetPhase() != "complete" || len(got.GetTroubles()) != 0 {
		t.Fatalf("phase %s, troubles %v", got.GetPhase(), got.GetTroubles())
	}
	c := got.GetCounts()
	if c.GetRowsIn() != 4000 || c.GetValid() != 3960 || c.GetRefused() != 40 {
		t.Errorf("counts are %v, want 4000 in, 3960 valid, 40 refused", c)
	}
	if n := got.GetStages()[1]; n.GetCounts().GetValid() != 3960 || n.GetDone() != n.GetPartitions() || n.GetPartitions() < 2 {
		t.Errorf("the second stage is %v", n)
	}
	kept := s.refused(t)
	if len(kept) != 40 || kept[0].File != "a.jsonl" || kept[0].Line != 50 || kept[39].File != "b.jsonl" || kept[39].Line != 950 {
		t.Errorf("%d records are kept: %v", len(kept), kept)
	}
	if string(kept[0].Raw) != `{"id": oops` || kept[0].Reason == "" {
		t.Errorf("the first is %q, refused since %q", kept[0].Raw, kept[0].Reason)
	}
}

// refused are the records that are kept in the store, by file and line.
func (s *site) refused(t *testing.T) (out []flow.Refusal) {
	t.Helper()
	for o, err := range s.store.List(t.Context(), "shards/") {
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.store.Get(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		for sc := bufio.NewScanner(r); sc.Scan(); {
			var x flow.Refusal
			if err := json.Unmarshal(sc.Bytes(), &x); err != nil {
				t.Fatal(err)
			}
			out = append(out, x)
		}
		_ = r.Close()
	}
	slices.SortFunc(out, func(a, b flow.Refusal) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return int(a.Line - b.Line)
	})
	return out
}

// A run that is submitted again stays one run; the next of its name reads only files that are new, and with full all.
func TestRunsOfANameReadWhatIsNew(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 1000)
	s.submit(t, reading("r1"))
	first := s.follow(t, "r1")
	s.file(t, "b.jsonl", 200)
	s.submit(t, reading("r1"))
	if again := s.follow(t, "r1"); again.GetCounts().GetRowsIn() != 1000 || again.GetPlannedUnixNanos() != first.GetPlannedUnixNanos() {
		t.Errorf("submitted again it is %v, and was %v", again, first)
	}
	s.submit(t, reading("r2"))
	if got := s.follow(t, "r2").GetCounts().GetRowsIn(); got != 200 {
		t.Errorf("the next run read %d lines, want the 200 of the new file", got)
	}
	all := reading("r3")
	all.Full = true
	s.submit(t, all)
	if got := s.follow(t, "r3").GetCounts().GetRowsIn(); got != 1200 {
		t.Errorf("with full it read %d lines, want 1200", got)
	}
	list, err := s.ListRuns(t.Context(), &ingestorv1.ListRunsRequest{Name: "docs", Limit: 2})
	if err != nil || len(list.GetStates()) != 2 || list.GetStates()[0].GetRun().GetId() != "r3" || list.GetStates()[1].GetRun().GetId() != "r2" {
		t.Errorf("the list is %v, %v", list, err)
	}
}

// A cancelled run ends, and resumed it comes to its end with every row.
func TestACancelledRunCanBeResumed(t *testing.T) {
	stage, begun, open := gated()
	s := start(t, stage)
	s.file(t, "a.jsonl", 3000)
	s.submit(t, reading("r1"))
	<-begun
	if _, err := s.Resume(t.Context(), &ingestorv1.ResumeRequest{Run: "r1"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("resumed while it runs: %v", err)
	}
	if _, err := s.Cancel(t.Context(), &ingestorv1.CancelRequest{Run: "r1", Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	if got := s.follow(t, "r1"); got.GetPhase() != "cancelled" {
		t.Fatalf("it is %s", got.GetPhase())
	}
	if _, err := s.Cancel(t.Context(), &ingestorv1.CancelRequest{Run: "r1"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("cancelled again: %v", err)
	}
	open()
	if got, err := s.Resume(t.Context(), &ingestorv1.ResumeRequest{Run: "r1"}); got.GetAttempt() != 1 || err != nil {
		t.Fatal(got, err)
	}
	if got := s.follow(t, "r1"); got.GetPhase() != "complete" || got.GetCounts().GetValid() != 2970 {
		t.Errorf("resumed it is %v", got)
	}
}

// What cannot be done is refused before anything begins, by name.
func TestWhatCannotRunIsRefused(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 10)
	with := func(change func(*datav1.Run)) *datav1.Run {
		r := reading("x")
		change(r)
		return r
	}
	spec := func(text string) *datav1.Run {
		return with(func(r *datav1.Run) { r.Stages[0].Spec = []byte(text) })
	}
	for _, c := range []struct {
		name string
		run  *datav1.Run
		says string
	}{
		{"a type that is misspelt", spec(`{"source": {"type": "jsonk", "path": "a.jsonl"}}`), `do you mean "jsonl"?`},
		{"a key that the type does not have", spec(`{"source": {"type": "jsonl", "pathh": "a.jsonl"}}`), "pathh"},
		{"a key beside source", spec(`{"sauce": {}}`), "sauce"},
		{"no spec", spec(``), "source"},
		{"no file", spec(`{"source": {"type": "jsonl", "path": "z.jsonl"}}`), "z.jsonl"},
		{"a dataset", with(func(r *datav1.Run) { r.Target = &datav1.Target{Dataset: "d"} }), "target"},
		{"no time", with(func(r *datav1.Run) { r.Since = "last week" }), "since"},
		{"no watermark", with(func(r *datav1.Run) { r.Since = `{"files": ` }), "since"},
		{"huge batches", with(func(r *datav1.Run) { r.Limits = &datav1.Limits{BatchBytes: 1 << 40} }), "batch_bytes"},
		{"a stage that nobody does", with(func(r *datav1.Run) { r.Stages[1].Kind = "validat" }), "stages[1].kind"},
		{"no run", nil, "run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: c.run})
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want INVALID_ARGUMENT with %s", err, c.says)
			}
		})
	}
	if _, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: reading("x"), Class: "urgent"}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a class that nothing heeds: %v", err)
	}
	if _, err := s.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: "x"}); status.Code(err) != codes.NotFound {
		t.Errorf("after all of them: %v, want NOT_FOUND", err)
	}
}

// A run that fails for its bad records keeps every one that was read, with its place.
func TestTheBadRecordsOfAFailedRunAreKept(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 1000)
	run := reading("r")
	run.Stages[0].Spec = []byte(`{"source": {"type": "jsonl", "path": "*.jsonl", "max_bad": 3}}`)
	s.submit(t, run)
	if got := s.follow(t, "r"); got.GetPhase() != "failed" {
		t.Fatalf("it is %s", got.GetPhase())
	}
	var lines []int64
	for _, x := range s.refused(t) {
		lines = append(lines, x.Line)
	}
	if len(lines) < 4 || lines[0] != 50 || lines[3] != 350 {
		t.Errorf("kept are the lines %v, want 50, 150, 250, 350 and what was read behind", lines)
	}
}

// Inspect says what a run would read, and starts none.
func TestInspectPlansWithoutReading(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 3000)
	got, err := s.Inspect(t.Context(), &ingestorv1.InspectRequest{Spec: reading("x").GetStages()[0].GetSpec()})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetPartitions()) < 2 || !strings.Contains(string(got.GetSchema()), `"text"`) || len(got.GetNotes()) == 0 {
		t.Errorf("%d partitions, schema %s, notes %v", len(got.GetPartitions()), got.GetSchema(), got.GetNotes())
	}
	if list, err := s.ListRuns(t.Context(), &ingestorv1.ListRunsRequest{}); err != nil || len(list.GetStates()) != 0 {
		t.Errorf("the runs are %v, %v", list, err)
	}
}

// Files of other formats are read by their type, each row of theirs.
func TestOtherFormatsAreRead(t *testing.T) {
	s := start(t, &counting{})
	if err := os.WriteFile(filepath.Join(s.dir, "a.csv"), []byte("id,text\n1,one\n2,two\n3,three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	schema := &arrowio.Schema{Fields: []arrowio.Field{{Name: "id", Type: arrowio.Type{Kind: arrowio.Int64}, Nullable: true}}}
	f, err := os.Create(filepath.Join(s.dir, "a.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := file.NewParquetWriter(f, schema, file.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows := arrowio.NewBuilder(schema)
	for i := range int64(7) {
		rows.Column(0).Int64(i)
	}
	if err := errors.Join(w.Write(rows.Batch()), w.Close()); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]uint64{"csv": 3, "parquet": 7} {
		r := reading(kind)
		r.Name, r.Stages[0].Spec = kind, fmt.Appendf(nil, `{"source": {"type": %q, "path": "a.%s"}}`, kind, kind)
		s.submit(t, r)
		if got := s.follow(t, kind); got.GetPhase() != "complete" || got.GetCounts().GetValid() != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
}
