package ingestor_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

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

// A run's time goes to the API that it reads, by the parameter that the source names for it; a run after it goes on from there, and takes a later time, not an earlier one.
func TestRunsOfAnAPICanSaySinceWhen(t *testing.T) {
	s := start(t, &counting{})
	var mu sync.Mutex
	var last string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		last = r.URL.Query().Get("from")
		_, _ = io.WriteString(w, `[{"id": 1}]`)
	}))
	t.Cleanup(api.Close)
	asked := func(id, since string) string {
		run := of(id, `{"type": "http", "url": "`+api.URL+`", "since": {"param": "from"}}`)
		run.Since = since
		s.submit(t, run)
		if got := s.follow(t, id); got.GetPhase() != "complete" {
			t.Fatalf("%s is %s: %v", id, got.GetPhase(), got.GetTroubles())
		}
		mu.Lock()
		defer mu.Unlock()
		return last
	}
	began := time.Now().Truncate(time.Second)
	if got := asked("api-1", "2021-01-01"); got != "2021-01-01T00:00:00Z" {
		t.Errorf("since 2021 the API is asked for what is from %q on", got)
	}
	first, err := s.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: "api-1"})
	if err != nil {
		t.Fatal(err)
	}
	planned := time.Unix(0, first.GetState().GetPlannedUnixNanos())
	if got, err := time.Parse(time.RFC3339, asked("api-2", "2021-01-01")); err != nil || got.Before(began) || got.After(planned) {
		t.Errorf("the second run asks from %s on (%v), and the first was planned from %s to %s", got, err, began, planned)
	}
	if got := asked("api-3", "2999-01-01T00:00:00Z"); got != "2999-01-01T00:00:00Z" {
		t.Errorf("since 2999 the API is asked for what is from %q on", got)
	}
	if got := asked("api-4", `{"until": "2022-02-02T00:00:00Z"}`); got != "2022-02-02T00:00:00Z" {
		t.Errorf("with a watermark in its place the API is asked for what is from %q on", got)
	}
	without := of("api-5", `{"type": "http", "url": "`+api.URL+`"}`)
	without.Since = "2021-01-01"
	if _, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: without}); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "since: {param: …}") {
		t.Errorf("an API without a parameter for it: %v", err)
	}
}
