package gx_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// same compares a result with GX's, which the cases give without four fields where no format is asked for. It returns
// the path of the first difference, and the greatest relative error of a float.
func (c *oneCase) same(t *testing.T, got []byte) (string, float64) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%s: %v in %s", c.ID, err, got)
	}
	if len(c.Result) == 0 {
		return "", 0
	}
	if err := json.Unmarshal(c.Result, &w); err != nil {
		t.Fatal(err)
	}
	if m, ok := g.(map[string]any); ok && len(c.RF) == 0 {
		for _, name := range []string{"partial_unexpected_list", "unexpected_percent_nonmissing", "partial_unexpected_index_list", "unexpected_index_query", "unexpected_rows"} {
			if _, asked := w.(map[string]any)[name]; !asked {
				delete(m, name)
			}
		}
	}
	for _, o := range []any{g, w} { // a Python set of texts has another order in every process
		if l, ok := o.(map[string]any)["partial_missing_list"].([]any); ok {
			slices.SortFunc(l, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	worst := 0.0
	return differ("", g, w, &worst), worst
}

func differ(path string, got, want any, worst *float64) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return path
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				return path + "." + k + " (not in GX's)"
			}
		}
		for k := range w {
			if _, ok := g[k]; !ok {
				return path + "." + k + " (only in GX's)"
			}
			if d := differ(path+"."+k, g[k], w[k], worst); d != "" {
				return d
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return path
		}
		for i := range w {
			if d := differ(fmt.Sprintf("%s[%d]", path, i), g[i], w[i], worst); d != "" {
				return d
			}
		}
	case float64:
		g, ok := got.(float64)
		if !ok {
			return path
		}
		if g != w {
			e := math.Abs(g-w) / math.Max(math.Abs(w), 1e-300)
			*worst = max(*worst, e)
			if e > 1e-12 {
				return path
			}
		}
	default:
		if got != want {
			return path
		}
	}
	return ""
}
