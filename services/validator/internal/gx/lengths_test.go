package gx_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// Lengths are counted in code points, to the last one on both sides of a bound, however many bytes they take.
func TestLengthsAreExactAtTheirBounds(t *testing.T) {
	var texts []string
	for n := range 100 {
		texts = append(texts, strings.Repeat("aé日😀", n/4)+strings.Repeat("é", n%4))
	}
	b := arrowio.BatchOf(arrowio.Of("text", texts))
	for most := range 90 {
		s, err := gx.ParseSuite(fmt.Appendf(nil, `{"name": "s", "expectations": [{"type": "expect_column_value_lengths_to_be_between", "kwargs": {"column": "text", "min_value": 3, "max_value": %d}}]}`, most+3))
		if err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(held(t, s, b, gx.Options{}).Results[0].Result)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`"unexpected_count":%d,`, 100-most-1); !strings.Contains(strings.ReplaceAll(string(out), " ", ""), want) {
			t.Fatalf("of 100 texts of 0 to 99 code points, 3 to %d: want %s in %.200s", most+3, want, out)
		}
	}
}
