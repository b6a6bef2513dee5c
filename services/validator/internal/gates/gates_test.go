package gates_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/validator/internal/drift"
	"github.com/leathq/leat/services/validator/internal/gates"
	"github.com/leathq/leat/services/validator/internal/presence"
)

func is(t *testing.T, what string, v gates.Verdict, want gates.Status, words ...string) {
	t.Helper()
	if v.Status != want {
		t.Errorf("%s: %s (%s), want %s", what, v.Status, v.Reason, want)
	}
	for _, w := range words {
		if !strings.Contains(v.Reason, w) {
			t.Errorf("%s: the reason %q does not say %q", what, v.Reason, w)
		}
	}
	if _, err := json.Marshal(v); err != nil || v.Gate == "" || v.Reason == "" {
		t.Errorf("%s: %+v cannot be shown: %v", what, v, err)
	}
}

func TestFewNewRowsSkipAndDoNotFail(t *testing.T) {
	is(t, "999 of 1000", gates.NewRows(999, gates.DefaultMinRows), gates.Skip, "999", "1000")
	is(t, "1000 of 1000", gates.NewRows(1000, gates.DefaultMinRows), gates.Pass)
	is(t, "none asked for", gates.NewRows(0, 0), gates.Pass)
}

func TestNoDataFailsUnlessItMayBe(t *testing.T) {
	is(t, "empty", gates.Empty(0, false), gates.Fail, "source")
	is(t, "empty, allowed", gates.Empty(0, true), gates.Pass)
	is(t, "one row", gates.Empty(1, false), gates.Pass)
}

func TestFreshness(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		newest time.Time
		want   gates.Status
		word   string
	}{
		{now.Add(-time.Hour), gates.Pass, "1h0m0s"},
		{now.Add(-24 * time.Hour), gates.Pass, ""},
		{now.Add(-25 * time.Hour), gates.Fail, "2026-04-30T11:00:00Z"},
		{now.Add(time.Minute), gates.Pass, ""},
		{now.Add(time.Hour), gates.Warn, "future"},
		{time.Time{}, gates.Unknown, "no timestamp"},
	} {
		is(t, c.newest.String(), gates.Freshness(gates.Age{Column: "created", Newest: c.newest, Now: now, Most: 24 * time.Hour}), c.want, c.word, "created")
	}
}

var pinned = []gates.Column{{"id", "int64", false}, {"text", "string", true}, {"score", "double", true}}

func TestSchemas(t *testing.T) {
	for _, c := range []struct {
		name              string
		current           []gates.Column
		equal, compatible gates.Status
		word              string
	}{
		{"same", pinned, gates.Pass, gates.Pass, ""},
		{"other spelling", []gates.Column{{"id", "int64", false}, {"text", "utf8", true}, {"score", "float64", true}}, gates.Pass, gates.Pass, ""},
		{"other order", []gates.Column{pinned[1], pinned[0], pinned[2]}, gates.Fail, gates.Pass, "number"},
		{"a column more", append([]gates.Column{{"new", "int8", true}}, pinned...), gates.Fail, gates.Pass, `"new" is new`},
		{"a column less", pinned[:2], gates.Fail, gates.Fail, `"score" is missing`},
		{"narrower", []gates.Column{{"id", "int32", false}, pinned[1], {"score", "float", true}}, gates.Fail, gates.Pass, "int32"},
		{"wider", []gates.Column{pinned[0], {"text", "large_string", true}, pinned[2]}, gates.Fail, gates.Fail, "large_string"},
		{"unsigned", []gates.Column{{"id", "uint64", false}, pinned[1], pinned[2]}, gates.Fail, gates.Fail, "uint64"},
		{"newly null", []gates.Column{{"id", "int64", true}, pinned[1], pinned[2]}, gates.Fail, gates.Fail, "may be null"},
		{"never null", []gates.Column{pinned[0], {"text", "string", false}, pinned[2]}, gates.Fail, gates.Pass, "may not be null"},
		{"twice", append([]gates.Column{pinned[0]}, pinned...), gates.Fail, gates.Fail, "twice"},
	} {
		v := gates.Schema(pinned, c.current, gates.Equal)
		is(t, c.name, v, c.equal, c.word)
		is(t, c.name, gates.Schema(pinned, c.current, gates.Compatible), c.compatible)
		if (v.Value > 0) != (v.Status == gates.Fail) {
			t.Errorf("%s: %v differences and %s", c.name, v.Value, v.Status)
		}
	}
	is(t, "nothing pinned", gates.Schema(nil, pinned, gates.Equal), gates.Unknown)
}

func TestVolume(t *testing.T) {
	h := gates.DefaultHistory()
	steady := []int64{1000, 1010, 990, 1005, 995, 1000}
	wild := []int64{1000, 2000, 500, 1500, 800, 3000}
	for _, c := range []struct {
		name    string
		earlier []int64
		rows    int64
		want    gates.Status
	}{
		{"as ever", steady, 1003, gates.Pass},
		{"a little more than ever", steady, 1100, gates.Pass},
		{"more", steady, 1200, gates.Warn},
		{"half", steady, 500, gates.Fail},
		{"twice", steady, 2000, gates.Fail},
		{"twice among wild ones", wild, 2400, gates.Pass},
		{"one odd run does not widen it", append([]int64{9000}, steady...), 500, gates.Fail},
		{"too little history", steady[:4], 1, gates.Unknown},
		{"none before", []int64{0, 0, 0, 0, 0}, 100, gates.Fail},
	} {
		is(t, c.name, gates.Volume(c.earlier, c.rows, h), c.want)
	}
	if v := gates.Volume(steady, 500, h); v.Value >= 0 || !strings.Contains(v.Reason, "below") {
		t.Errorf("fewer rows: %+v", v)
	}
}

func TestNullRates(t *testing.T) {
	h := gates.DefaultHistory()
	earlier := []float64{0.02, 0.021, 0.019, 0.02, 0.022}
	for _, c := range []struct {
		name          string
		missing, rows int64
		want          gates.Status
	}{
		{"as ever", 200, 10000, gates.Pass},
		{"somewhat more", 300, 10000, gates.Pass},
		{"more", 420, 10000, gates.Warn},
		{"many", 1000, 10000, gates.Fail},
		{"one of few is chance", 2, 20, gates.Pass},
		{"all", 10000, 10000, gates.Fail},
		{"no rows", 0, 0, gates.Unknown},
	} {
		is(t, c.name, gates.NullRate(gates.Nulls{Column: "text", Earlier: earlier, Missing: c.missing, Rows: c.rows}, h), c.want)
	}
	is(t, "far fewer", gates.NullRate(gates.Nulls{Column: "text", Earlier: []float64{0.5, 0.5, 0.5, 0.5, 0.5}, Missing: 0, Rows: 10000}, h), gates.Warn)
	is(t, "too little history", gates.NullRate(gates.Nulls{Column: "text", Earlier: earlier[:2], Missing: 9, Rows: 10}, h), gates.Unknown)
}

func profile(rng *rand.Rand, n int, shift float64, kinds int) drift.Profile {
	s, c := drift.NewNumbers(0), drift.NewCategories(0)
	for range n {
		drift.Add(s, []float64{rng.NormFloat64() + shift}, presence.Mask{})
		c.AddText(fmt.Append(nil, rng.IntN(kinds)), true)
	}
	return drift.Profile{Numbers: map[string]*drift.Numbers{"score": s}, Categories: map[string]*drift.Categories{"lang": c}}
}

func TestDriftNeedsSignificanceAndSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	reference := profile(rng, 20000, 0, 4)
	l := gates.DefaultDriftLimits()
	for _, c := range []struct {
		name        string
		current     drift.Profile
		lang, score gates.Status
	}{
		{"the same", profile(rng, 20000, 0, 4), gates.Pass, gates.Pass},
		{"a small shift of many", profile(rng, 20000, 0.1, 4), gates.Pass, gates.Pass},
		{"a shift", profile(rng, 20000, 0.4, 4), gates.Pass, gates.Warn},
		{"a large shift, other categories", profile(rng, 20000, 1, 3), gates.Fail, gates.Fail},
		{"too few", profile(rng, 50, 3, 1), gates.Unknown, gates.Unknown},
	} {
		v := gates.Drift(reference, c.current, l)
		if len(v) != 2 {
			t.Fatalf("%s: %d verdicts", c.name, len(v))
		}
		is(t, c.name, v[0], c.lang)
		is(t, c.name, v[1], c.score)
	}
	gone := profile(rng, 1000, 0, 4)
	delete(gone.Categories, "lang")
	is(t, "a column less", gates.Drift(reference, gone, l)[0], gates.Unknown, "no such column")
}

func TestOverall(t *testing.T) {
	for _, c := range []struct {
		statuses []gates.Status
		want     gates.Status
	}{
		{nil, gates.Pass},
		{[]gates.Status{gates.Unknown}, gates.Unknown},
		{[]gates.Status{gates.Unknown, gates.Pass}, gates.Pass},
		{[]gates.Status{gates.Pass, gates.Warn}, gates.Warn},
		{[]gates.Status{gates.Warn, gates.Skip}, gates.Skip},
		{[]gates.Status{gates.Skip, gates.Fail}, gates.Fail},
	} {
		var v []gates.Verdict
		for _, s := range c.statuses {
			v = append(v, gates.Verdict{Status: s})
		}
		if got := gates.Overall(v); got != c.want {
			t.Errorf("%v together are %s, want %s", c.statuses, got, c.want)
		}
	}
}

func TestLimitsThatContradictThemselvesAreNamed(t *testing.T) {
	for _, err := range []error{
		gates.History{Runs: 1, Warn: 1, Fail: 2}.Validate(), gates.History{Runs: 5, Warn: 3, Fail: 2}.Validate(), gates.History{Runs: 5}.Validate(),
		gates.DriftLimits{Level: 2, Warn: 1, Fail: 1}.Validate(), gates.DriftLimits{Level: 0.1, Warn: 2, Fail: 1}.Validate(),
	} {
		if err == nil {
			t.Error("limits that contradict themselves are taken")
		}
	}
	if gates.DefaultHistory().Validate() != nil || gates.DefaultDriftLimits().Validate() != nil {
		t.Error("the defaults are refused")
	}
}
