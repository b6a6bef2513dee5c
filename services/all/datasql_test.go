package all_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	validatorv1 "github.com/leathq/leat/proto/gen/leat/validator/v1"
	"github.com/leathq/leat/services/validator/check"
)

// sqlRows are rows of which some have no text, and some one that does not begin with t.
func sqlRows(rows int) []arrowio.Values {
	return []arrowio.Values{numbered(0, rows), arrowio.Of("text", each(rows, func(i int) *string {
		text := strings.Repeat("t", i%90+1)
		if i%61 == 7 || i%61 == 8 {
			text = "other " + text
		}
		if i%100 == 50 {
			return nil
		}
		return &text
	}))}
}

// like quarantines rows; the second query finds the rows in their order, quarantined ones too.
const (
	like   = `{"type": "expect_column_values_to_match_like_pattern", "kwargs": {"column": "text", "like_pattern": "t%", "mostly": 0.9}}`
	notOne = `{"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT * FROM {batch} WHERE id < 0"}}`
	some   = `{"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT id, text FROM {batch} WHERE id % 61 BETWEEN 6 AND 9 OR text IS NULL"}}`
	orders = `{"type": "expect_table_row_count_to_equal_other_table", "kwargs": {"other_table_name": "orders"}}`
)

func suiteOf(expectations ...string) string {
	return `{"name": "sql", "expectations": [` + strings.Join(expectations, ", ") + `]}`
}

// asked runs rows of the file through a validate stage, and is its report.
func (m *mill) asked(t *testing.T, id, spec string, partition, segment uint64) (phase string, report string) {
	t.Helper()
	s := m.ends(t, &datav1.Run{Id: id, Name: id, Target: &datav1.Target{Dataset: id}, Limits: &datav1.Limits{SegmentBytes: segment, BatchBytes: 4 << 10}, Stages: []*datav1.Stage{
		{Name: "ingest", Kind: "ingest", Spec: fmt.Appendf(nil, `{"source": {"type": "jsonl", "path": "rows.jsonl", "partition_bytes": %d}}`, partition)},
		{Name: "validate", Kind: "validate", From: "ingest", Spec: []byte(spec)},
	}})
	r, err := m.validators.GetReport(t.Context(), &validatorv1.GetReportRequest{Run: id})
	if err != nil {
		t.Fatalf("%v: %v", err, s)
	}
	return s.GetPhase(), string(r.GetReport())
}

// jsonl writes rows as the file that asked reads.
func (m *mill) jsonl(t *testing.T, b *arrowio.Batch) {
	t.Helper()
	var out strings.Builder
	for i := range b.Rows() {
		text := "null"
		if !b.Column(1).IsNull(i) {
			text = fmt.Sprintf("%q", b.Column(1).Value(i))
		}
		fmt.Fprintf(&out, "{\"id\": %d, \"text\": %s}\n", b.Column(0).Value(i), text)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "rows.jsonl"), []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// alone is the report of the suite over all rows at once, as the command writes it.
func alone(t *testing.T, b *arrowio.Batch, suite string) string {
	t.Helper()
	plan, err := check.Compile([]byte(suite), b.Schema(), check.Options{ResultFormat: "COMPLETE", SQL: true, Tables: []byte(`{"orders": 3000}`), Scratch: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	state := plan.NewState()
	if _, err := state.Add(b); err != nil {
		t.Fatal(err)
	}
	result, err := plan.Result(state)
	if err != nil {
		t.Fatal(err)
	}
	text, err := result.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A run that asks for SQL has the report that its rows have at once, on any number of replicas and however its rows are cut.
func TestARunAnswersWhatOnlyADatabaseCan(t *testing.T) {
	b := arrowio.BatchOf(sqlRows(3000)...)
	good, bad := suiteOf(like, notOne, orders), suiteOf(like, some, notOne, orders)
	if said := alone(t, b, bad); !strings.Contains(said, `"unexpected_rows":[{"id":6,`) || !strings.Contains(said, `"id":7,"text":"other `) {
		t.Fatalf("the query does not find rows that are in quarantine: %.300s", said)
	}
	for _, replicas := range []int{1, 2, 4} {
		m := newMill(t, replicas)
		m.jsonl(t, b)
		for n, cut := range []struct{ partition, segment uint64 }{{40_000, 1 << 20}, {90_000, 12_000}, {1 << 20, 20_000}} {
			for phase, suite := range map[string]string{"complete": good, "invalid": bad} {
				id := fmt.Sprint(phase, n)
				got, report := m.asked(t, id, `{"sql": true, "tables": {"orders": 3000}, "result_format": "COMPLETE", "suite": `+suite+`}`, cut.partition, cut.segment)
				if want := alone(t, b, suite); got != phase || report != want {
					t.Errorf("%d replicas, %+v: %s, want %s; the report:\n%.3000s\nof all rows at once:\n%.3000s", replicas, cut, got, phase, report, want)
				}
			}
		}
		_, man := m.published(t, "complete1", "")
		last := man.Shards[len(man.Shards)-1]
		if man.Counts.Quarantined != 99 || last.Partition == 0 || last.Number == 0 {
			t.Errorf("%d rows are in quarantine for LIKE, want 99; the last shard is number %d of partition %d", man.Counts.Quarantined, last.Number, last.Partition)
		}
	}
}

// Rows of which there are more than a query may take fail the query, with the setting that bounds them, and nothing else.
func TestARunWithMoreRowsThanAQueryMayTakeNamesTheSetting(t *testing.T) {
	m := newMill(t, 0)
	m.sqlBytes = 100_000
	m.replicas(t, 2)
	m.jsonl(t, arrowio.BatchOf(sqlRows(3000)...))
	phase, report := m.asked(t, "more", `{"sql": true, "suite": `+suiteOf(notOne, like)+`}`, 40_000, 12_000)
	if phase != "invalid" || !strings.Contains(report, "more than the bound of 100000: ask it of less data, or raise validator.sql_bytes (--validator-sql-bytes)") || !strings.Contains(report, `"successful_expectations":1`) {
		t.Errorf("%s: %s", phase, report)
	}
}

// Validate takes what only a database can answer too, within the same bound.
func TestValidateAnswersWhatOnlyADatabaseCan(t *testing.T) {
	m := newMill(t, 0)
	m.sqlBytes = 100_000
	m.replicas(t, 1)
	validate := func(o *validatorv1.ValidateOptions, rows int) string {
		in, err := m.validators.Validate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		data, err := arrowio.Encode(arrowio.BatchOf(sqlRows(rows)...))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*validatorv1.ValidateRequest{{Part: &validatorv1.ValidateRequest_Options{Options: o}}, {Part: &validatorv1.ValidateRequest_Batch{Batch: data}}} {
			if err := in.Send(r); err != nil {
				t.Fatal(err)
			}
		}
		out, err := in.CloseAndRecv()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(out.GetSuccess(), string(out.GetResult()))
	}
	suite := []byte(suiteOf(like, notOne, orders))
	for _, c := range []struct {
		o    *validatorv1.ValidateOptions
		rows int
		says string
	}{
		{&validatorv1.ValidateOptions{Suite: suite, Sql: true, Tables: []byte(`{"orders": 500}`)}, 500, "true{"},
		{&validatorv1.ValidateOptions{Suite: suite, Sql: true, Tables: []byte(`{"orders": 400}`)}, 500, `"observed_value":{"self":500,"other":400}`},
		{&validatorv1.ValidateOptions{Suite: suite, Sql: true}, 500, "options.tables of Validate"},
		{&validatorv1.ValidateOptions{Suite: suite, Sql: true}, 5000, "raise validator.sql_bytes"},
		{&validatorv1.ValidateOptions{Suite: suite}, 500, "options.sql of Validate"},
	} {
		if got := validate(c.o, c.rows); !strings.Contains(got, c.says) {
			t.Errorf("%d rows: %s, want %s", c.rows, got, c.says)
		}
	}
}
