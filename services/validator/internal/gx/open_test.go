package gx_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/leathq/leat/services/validator/internal/gx"
)

// Every expectation says what the real Great Expectations says of the same data: success, every field of the result, and
// where and how it is refused.
func TestSameAsGreatExpectations(t *testing.T) {
	for _, c := range readCases(t, "testdata/gx_open/*.jsonl") {
		t.Run(c.Type+"/"+c.ID, func(t *testing.T) { c.check(t) })
	}
}

func (c *oneCase) check(t *testing.T) {
	t.Helper()
	c.compare(t, &held(t, c.suite(t), c.table(t), c.options(t)).Results[0])
}

func (c *oneCase) compare(t *testing.T, r *gx.Result) {
	t.Helper()
	refused, failed := r.Refusal != "", r.Exception != ""
	switch {
	case refused != (c.ConfigError != ""):
		t.Fatalf("refused: %q, GX: %q\n%s", r.Refusal, c.ConfigError, c.Kwargs)
	case refused:
		return
	case failed != (c.Exception != "" || c.Raised != "") || r.Raised != (c.Raised != ""):
		t.Fatalf("fails: %q, GX: %q%q\n%s %s", r.Exception, c.Exception, c.Raised, c.Kwargs, c.Cols)
	case r.Raised:
		return
	case *r.Success != *c.Success:
		t.Fatalf("success %t, GX %t (%s)\n%s %s", *r.Success, *c.Success, r.Exception, c.Kwargs, c.Cols)
	}
	got, err := json.Marshal(r.Result)
	if err != nil {
		t.Fatal(err)
	}
	where, off := c.same(t, got)
	if where != "" {
		t.Fatalf("the results differ at %s\n     %s\nGX   %s\n%s %s", where, got, c.Result, c.Kwargs, c.Cols)
	}
	if off > 0 {
		t.Logf("a float is off by %g of itself", off)
	}
}

// More cases, such as ones drawn by testdata/draw.py, are held against GX's answers in the same way: GX_CASES is a glob.
func TestSameOnCasesGiven(t *testing.T) {
	pattern := os.Getenv("GX_CASES")
	if pattern == "" {
		pattern = "testdata/gx_drawn/*.jsonl"
	}
	for _, c := range readCases(t, pattern) {
		t.Run(c.Type+"/"+c.ID, func(t *testing.T) { c.check(t) })
	}
}
