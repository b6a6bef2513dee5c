package gx_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/spill"
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

// Whether the rows are kept in memory, in scratch files, or only counted and read once more at the end, a suite's questions have the same result,
// however the rows were cut, carried and merged; and no scratch file stays.
func TestQueriesDoNotDependOnCutsOrOnWhereRowsLie(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var kinds []string
	inOrder := oneCase{ID: "in order", Type: "unexpected_rows_expectation", Engine: "sqlite", Kwargs: []byte(`{"unexpected_rows_query": "SELECT * FROM {batch}"}`),
		Cols: []byte(`{"n": ["int64", [5, 3, 9, null, 4, 1, 7, 2, 8, 6, 0, 11]], "s": ["string", ["f", "a", null, "c", "", "x", "q", "g", "t", "k", "m", "v"]]}`)}
	for _, c := range append(readCases(t, "testdata/gx_open/*.jsonl"), inOrder) {
		if c.Engine != "sqlite" {
			continue
		}
		kinds = append(kinds, c.Type)
		b := c.table(t)
		dir := t.TempDir()
		compile := func(change func(*gx.Options)) *gx.Plan {
			o := c.options(t)
			change(&o)
			plan, err := gx.Compile(c.suite(t), b.Schema(), o)
			if err != nil {
				t.Fatal(err)
			}
			return plan
		}
		kept := compile(func(*gx.Options) {})
		want := endOf(t, kept, kept.NewState(), b, nil)
		spilt := compile(func(o *gx.Options) { o.Bytes, o.Space = 9, spill.Dir(dir) })
		apart := compile(func(o *gx.Options) { o.Apart = true })
		if data, err := kept.NewState().MarshalBinary(); err != nil {
			t.Fatal(err)
		} else if _, err := apart.LoadState(data); err == nil {
			t.Error("a state that keeps rows is one of a plan that only counts them")
		}
		for range 4 {
			for where, plan := range map[string]*gx.Plan{"memory": kept, "scratch files": spilt} {
				if got := endOf(t, plan, pieces(t, rng, plan, b), nil, nil); got != want {
					t.Errorf("%s %s in pieces, from %s:\n%s\nwhole:\n%s", c.Type, c.Kwargs, where, got, want)
				}
			}
			if got := endOf(t, apart, pieces(t, rng, apart, b), nil, cut(rng, b)); got != want {
				t.Errorf("%s %s in pieces, read once more:\n%s\nwhole:\n%s", c.Type, c.Kwargs, got, want)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: scratch files are left: %v %v", c.Type, left, err)
		}
	}
	slices.Sort(kinds)
	if n := len(slices.Compact(kinds)); n < 6 {
		t.Errorf("there are cases of %d kinds of expectations in SQL", n)
	}
}

// endOf adds rows to a state, if there are any, ends it and closes it.
func endOf(t *testing.T, plan *gx.Plan, s *gx.State, b *arrowio.Batch, source gx.Source) string {
	t.Helper()
	if b != nil {
		if _, err := s.Add(b); err != nil {
			t.Fatal(err)
		}
	}
	r, err := plan.ResultOf(s, source)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return string(out) + r.Results[0].Exception
}

// cut is a batch in pieces, some of no rows.
func cut(rng *rand.Rand, b *arrowio.Batch) gx.Source {
	return func(each func(*arrowio.Batch) error) error {
		for at := 0; at < b.Rows(); {
			to := min(b.Rows(), at+rng.IntN(3))
			if err := each(b.Slice(at, to)); err != nil {
				return err
			}
			at = to
		}
		return nil
	}
}

const queryAll = `{"expectations":[{"type":"unexpected_rows_expectation","kwargs":{"unexpected_rows_query":"SELECT * FROM {batch} WHERE c > 9"}},
	{"type":"expect_column_values_to_match_like_pattern","kwargs":{"column":"b","like_pattern":"%"}}]}`

func queryPlan(t *testing.T, o gx.Options) *gx.Plan {
	t.Helper()
	s, err := gx.ParseSuite([]byte(queryAll))
	if err != nil {
		t.Fatal(err)
	}
	o.SQL, o.Database = true, database
	plan, err := gx.Compile(s, smallTable().Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// More rows than may be kept fail the queries, and no other expectation, with an error that says what to do; cuts do not show, and as many as may
// be kept are fine.
func TestQueriesAreBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for most, fits := range map[int64]bool{61: false, 62: true} {
		for _, apart := range []bool{false, true} {
			dir := t.TempDir()
			plan := queryPlan(t, gx.Options{SQLBytes: most, Raise: "raise some.setting", Bytes: 20, Space: spill.Dir(dir), Apart: apart})
			var first string
			for range 3 {
				st, next := pieces(t, rng, plan, smallTable()), pieces(t, rng, plan, smallTable())
				if err := st.Merge(next); err != nil {
					t.Fatal(err)
				}
				st = carried(t, plan, st)
				r, err := plan.ResultOf(st, func(each func(*arrowio.Batch) error) error {
					return errors.Join(each(smallTable()), each(smallTable()))
				})
				if err != nil || st.Len() != 8 {
					t.Fatal(err, st.Len())
				}
				why := ""
				for _, one := range r.Results {
					if one.Expectation.Type != "unexpected_rows_expectation" && !*one.Success {
						t.Errorf("%s fails for what queries may take", one.Expectation.Type)
					}
					why += one.Exception
				}
				if fits != (why == "") || !fits && !strings.Contains(why, "which are 62 bytes, more than the bound of 61: ask it of less data, or raise some.setting") {
					t.Errorf("%d bytes (apart %t): %q", most, apart, why)
				}
				if first == "" {
					first = why
				}
				if why != first {
					t.Errorf("%q, and cut in another way %q", first, why)
				}
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("scratch files are left: %v %v", left, err)
			}
		}
	}
}

// Rows that were only counted are not judged where other rows are read, or where they cannot be: there is no result.
func TestRowsThatAreReadOnceMoreAreTheOnesThatWereSeen(t *testing.T) {
	plan := queryPlan(t, gx.Options{Apart: true})
	st := plan.NewState()
	if _, err := st.Add(smallTable()); err != nil {
		t.Fatal(err)
	}
	other := arrowio.BatchOf(arrowio.Of("a", []int64{1, 2, 3, 4}), arrowio.Of("b", []string{"x", "y", "z", "longer"}), arrowio.Of("c", []int64{1, 2, 3, 4}))
	for says, source := range map[string]gx.Source{
		"nothing to read them from": nil,
		"3 rows (":                  func(each func(*arrowio.Batch) error) error { return each(smallTable().Slice(1, 4)) },
		"4 rows (":                  func(each func(*arrowio.Batch) error) error { return each(other) },
		"the store is away":         func(func(*arrowio.Batch) error) error { return errors.New("the store is away") },
	} {
		if r, err := plan.ResultOf(st, source); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v and %+v, want %s", err, r, says)
		}
	}
	if r, err := plan.ResultOf(st, func(each func(*arrowio.Batch) error) error { return each(smallTable()) }); err != nil || !r.Success {
		t.Errorf("%v %+v", err, r)
	}
}

// busted cannot answer, for reasons of its own.
type busted struct {
	gx.Database
	closed *int
}

type again struct{ error }

func (again) Again() bool { return true }

func (busted) Ask(string, int) ([]string, [][]any, error) {
	return nil, nil, again{errors.New("no room")}
}

func (b busted) Close() error { *b.closed++; return b.Database.Close() }

// A database that could not answer is no verdict on the rows; it is closed all the same.
func TestADatabaseThatCouldNotAnswerIsNoVerdict(t *testing.T) {
	s, err := gx.ParseSuite([]byte(queryAll))
	if err != nil {
		t.Fatal(err)
	}
	opened, closed := 0, 0
	plan, err := gx.Compile(s, smallTable().Schema(), gx.Options{SQL: true, Database: func() (gx.Database, error) {
		opened++
		d, err := database()
		return busted{d, &closed}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	st := plan.NewState()
	if _, err := st.Add(smallTable()); err != nil {
		t.Fatal(err)
	}
	if r, err := plan.Result(st); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("%+v %v", r, err)
	}
	if opened != 1 || closed != 1 {
		t.Errorf("%d opened, %d closed", opened, closed)
	}
}
