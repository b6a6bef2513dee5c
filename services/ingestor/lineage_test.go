package ingestor_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/lineage"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor/ingestortest"
)

// told checks a run's events against what there is to tell: of each their type, the UUID of the run and the time, and in all the job and what was read, by the
// partition's own digest.
func (s *site) told(t *testing.T, run string, want ...lineage.Event) []lineage.Event {
	t.Helper()
	plan, err := s.Inspect(t.Context(), &ingestorv1.InspectRequest{Spec: reading(run).GetStages()[0].GetSpec()})
	if err != nil || len(plan.GetPartitions()) != 1 {
		t.Fatal(plan, err)
	}
	got := ingestortest.Lineage(t, s.bus, run)
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d: %+v", len(got), len(want), got)
	}
	for n, e := range got {
		w := want[n]
		if e.Type != w.Type || e.Run.ID != w.Run.ID || !e.Time.Equal(w.Time) {
			t.Errorf("event %d is %s of run %s at %s, want %s of %s at %s", n, e.Type, e.Run.ID, e.Time, w.Type, w.Run.ID, w.Time)
		}
		if e.Job.Namespace != cmp.Or(w.Job.Namespace, "default") || e.Job.Name != "docs" || facet(e.Job.Facets, "jobType", "processingType") != "BATCH" {
			t.Errorf("event %d is of the job %+v", n, e.Job)
		}
		in, p := e.Inputs, plan.GetPartitions()[0]
		if len(in) != 1 || in[0].Namespace != "file" || in[0].Name != "a.jsonl" || facet(in[0].Facets, "version", "datasetVersion") != p.GetKey() || p.GetKey() == "" {
			t.Errorf("event %d has read %+v, want a.jsonl as %s", n, in, p.GetKey())
		}
		if len(e.Outputs) != 0 {
			t.Errorf("event %d has made %+v, and there is no dataset", n, e.Outputs)
		}
	}
	return got
}

// facet is a field of a facet; nil where there is none.
func facet(all lineage.Facets, name, field string) any {
	f, _ := all[name].(map[string]any)
	return f[field]
}

func tells(kind lineage.Type, id string, nanos int64) lineage.Event {
	return lineage.Event{Type: kind, Run: lineage.Run{ID: lineage.RunID(id)}, Time: time.Unix(0, nanos)}
}

// Whoever listens hears of every run one START, and one of COMPLETE and FAIL with the reason; sent again it is not heard again.
func TestCataloguesHearOfRunsThatEnd(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 300)
	s.submit(t, reading("r1"))
	good := s.follow(t, "r1")
	s.submit(t, reading("r1"))
	got := s.told(t, "r1", tells(lineage.Start, "r1", good.GetPlannedUnixNanos()), tells(lineage.Complete, "r1", good.GetEndedUnixNanos()))
	if why := facet(got[1].Run.Facets, "errorMessage", "message"); why != nil {
		t.Errorf("a run that is complete says %v", why)
	}
	if v := facet(got[1].Job.Facets, "sourceCodeLocation", "version"); v != "test" {
		t.Errorf("the program's version is %v", v)
	}
	run := reading("r2")
	run.Tenant, run.Stages[0].Spec = "acme", []byte(strings.Replace(string(run.GetStages()[0].GetSpec()), `"2%"`, "0", 1))
	s.submit(t, run)
	bad := s.follow(t, "r2")
	begun, failed := tells(lineage.Start, "r2", bad.GetPlannedUnixNanos()), tells(lineage.Fail, "r2", bad.GetEndedUnixNanos())
	begun.Job.Namespace, failed.Job.Namespace = "acme", "acme"
	got = s.told(t, "r2", begun, failed)
	if why := facet(got[1].Run.Facets, "errorMessage", "message"); len(bad.GetTroubles()) == 0 || why != bad.GetTroubles()[0].GetMessage() {
		t.Errorf("a run that failed says %v, and its trouble is %v", why, bad.GetTroubles())
	}
}

// A run that is cancelled is an ABORT. Resumed it is another run to who hears of it, as a run ends once: with a START of its own.
func TestCataloguesHearOfRunsThatAreCancelledAndResumed(t *testing.T) {
	stage, begun, open := gated()
	s := start(t, stage)
	s.file(t, "a.jsonl", 300)
	s.submit(t, reading("r1"))
	<-begun
	if _, err := s.Cancel(t.Context(), &ingestorv1.CancelRequest{Run: "r1", Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	cut := s.follow(t, "r1")
	first := []lineage.Event{tells(lineage.Start, "r1", cut.GetPlannedUnixNanos()), tells(lineage.Abort, "r1", cut.GetEndedUnixNanos())}
	s.told(t, "r1", first...)
	open()
	if _, err := s.Resume(t.Context(), &ingestorv1.ResumeRequest{Run: "r1"}); err != nil {
		t.Fatal(err)
	}
	end := s.follow(t, "r1")
	all := ingestortest.Lineage(t, s.bus, "r1")
	if len(all) != 4 || !all[2].Time.After(all[1].Time) {
		t.Fatalf("resumed and complete it has told %s", kinds(all))
	}
	s.told(t, "r1", append(first, tells(lineage.Start, "r1.1", all[2].Time.UnixNano()), tells(lineage.Complete, "r1.1", end.GetEndedUnixNanos()))...)
}

func kinds(events []lineage.Event) (out string) {
	for _, e := range events {
		out += fmt.Sprintf("%s of %s; ", e.Type, e.Run.ID)
	}
	return out
}
