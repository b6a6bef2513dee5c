package gx_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// oneSuite is a line of testdata/gx_suites: a suite, its data, and the JSON of the real GX's result.
type oneSuite struct {
	Suite  json.RawMessage `json:"suite"`
	Cols   json.RawMessage `json:"cols"`
	RF     string          `json:"rf"`
	Result json.RawMessage `json:"result"`
}

// The result of a whole suite is GX's: the order of the results, their kwargs as GX shows them, meta, ids, notes, severity, statistics. GX_SUITES is
// a glob of more.
func TestSuitesAreGreatExpectations(t *testing.T) {
	pattern := os.Getenv("GX_SUITES")
	if pattern == "" {
		pattern = "testdata/gx_suites/*.jsonl"
	}
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no suites at %s: %v", pattern, err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var s oneSuite
			if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
				t.Fatal(err)
			}
			s.check(t)
		}
		f.Close()
	}
}

func (s *oneSuite) check(t *testing.T) {
	t.Helper()
	b := (&oneCase{Cols: s.Cols}).table(t)
	suite, err := gx.ParseSuite(s.Suite)
	if err != nil {
		t.Fatal(err)
	}
	format, err := gx.ParseResultFormat(s.RF)
	if err != nil {
		t.Fatal(err)
	}
	got, err := held(t, suite, b, gx.Options{Format: format}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	if d := differ("", comparable(t, got), comparable(t, s.Result), &worst); d != "" {
		t.Errorf("%s differs\nours %s\nGX   %s\n%s %s", d, got, s.Result, s.Suite, s.Cols)
	}
}

// comparable leaves out what is a run's own (the batch's id, meta), and of a failure all but that there was one.
func comparable(t *testing.T, data []byte) any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "meta")
	for _, x := range m["results"].([]any) {
		e := x.(map[string]any)
		i := e["exception_info"].(map[string]any)
		raised, flat := i["raised_exception"]
		e["exception_info"] = !flat || raised == true
		delete(e["expectation_config"].(map[string]any)["kwargs"].(map[string]any), "batch_id")
	}
	return m
}

// held is what a suite says of a batch.
func held(t *testing.T, suite *gx.Suite, b *arrowio.Batch, o gx.Options) *gx.SuiteResult {
	t.Helper()
	plan, err := gx.Compile(suite, b.Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	st := plan.NewState()
	if _, err := st.Add(b); err != nil {
		t.Fatal(err)
	}
	r, err := plan.Result(st)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
