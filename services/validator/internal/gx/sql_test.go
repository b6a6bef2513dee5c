package gx_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/gx"
)

// Without a database the types that need one say so and fail; with one they run, and what is wrong with a query is told.
func TestQueries(t *testing.T) {
	sql := gx.Options{SQL: true, Database: database, Tables: map[string]int64{"orders": 4}, Format: gx.ResultFormat{Level: gx.Complete, Partial: -1}}
	for _, c := range []struct{ kind, kwargs, want, why string }{
		{"unexpected_rows_expectation", `{"unexpected_rows_query":"SELECT * FROM {batch} WHERE c > 2"}`, `{"observed_value":2,"details":{"unexpected_rows":[{"a":3,"b":"z","c":3},{"a":null,"b":"z","c":4}]}}`, ""},
		{"unexpected_rows_expectation", `{"unexpected_rows_query":"SELECT x.b FROM {batch} x JOIN {batch} y ON x.c = y.c AND y.a IS NULL;"}`, `{"observed_value":1,"details":{"unexpected_rows":[{"b":"z"}]}}`, ""},
		{"unexpected_rows_expectation", `{"unexpected_rows_query":"SELECT b FROM {batch} WHERE b LIKE '{{%' -- none"}`, `{"observed_value":0,"details":{"unexpected_rows":[]}}`, ""},
		{"unexpected_rows_expectation", `{"unexpected_rows_query":"SELECT b FROM {batch} WHERE b LIKE '{%'"}`, "", "malformed brace"},
		{"unexpected_rows_expectation", `{"unexpected_rows_query":"SELECT b FROM {table}"}`, "", "`table` is not a placeholder"},
		{"unexpected_rows_expectation", `{"unexpected_rows_query":"DELETE FROM {batch}"}`, "", "syntax error"},
		{"expect_table_row_count_to_equal_other_table", `{"other_table_name":"orders"}`, `{"observed_value":{"self":4,"other":4}}`, ""},
		{"expect_table_row_count_to_equal_other_table", `{"other_table_name":"nosuch"}`, "", `no table "nosuch"`},
	} {
		_, _, r := hold(t, smallTable(), c.kind, c.kwargs, sql)
		one := r.Results[0]
		got, _ := json.Marshal(one.Result)
		if !strings.Contains(one.Exception+one.Refusal, c.why) || c.why == "" && one.Exception+one.Refusal != "" || c.want != "" && string(got) != c.want {
			t.Errorf("%s: %s%s%s, want %s%s", c.kwargs, got, one.Exception, one.Refusal, c.want, c.why)
		}
		if c.why != "" {
			continue
		}
		if _, _, r = hold(t, smallTable(), c.kind, c.kwargs, gx.Options{}); r.Success || !strings.Contains(r.Results[0].Exception, "needs a database") {
			t.Errorf("%s without a database: %+v", c.kwargs, r.Results[0])
		}
	}
}

// More rows than may be kept are an error that says what to do.
func TestQueriesAreBounded(t *testing.T) {
	s, err := gx.ParseSuite([]byte(`{"expectations":[{"type":"unexpected_rows_expectation","kwargs":{"unexpected_rows_query":"SELECT * FROM {batch}"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := gx.Compile(s, smallTable().Schema(), gx.Options{SQL: true, Database: database, Bytes: 30})
	if err != nil {
		t.Fatal(err)
	}
	st := plan.NewState()
	if _, err = st.Add(smallTable()); err == nil {
		_, err = st.Add(smallTable())
	}
	if err == nil || !strings.Contains(err.Error(), "raise the bound") {
		t.Fatalf("rows above the bound: %v", err)
	}
}
