package gx_test

import (
	"testing"

	"github.com/leathq/leat/services/validator/internal/gx"
)

// A suite is foreign text: whatever it is, it is refused or runs, and never panics.
func FuzzSuite(f *testing.F) {
	f.Add([]byte(`{"name":"s","expectations":[{"type":"expect_column_values_to_match_regex","kwargs":{"column":"b","regex":"^[x-z]$","mostly":0.5}}]}`))
	f.Add([]byte(`{"expectations":[{"type":"expect_column_values_to_be_in_set","kwargs":{"column":"b","value_set":[1,null,"x",[2]],"row_condition":"not (a in [1, -2] or ~b.isnull()) and 3 > c + 1 >= 2.5e0 | c == 'x'"}}]}`))
	f.Add([]byte(`{"expectations":[{"type":"expect_column_max_to_be_between","kwargs":{"column":"c","max_value":{"$PARAMETER":"1+2*(3-4)^2"},"row_condition":{"type":"or","conditions":[{"type":"nullity","column":{"name":"a"},"is_null":true}]}}}]}`))
	b := smallTable()
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := gx.ParseSuite(data)
		if err != nil {
			return
		}
		plan, err := gx.Compile(s, b.Schema(), gx.Options{SQL: true})
		if err != nil {
			t.Fatal(err)
		}
		st := plan.NewState()
		if _, err := st.Add(b); err != nil {
			return
		}
		r, err := plan.Result(st)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	})
}

// Bytes of a state come from a blob store: damaged ones are refused, and what is taken can be read.
func FuzzLoadState(f *testing.F) {
	s, err := gx.ParseSuite([]byte(`{"expectations":[
	 {"type":"expect_column_values_to_be_unique","kwargs":{"column":"b"}},{"type":"expect_column_values_to_be_increasing","kwargs":{"column":"a"}},
	 {"type":"expect_column_value_z_scores_to_be_less_than","kwargs":{"column":"c","threshold":1,"double_sided":true}},
	 {"type":"expect_column_values_to_be_in_set","kwargs":{"column":"b","value_set":["x"]}},{"type":"expect_column_median_to_be_between","kwargs":{"column":"c"}},
	 {"type":"expect_column_min_to_be_between","kwargs":{"column":"b"}},{"type":"expect_compound_columns_to_be_unique","kwargs":{"column_list":["a","b"]}}]}`))
	if err != nil {
		f.Fatal(err)
	}
	b := smallTable()
	plan, err := gx.Compile(s, b.Schema(), gx.Options{Format: gx.ResultFormat{Level: gx.Complete, Partial: -1, IncludeRows: true}})
	if err != nil {
		f.Fatal(err)
	}
	st := plan.NewState()
	if _, err := st.Add(b); err != nil {
		f.Fatal(err)
	}
	data, err := st.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := plan.LoadState(data)
		if err != nil {
			return
		}
		r, err := plan.Result(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	})
}
