package gx_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

func smallTable() *arrowio.Batch {
	p := func(v int64) *int64 { return &v }
	return arrowio.BatchOf(arrowio.Of("a", []*int64{p(1), p(2), p(3), nil}), arrowio.Of("b", []string{"x", "y", "z", "z"}), arrowio.Of("c", []int64{1, 2, 3, 4}))
}

func run(t *testing.T, suite string, o gx.Options) (*gx.SuiteResult, *gx.Rows) {
	t.Helper()
	s, err := gx.ParseSuite([]byte(suite))
	if err != nil {
		t.Fatal(err)
	}
	b := smallTable()
	plan, err := gx.Compile(s, b.Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	st := plan.NewState()
	rows, err := st.Add(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := plan.Result(st)
	if err != nil {
		t.Fatal(err)
	}
	return r, rows
}

// The results of a suite come in GX's order, with its fields in its order: those that failed inside first, then by column.
func TestSuiteResultIsGreatExpectations(t *testing.T) {
	r, _ := run(t, `{"name":"s1","expectations":[
	 {"type":"expect_column_values_to_not_be_null","kwargs":{"column":"b"},"meta":{"n":0}},
	 {"type":"expect_column_max_to_be_between","kwargs":{"column":"c","max_value":{"$PARAMETER":"top"}}},
	 {"type":"expect_table_row_count_to_equal","kwargs":{"value":4}},
	 {"type":"expect_column_values_to_be_unique","kwargs":{"column":"nosuch"}},
	 {"type":"expect_column_values_to_be_in_set","kwargs":{"column":"b","value_set":["x"],"row_condition":"c > 1","condition_parser":"pandas"},"severity":"warning","notes":"hello"}]}`,
		gx.Options{Format: gx.ResultFormat{Level: gx.Summary, Partial: -1}, Parameters: map[string]any{"top": 4}})
	got, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	fine := `"meta":{},"exception_info":{"raised_exception":false,"exception_traceback":null,"exception_message":null}}`
	want := `{"success":false,"results":[` +
		`{"success":false,"expectation_config":{"type":"expect_column_values_to_be_unique","kwargs":{"column":"nosuch"},"meta":{},"severity":"critical"},"result":{},"meta":{},"exception_info":{"raised_exception":true,"exception_traceback":null,"exception_message":"Error: The column \"nosuch\" in BatchData does not exist."}},` +
		`{"success":true,"expectation_config":{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"b"},"meta":{"n":0},"severity":"critical"},"result":{"element_count":4,"unexpected_count":0,"unexpected_percent":0.0,"partial_unexpected_list":[],"partial_unexpected_counts":[],"partial_unexpected_index_list":[]},` + fine + `,` +
		`{"success":false,"expectation_config":{"type":"expect_column_values_to_be_in_set","kwargs":{"column":"b","row_condition":{"pass_through_filter":"c > 1","type":"pass_through"},"condition_parser":"pandas","value_set":["x"]},"meta":{},"notes":"hello","severity":"warning"},"result":{"element_count":3,"unexpected_count":3,"unexpected_percent":100.0,"partial_unexpected_list":["y","z","z"],"missing_count":0,"missing_percent":0.0,"unexpected_percent_total":100.0,"unexpected_percent_nonmissing":100.0,"partial_unexpected_counts":[{"value":"z","count":2},{"value":"y","count":1}],"partial_unexpected_index_list":[1,2,3]},` + fine + `,` +
		`{"success":true,"expectation_config":{"type":"expect_column_max_to_be_between","kwargs":{"column":"c","max_value":4.0},"meta":{},"severity":"critical"},"result":{"observed_value":4},` + fine + `,` +
		`{"success":true,"expectation_config":{"type":"expect_table_row_count_to_equal","kwargs":{"value":4},"meta":{},"severity":"critical"},"result":{"observed_value":4},` + fine + `],` +
		`"suite_name":"s1","suite_parameters":{},"statistics":{"evaluated_expectations":5,"successful_expectations":3,"unsuccessful_expectations":2,"success_percent":60.0},"meta":{"great_expectations_version":"1.24.1"},"id":null}`
	if string(got) != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// Rows that fail come with the place in the suite of what they fail; rows that pass cost nothing.
func TestRowsThatFailAreNamed(t *testing.T) {
	_, rows := run(t, `{"expectation_suite_name":"old","expectations":[
	 {"expectation_type":"expect_column_values_to_be_between","kwargs":{"column":"c","min_value":0}},
	 {"expectation_type":"expect_column_values_to_be_between","kwargs":{"column":"a","max_value":1}},
	 {"expectation_type":"expect_column_values_to_not_be_null","kwargs":{"column":"a"}}]}`, gx.Options{})
	if rows == nil || len(rows.Failed) != 2 {
		t.Fatalf("failing rows: %+v", rows)
	}
	for i, want := range []struct {
		ordinal int
		bits    string
	}{{1, "0110"}, {2, "0001"}} {
		var bits strings.Builder
		for r := range 4 {
			bits.WriteByte(map[bool]byte{true: '1', false: '0'}[rows.Failed[i].Rows.Get(r)])
		}
		if rows.Failed[i].Ordinal != want.ordinal || bits.String() != want.bits {
			t.Errorf("expectation %d fails rows %s, want %d and %s", rows.Failed[i].Ordinal, bits.String(), want.ordinal, want.bits)
		}
	}
	if _, none := run(t, `{"expectations":[{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"c"}}]}`, gx.Options{}); none != nil {
		t.Errorf("rows that pass are listed: %+v", none)
	}
}

// A typo is answered with the nearest type, and fails the suite.
func TestUnknownTypeFailsAndNamesTheNearest(t *testing.T) {
	r, _ := run(t, `{"expectations":[{"type":"expect_column_values_to_be_beetween","kwargs":{"column":"c","min_value":0}}]}`, gx.Options{})
	if r.Success || !strings.Contains(r.Results[0].Refusal, `did you mean "expect_column_values_to_be_between"`) {
		t.Fatalf("success %t, %q", r.Success, r.Results[0].Refusal)
	}
}

// Parameters are names and arithmetic over names; a missing one fails its expectation alone.
func TestParameters(t *testing.T) {
	for _, c := range []struct {
		expression string
		success    bool
		exception  string
	}{
		{"four", true, ""}, {"four - 1 + 2 * 0", false, ""}, {"(one + one) ^ 2", true, ""}, {"abs(-4)", true, ""}, {"trunc(four / 2) + 2", true, ""},
		{"-2^2", true, ""}, {"--four", true, ""}, {"round(3.9, 0) + 0", true, ""}, {"trunc(timedelta(days=4) / timedelta(1))", true, ""}, {"4", false, "No value found"}, {"PI", false, "No value found"},
		{"on + 1", false, "neither a number"}, {"timedelta(days=1)", false, "span of time"}, {"datetime(2026, 2, 30)", false, "no point in time"}, {"now(1)", false, "now()"}, {"timedelta(years=1)", false, "weeks"},
		{"nobody", false, "No value found for $PARAMETER nobody"}, {"four +", false, "No value found"}, {"four four", false, "Parse Failure"},
	} {
		suite := `{"suite_parameters":{"one":1,"four":9,"on":true},"expectations":[{"type":"expect_table_row_count_to_equal","kwargs":{"value":{"$PARAMETER":"` + c.expression + `"}}}]}`
		r, _ := run(t, suite, gx.Options{Parameters: map[string]any{"four": 4}})
		if got := r.Results[0]; *got.Success != c.success || !strings.Contains(got.Exception, c.exception) || (c.exception == "") != (got.Exception == "") {
			t.Errorf("%s: success %t, exception %q", c.expression, *got.Success, got.Exception)
		}
	}
}

// Points in time are calculated with from what a suite says, from parameters and from the time of the run.
func TestParametersOfTime(t *testing.T) {
	o := gx.Options{Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Parameters: map[string]any{"start": "2026-01-31"}}
	b := arrowio.BatchOf(arrowio.Of("d", []string{"2026-02-01T12:00:00", "2026-02-28T12:00:00"}))
	for expression, success := range map[string]bool{
		"now() - timedelta(days=1)": true, "now() - timedelta(days=1, seconds=1)": false, "start + timedelta(weeks=4, hours=12)": true,
		"datetime(2026, 2, 28, 12)": true, "datetime(year=2026, month=2, day=28)": false,
	} {
		_, _, r := hold(t, b, "expect_column_max_to_be_between", `{"column":"d","max_value":{"$PARAMETER":"`+expression+`"}}`, o)
		if got := r.Results[0]; *got.Success != success || got.Exception != "" {
			t.Errorf("%s: success %t, %s", expression, *got.Success, got.Exception)
		}
	}
}
