package gx_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// Rows that a result shows of a check that judges at the end are bounded: above the bound the check fails and says why, the others hold, and cuts do
// not show.
func TestUnexpectedRowsAreBounded(t *testing.T) {
	var a, c []int64
	for i := range int64(500) {
		a, c = append(a, i%400), append(c, i%7)
	}
	b := arrowio.BatchOf(arrowio.Of("a", a), arrowio.Of("c", c))
	format := gx.ResultFormat{Level: gx.Summary, Partial: -1, IncludeRows: true}
	for _, kind := range []string{`expect_column_values_to_be_unique","kwargs":{"column":"a"`, `expect_column_value_z_scores_to_be_less_than","kwargs":{"column":"c","threshold":1,"double_sided":true`, `expect_column_values_to_not_be_outliers","kwargs":{"column":"c"`} {
		s, err := gx.ParseSuite([]byte(`{"expectations":[{"type":"` + kind + `}},{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"a"}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := gx.Compile(s, b.Schema(), gx.Options{Format: format, Bytes: 4000, Space: spill.Dir(t.TempDir())})
		if err != nil {
			t.Fatal(err)
		}
		whole := plan.NewState()
		_, err = whole.Add(b)
		if err != nil {
			t.Fatal(err)
		}
		r, err := plan.Result(whole)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(r.Results[0].Exception, "include_unexpected_rows") || !*r.Results[1].Success {
			t.Errorf("%s: %q, and not null %t", kind, r.Results[0].Exception, *r.Results[1].Success)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		if got, want := resultBytes(t, plan, pieces(t, rng, plan, b)), resultBytes(t, plan, whole); !bytes.Equal(got, want) {
			t.Errorf("%s in pieces:\n%s\nwhole:\n%s", kind, got, want)
		}
	}
}
