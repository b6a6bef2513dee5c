package gx_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// Values above the bound on memory go to scratch files: the result is the same, and closing the states removes every file.
func TestScratchFilesAreRemovedAndDoNotShow(t *testing.T) {
	suite, err := gx.ParseSuite([]byte(`{"name": "s", "expectations": [
		{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "text"}},
		{"type": "expect_column_median_to_be_between", "kwargs": {"column": "n", "min_value": 0}},
		{"type": "expect_column_value_z_scores_to_be_less_than", "kwargs": {"column": "n", "threshold": 1.5, "double_sided": true}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	batch := func(from int) *arrowio.Batch {
		var texts []string
		var numbers []int64
		for i := from; i < from+50_000; i++ {
			texts, numbers = append(texts, fmt.Sprintf("text number %d", i%70_000)), append(numbers, int64(i*7919%100_003))
		}
		return arrowio.BatchOf(arrowio.Of("text", texts), arrowio.Of("n", numbers))
	}
	result := func(o gx.Options) (string, *gx.State) {
		plan, err := gx.Compile(suite, batch(0).Schema(), o)
		if err != nil {
			t.Fatal(err)
		}
		whole := plan.NewState()
		for part := range 4 {
			s := plan.NewState()
			if _, err := s.Add(batch(part * 50_000)); err != nil {
				t.Fatal(err)
			}
			if err := whole.Merge(s); err != nil {
				t.Fatal(err)
			}
		}
		r, err := plan.Result(whole)
		if err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(out), whole
	}
	dir := t.TempDir()
	want, _ := result(gx.Options{})
	got, s := result(gx.Options{Bytes: 64 << 10, Space: spill.Dir(dir)})
	if got != want {
		t.Errorf("from scratch files:\n%.2000s\nfrom memory:\n%.2000s", got, want)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scratch files, %v: the bound was not reached", len(files), err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if files, err = os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%d scratch files are left (%v)", len(files), err)
	}
}

// A total that remembers long texts by digests has the same result as one that keeps them, and says when it has outgrown its bound.
func TestATotalOfLongTextsTakesLittleMemory(t *testing.T) {
	suite, err := gx.ParseSuite([]byte(`{"name": "s", "expectations": [
		{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "text"}},
		{"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["text", "n"]}},
		{"type": "expect_column_unique_value_count_to_be_between", "kwargs": {"column": "text", "min_value": 1}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	batch := func(from int) *arrowio.Batch {
		var texts []string
		var numbers []int64
		for i := from; i < from+1000; i++ {
			texts, numbers = append(texts, fmt.Sprintf("%s%d", strings.Repeat("a long text ", 20), i%3100)), append(numbers, int64(i%2))
		}
		return arrowio.BatchOf(arrowio.Of("text", texts), arrowio.Of("n", numbers))
	}
	hold := func(o gx.Options, begin func(*gx.Plan) *gx.State) (string, error) {
		plan, err := gx.Compile(suite, batch(0).Schema(), o)
		if err != nil {
			t.Fatal(err)
		}
		s := begin(plan)
		for part := range 4 {
			if _, err := s.Add(batch(part * 1000)); err != nil {
				return "", err
			}
		}
		r, err := plan.Result(s)
		if err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(r)
		return string(out), err
	}
	want, err := hold(gx.Options{}, (*gx.Plan).NewState)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := hold(gx.Options{}, (*gx.Plan).NewTotal); err != nil || got != want {
		t.Errorf("as a total (%v):\n%.2000s\nas a state:\n%.2000s", err, got, want)
	}
	if _, err := hold(gx.Options{Bytes: 64 << 10, Space: spill.Dir(t.TempDir())}, (*gx.Plan).NewTotal); !errors.Is(err, gx.ErrOutgrown) {
		t.Errorf("above the bound: %v", err)
	}
}
