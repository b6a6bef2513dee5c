package all_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	validatorv1 "github.com/leathq/leat/proto/gen/leat/validator/v1"
)

// More rows in quarantine than are allowed for make a run invalid, whatever its expectations allow for.
func TestADataRunAllowsForSoManyRowsInQuarantine(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	m.file(t, "a.jsonl", 0, 2000) // 16 of 1,992 rows have no text
	suite := strings.Replace(strict, `"kwargs": {`, `"kwargs": {"mostly": 0.5, `, 1)
	for n, tc := range []struct{ most, phase, says string }{
		{`16`, "complete", "16 of 1992 rows are in quarantine, at most 16 may be"},
		{`15`, "invalid", "16 of 1992 rows are in quarantine, at most 15 may be"},
		{`"0.9%"`, "complete", "at most 17 may be"},
		{`"0.8%"`, "invalid", "at most 15 may be"},
		{`0`, "invalid", "at most 0 may be"},
	} {
		run := milled(fmt.Sprint("r", n), suite, "{}")
		run.Stages[1].Spec = []byte(`{"suite": ` + suite + `, "max_quarantine": ` + tc.most + `}`)
		if s := m.ends(t, run); s.GetPhase() != tc.phase || !strings.Contains(fmt.Sprint(s), tc.says) {
			t.Errorf("max_quarantine %s: %s, want %s and %q in %v", tc.most, s.GetPhase(), tc.phase, tc.says, s)
		}
	}
}

// The page for people has the gates, the columns, and rows that failed with their reasons, of whose values it shows what the spec lets it.
func TestADataRunHasAPageForPeople(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	var b strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&b, "{\"id\": %d, \"text\": %q}\n", i, strings.Repeat("word ", i%7+2))
	}
	b.WriteString(`{"id": 1200, "text": "<b>ann@example.com</b>"}`)
	if err := os.WriteFile(filepath.Join(m.dir, "a.jsonl"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	suite := `{"name": "plain", "expectations": [{"type": "expect_column_values_to_not_match_regex", "kwargs": {"column": "text", "regex": "[<>]", "mostly": 0.9}}]}`
	for _, tc := range []struct {
		redact       string
		shows, hides []string
	}{
		{`""`, []string{"[email]", "&lt;b&gt;", "expect_column_values_to_not_match_regex", "new rows", "partition 0, row 1200"}, []string{"ann@example.com", "<b>["}},
		{`"none"`, []string{"&lt;b&gt;ann@example.com&lt;/b&gt;"}, []string{"<b>ann"}},
		{`"all"`, []string{"characters]"}, []string{"ann@", "word word"}},
	} {
		run := milled("r"+strings.Trim(tc.redact, `"`), suite, "{}")
		run.Stages[1].Spec = []byte(`{"suite": ` + suite + `, "redact": ` + tc.redact + `}`)
		if s := m.ends(t, run); s.GetPhase() != "complete" {
			t.Fatal(s)
		}
		r, err := m.validators.GetReport(t.Context(), &validatorv1.GetReportRequest{Run: run.GetId(), Format: "html"})
		if err != nil || r.GetContentType() != "text/html" {
			t.Fatal(err, r.GetContentType())
		}
		for _, s := range tc.shows {
			if !strings.Contains(string(r.GetReport()), s) {
				t.Errorf("redact %s: the page lacks %q", tc.redact, s)
			}
		}
		for _, s := range tc.hides {
			if strings.Contains(string(r.GetReport()), s) {
				t.Errorf("redact %s: the page shows %q", tc.redact, s)
			}
		}
	}
	if _, man := m.manifest(t, ""); len(man.Files) != 3 {
		t.Errorf("the dataset's files are %+v, not the report as JSON and as a page, and the suite", man.Files)
	}
}

// Batches suggest a suite, which they meet.
func TestBatchesMeetTheSuiteThatTheySuggest(t *testing.T) {
	m := newMill(t, 1)
	var batches [][]byte
	for n := range 3 {
		ids, names := make([]int64, 100), make([]string, 100)
		for i := range ids {
			ids[i], names[i] = int64(n*100+i), []string{"red", "green", "blue"}[i%3]
		}
		data, err := arrowio.Encode(arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("color", names)))
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, data)
	}
	suggest := func(batches ...[]byte) (*validatorv1.SuggestResponse, error) {
		in, err := m.validators.Suggest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			if err := in.Send(&validatorv1.SuggestRequest{Batch: b}); err != nil {
				break // the answer says why
			}
		}
		return in.CloseAndRecv()
	}
	suite, err := suggest(batches...)
	if err != nil || !strings.Contains(string(suite.GetSuite()), `"green"`) {
		t.Fatalf("%v %s", err, suite.GetSuite())
	}
	in, err := m.validators.Validate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	requests := []*validatorv1.ValidateRequest{{Part: &validatorv1.ValidateRequest_Options{Options: &validatorv1.ValidateOptions{Suite: suite.GetSuite()}}}}
	for _, b := range batches {
		requests = append(requests, &validatorv1.ValidateRequest{Part: &validatorv1.ValidateRequest_Batch{Batch: b}})
	}
	for _, r := range requests {
		if err := in.Send(r); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := in.CloseAndRecv(); err != nil || !out.GetSuccess() {
		t.Errorf("%v %s", err, out.GetResult())
	}
	none, err := m.validators.Validate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.CloseAndRecv(); err == nil || !strings.Contains(err.Error(), "options: the first message must have them") {
		t.Errorf("no message at all: %v", err)
	}
	for says, batches := range map[string][][]byte{"send at least one batch": nil, "batch 1: ": {batches[0], []byte("no batch")}} {
		if _, err := suggest(batches...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
