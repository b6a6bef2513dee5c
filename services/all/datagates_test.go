package all_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

// gated is a run and what its gates should come to.
type gated struct {
	name    string
	columns []arrowio.Values
	spec    string // of the validate stage
	phase   string
	gate    string // "": no gate is looked at
	about   string // what the gate's reason says; without a gate, the run's trouble
	status  string // "": there is no such verdict
}

// judges runs each of the runs into one dataset, in turn, and holds their verdicts against what they should be.
func (m *mill) judges(t *testing.T, dataset string, runs ...gated) {
	t.Helper()
	for _, r := range runs {
		id := strings.ReplaceAll(dataset+"-"+r.name, " ", "-")
		data, err := arrowio.Encode(arrowio.BatchOf(r.columns...))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(m.dir, id+".arrow"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		m.judged(t, r, &datav1.Run{Id: id, Name: id, Target: &datav1.Target{Dataset: dataset}, Stages: []*datav1.Stage{
			{Name: "ingest", Kind: "ingest", Spec: []byte(`{"source": {"type": "arrow", "path": "` + id + `.arrow"}}`)},
			{Name: "validate", Kind: "validate", From: "ingest", Spec: []byte(r.spec)},
		}})
	}
}

func (m *mill) judged(t *testing.T, r gated, run *datav1.Run) {
	t.Helper()
	s := m.ends(t, run)
	if s.GetPhase() != r.phase {
		t.Errorf("%s: %s, want %s: %v %v", run.GetId(), s.GetPhase(), r.phase, verdicts(s), s.GetTroubles())
	}
	if (s.GetVersion() != "") != (r.phase == "complete" || r.phase == "invalid") {
		t.Errorf("%s: version %q of a run that is %s", run.GetId(), s.GetVersion(), s.GetPhase())
	}
	if r.gate == "" {
		if said := fmt.Sprint(s.GetTroubles()); !strings.Contains(strings.ReplaceAll(said, `\"`, `"`), r.about) {
			t.Errorf("%s: %s, want %s", run.GetId(), said, r.about)
		}
		return
	}
	got := ""
	for _, v := range verdicts(s) {
		if v.GetGate() == r.gate && strings.Contains(v.GetReason(), r.about) {
			got = v.GetStatus()
		}
	}
	if got != r.status {
		t.Errorf("%s: gate %s says %q of %q, want %q: %v", run.GetId(), r.gate, got, r.about, r.status, verdicts(s))
	}
}

func verdicts(s *ingestorv1.RunState) []*datav1.Verdict {
	return s.GetStages()[len(s.GetStages())-1].GetFinished().GetVerdicts()
}

// each makes a value a row.
func each[T any](rows int, of func(row int) T) []T {
	out := make([]T, rows)
	for i := range out {
		out[i] = of(i)
	}
	return out
}

func numbered(from, rows int) arrowio.Values {
	return arrowio.Of("id", each(rows, func(i int) int64 { return int64(from + i) }))
}

func TestARunIsAsFreshAsItsNewestRow(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	now := time.Now()
	at := func(newest time.Duration) []arrowio.Values {
		return []arrowio.Values{arrowio.Of("at", each(20, func(i int) time.Time { return now.Add(-newest - time.Duration(i)*time.Hour) }))}
	}
	spec := `{"gates": {"min_new_rows": 0, "freshness": {"column": "at", "max_age": "24h"}}}`
	m.judges(t, "fresh",
		gated{"new", at(time.Hour), spec, "complete", "freshness", "the newest at is", "pass"},
		gated{"old", at(25 * time.Hour), spec, "invalid", "freshness", "25h0m", "fail"},
		gated{"ahead", at(-time.Hour), spec, "complete", "freshness", "in the future", "warn"},
		gated{"nowhere", at(0), strings.Replace(spec, `"at"`, `"then"`, 1), "failed", "", `there is no column "then"`, ""},
		gated{"not asked", at(25 * time.Hour), `{"gates": {"min_new_rows": 0}}`, "complete", "freshness", "", ""})
}

// Later runs are held against earlier ones that were fit: their rows, refused records not among them, and their gaps.
func TestARunIsHeldAgainstEarlierOnes(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	runs := 0
	held := func(rows, gaps, refused int, spec, phase, gate, about, status string) {
		t.Helper()
		runs++
		id := fmt.Sprint("r", runs)
		var b strings.Builder
		for i := range rows {
			text := fmt.Sprintf("%q", strings.Repeat("t", i%9+1))
			if i < gaps {
				text = "null"
			}
			fmt.Fprintf(&b, "{\"id\": %d, \"text\": %s}\n", 1000*runs+i, text)
		}
		b.WriteString(strings.Repeat("no row\n", refused))
		if err := os.WriteFile(filepath.Join(m.dir, id+".jsonl"), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		run := milled(id, strict, "{}")
		run.Stages[0].Spec = []byte(`{"source": {"type": "jsonl", "path": "` + id + `.jsonl", "max_bad": 1000, "columns": [{"name": "id", "type": "int64"}, {"name": "text", "type": "string"}]}}`)
		run.Stages[1].Spec = []byte(spec)
		m.judged(t, gated{phase: phase, gate: gate, about: about, status: status}, run)
	}
	plain := `{"gates": {"min_new_rows": 0}}`
	for i := range 5 {
		held(98+i, 2, 60, plain, "complete", "volume", "no verdict yet", "unknown")
	}
	held(100, 2, 0, plain, "complete", "volume", "100 rows", "pass")
	held(100, 2, 0, plain, "complete", "null_rate", "2.00 % of text", "pass")
	held(30, 1, 0, plain, "invalid", "volume", "30 rows", "fail")
	held(30, 1, 0, `{"gates": {"min_new_rows": 0, "volume": {"off": true}}}`, "complete", "volume", "", "")
	held(100, 40, 0, plain, "invalid", "null_rate", "40.00 % of text", "fail")
	held(100, 40, 0, `{"gates": {"min_new_rows": 0, "nulls": {"off": true}}}`, "complete", "null_rate", "", "")
	held(100, 2, 0, `{"gates": {"min_new_rows": 101}}`, "skipped", "new_rows", "fewer than the 101", "skip")
	held(100, 2, 0, `{"gates": {"min_new_rows": 100}}`, "complete", "new_rows", "at least 100", "pass")
	held(0, 0, 3, plain, "invalid", "empty_data", "nothing is known of it", "fail")
	held(0, 0, 4, `{"gates": {"min_new_rows": 0, "allow_empty": true}}`, "complete", "empty_data", "which this source may have", "pass")
}

// A schema that a run failed by fails the next run too: what was kept aside is no measure.
func TestARunKeepsToTheSchema(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	of := func(from int, more ...arrowio.Values) []arrowio.Values {
		return append([]arrowio.Values{numbered(from, 10)}, more...)
	}
	texts := arrowio.Of("text", each(10, func(i int) string { return fmt.Sprint("text ", i) }))
	numbers := arrowio.Of("text", each(10, func(i int) int64 { return int64(i) }))
	extra := arrowio.Of("more", each(10, func(i int) int64 { return int64(i) }))
	spec := func(how string) string {
		return `{"suite": ` + uniqueIDs + `, "gates": {"min_new_rows": 0, "schema": "` + how + `"}}`
	}
	m.judges(t, "typed",
		gated{"first", of(0, texts), spec(""), "complete", "schema", "no schema is pinned yet", "unknown"},
		gated{"same", of(10, texts), spec("equal"), "complete", "schema", "2 columns", "pass"},
		gated{"other type", of(20, numbers), spec(""), "invalid", "schema", `"text" is int64`, "fail"},
		gated{"other type again", of(30, numbers), spec(""), "invalid", "schema", `"text" is int64`, "fail"},
		gated{"one less", of(40), spec(""), "invalid", "schema", `"text" is missing`, "fail"},
		gated{"one more", of(50, texts, extra), spec("equal"), "invalid", "schema", `"more" is new`, "fail"},
		gated{"one more is compatible", of(60, texts, extra), spec("compatible"), "complete", "schema", "3 columns", "pass"},
		gated{"off", of(70, numbers), spec("off"), "complete", "schema", "", ""})
}

// uniqueIDs is a suite that rows of these tests meet.
const uniqueIDs = `{"name": "ids", "expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "id"}}]}`

// drifting are columns whose distributions are to be compared.
func drifting(from int, shift float64, lang, kind string) []arrowio.Values {
	const rows = 400
	index := arrowio.Type{Kind: arrowio.Int32}
	kinds := arrowio.Type{Kind: arrowio.Dictionary, Index: &index, Elem: []arrowio.Field{{Name: "item", Type: arrowio.Type{Kind: arrowio.String}}}}
	return []arrowio.Values{
		arrowio.Of("at", each(rows, func(i int) time.Time { return time.Unix(int64(from+i%50), 0) })),
		arrowio.Of("score", each(rows, func(i int) float64 { return float64(i%20) + shift })),
		arrowio.Of("lang", each(rows, func(i int) string { return []string{"en", "de", "fr", lang}[i%4] })),
		arrowio.Of("good", each(rows, func(i int) bool { return i%3 == 0 || shift > 0 })),
		arrowio.OfType(arrowio.Field{Name: "kind", Type: kinds}, each(rows, func(i int) any { return []string{"a", "b", kind}[i%3] })),
		arrowio.OfType(arrowio.Field{Name: "many", Type: arrowio.Type{Kind: arrowio.List, Elem: []arrowio.Field{{Name: "item", Type: index}}}}, each(rows, func(int) any { return []any{} })),
	}
}

func TestARunMustNotDrift(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	against := func(columns string) string {
		return `{"gates": {"min_new_rows": 0, "drift": {"reference": "steady", "columns": [` + columns + `]}}}`
	}
	m.judges(t, "steady", gated{"first", drifting(0, 0, "es", "c"), `{"gates": {"min_new_rows": 0}}`, "complete", "drift", "", ""})
	shifted, again := drifting(1e6, 30, "xx", "z"), drifting(0, 0, "es", "c")
	var runs []gated
	for i, column := range []string{"at", "score", "lang", "good", "kind"} {
		about := fmt.Sprintf("column %q: stability index", column)
		runs = append(runs,
			gated{fmt.Sprint("same ", i), again, against(""), "complete", "drift", about, "pass"},
			gated{fmt.Sprint("shifted ", i), shifted, against(""), "invalid", "drift", about, "fail"},
			gated{fmt.Sprint("alone ", i), shifted, against(`"` + column + `"`), "invalid", "drift", about, "fail"})
	}
	other := drifting(0, 0, "xx", "c") // lang alone
	m.judges(t, "drifts", append(runs,
		gated{"what is not named", other, against(`"score"`), "complete", "drift", `"lang"`, ""},
		gated{"what is not there", other, against(`"scor"`), "failed", "", `gates.drift: there is no column "scor"`, ""},
		gated{"what has no distribution", other, against(`"many"`), "failed", "", `column "many" is list<`, ""},
		gated{"no reference", other, strings.Replace(against(""), "steady", "stead", 1), "complete", "drift", "there is no dataset stead", "unknown"})...)
}

func TestARunAllowsForTheShareThatIsWritten(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	gaps := []arrowio.Values{arrowio.Of("text", each(100, func(i int) *string {
		text := fmt.Sprint("text ", i)
		if i < 29 {
			return nil
		}
		return &text
	}))}
	spec := func(most string) string {
		return `{"suite": ` + strings.Replace(strict, `"kwargs": {`, `"kwargs": {"mostly": 0.5, `, 1) + `, "max_quarantine": "` + most + `", "gates": {"min_new_rows": 0}}`
	}
	m.judges(t, "shares",
		gated{"all that may be", gaps, spec("29%"), "complete", "quarantine", "at most 29 may be", "pass"},
		gated{"one too many", gaps, spec("28.9%"), "invalid", "quarantine", "at most 28 may be", "fail"})
}

// What only a database can answer is said to be so, and fails its suite with the key to set: nothing passes that was not looked at.
func TestARunDoesNotPassWhatOnlyADatabaseCanAnswer(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	var runs []gated
	for kind, asks := range map[string]struct{ kwargs, says string }{
		"unexpected_rows_expectation":                    {`"unexpected_rows_query": "SELECT * FROM {batch} WHERE id < 0"`, "needs a database: GX has no provider of it for tables in memory. Ask for SQL (sql: true in the stage's spec"},
		"expect_table_row_count_to_equal_other_table":    {`"other_table_name": "others"`, "needs a database: GX has no provider of it for tables in memory. Ask for SQL (sql: true in the stage's spec"},
		"expect_column_values_to_match_like_pattern":     {`"column": "text", "like_pattern": "t%"`, "no provider of LIKE for tables in memory. Ask for SQL (sql: true in the stage's spec"},
		"expect_column_values_to_not_match_like_pattern": {`"column": "text", "like_pattern": "x%"`, "no provider of LIKE for tables in memory. Ask for SQL (sql: true in the stage's spec"},
	} {
		runs = append(runs, gated{kind, []arrowio.Values{numbered(0, 10), arrowio.Of("text", each(10, func(int) string { return "text" }))},
			`{"suite": {"name": "asks", "expectations": [{"type": "` + kind + `", "kwargs": {` + asks.kwargs + `}}]}, "gates": {"min_new_rows": 0}}`, "invalid", "suite", asks.says, "fail"})
	}
	m.judges(t, "asked", runs...)
}

// Rows that no shard can hold fail the run at once, and are not tried again and again.
func TestARunWhoseRowsCannotBeKeptFails(t *testing.T) {
	t.Parallel()
	m := newMill(t, 1)
	months := arrowio.OfType(arrowio.Field{Name: "months", Type: arrowio.Type{Kind: arrowio.Interval, Width: 4}, Nullable: true}, []any{nil, nil})
	m.judges(t, "kept", gated{"intervals", []arrowio.Values{numbered(0, 2), months}, `{"gates": {"min_new_rows": 0}}`, "failed", "", `column "months": month_interval`, ""})
}
