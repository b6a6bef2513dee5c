package ingestor_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// A run can leave out what is older than a time, beside what earlier runs have read; with full it reads all since then. A watermark stands in place of what
// is remembered.
func TestRunsCanSaySinceWhen(t *testing.T) {
	s := start(t, &counting{})
	rows := func(id, since string, full bool) uint64 {
		run := reading(id)
		run.Since, run.Full = since, full
		s.submit(t, run)
		got := s.follow(t, id)
		if got.GetPhase() != "complete" {
			t.Fatalf("%s is %s: %v", id, got.GetPhase(), got.GetTroubles())
		}
		return got.GetCounts().GetRowsIn()
	}
	for name, n := range map[string]int{"old.jsonl": 1000, "new.jsonl": 200} {
		s.file(t, name, n)
	}
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(s.dir, "old.jsonl"), long, long); err != nil {
		t.Fatal(err)
	}
	if got := rows("r1", "2021-01-01", false); got != 200 {
		t.Errorf("since 2021 there are %d rows, want 200", got)
	}
	if got := rows("r2", "2021-01-01", false); got != 0 {
		t.Errorf("again %d rows were read, want none", got)
	}
	if got := rows("r3", "2021-01-01T00:00:00Z", true); got != 200 {
		t.Errorf("full since 2021 there are %d rows, want 200", got)
	}
	if got := rows("r4", "", false); got != 1000 {
		t.Errorf("without a time %d rows were new, want the 1000 of the old file", got)
	}
	if got := rows("r5", "{}", false); got != 1200 {
		t.Errorf("from an empty watermark on there are %d rows, want 1200", got)
	}
	state, err := s.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: "r4"})
	if err != nil || state.GetState().GetKnown() != 1 {
		t.Errorf("of r4 %d files were known, want 1: %v", state.GetState().GetKnown(), err)
	}
}
