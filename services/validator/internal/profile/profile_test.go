package profile_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/profile"
)

// tables draws tables of every kind of column that a profile looks into.
type tables struct{ *rand.Rand }

func (d tables) column(i int) (arrowio.Field, func() any) {
	f := arrowio.Field{Name: fmt.Sprintf("c%d", i), Nullable: true}
	kinds := []struct {
		t    arrowio.Type
		draw func() any
	}{
		{arrowio.Type{Kind: arrowio.Int64}, func() any { return d.Int64() >> d.IntN(64) }},
		{arrowio.Type{Kind: arrowio.Int8}, func() any { return int64(d.IntN(7) - 3) }},
		{arrowio.Type{Kind: arrowio.Uint64}, func() any { return d.Uint64() }},
		{arrowio.Type{Kind: arrowio.Float64}, func() any { return d.NormFloat64() * math.Pow(10, float64(d.IntN(40)-20)) }},
		{arrowio.Type{Kind: arrowio.Float64}, func() any { return d.Float64() }},
		{arrowio.Type{Kind: arrowio.Float64}, func() any { return []float64{math.Inf(1), math.NaN(), 0, -1, math.MaxFloat64}[d.IntN(5)] }},
		{arrowio.Type{Kind: arrowio.Float32}, func() any { return float64(float32(d.NormFloat64())) }},
		{arrowio.Type{Kind: arrowio.Decimal128, Precision: 10, Scale: 2}, func() any { return big.NewRat(d.Int64N(100000), 100) }},
		{arrowio.Type{Kind: arrowio.Bool}, func() any { return d.IntN(2) == 0 }},
		{arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Micro}, func() any { return time.Unix(1.5e9+d.Int64N(1e8), 0).UTC() }},
		{arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Nano, Zone: "UTC"}, func() any { return time.Unix(1.5e9+d.Int64N(1e8), d.Int64N(1e9)).UTC() }},
		{arrowio.Type{Kind: arrowio.Date32}, func() any { return time.Unix(86400*d.Int64N(20000), 0).UTC() }},
		{arrowio.Type{Kind: arrowio.String}, func() any { return fmt.Sprintf("%c%c-%03d", 'A'+d.IntN(26), 'A'+d.IntN(26), d.IntN(1000)) }},
		{arrowio.Type{Kind: arrowio.String}, func() any { return []string{"red", "green", "", " blue\n"}[d.IntN(4)] }},
		{arrowio.Type{Kind: arrowio.String}, func() any { return time.Unix(86400*d.Int64N(20000), 0).UTC().Format("2006-01-02") }},
		{arrowio.Type{Kind: arrowio.String}, func() any { return strings.Repeat("né ", d.IntN(300)) }},
		{arrowio.Type{Kind: arrowio.String}, func() any { return fmt.Sprintf("u%d.%d@example.com", d.IntN(1e6), d.IntN(9)) }},
		{arrowio.Type{Kind: arrowio.String}, func() any { return fmt.Sprintf(`{"a": %d}`, d.IntN(1e6)) }},
		{arrowio.Type{Kind: arrowio.LargeString}, func() any { return fmt.Sprintf("%x\\d[%d]", d.Uint64(), d.IntN(10)) }},
		{arrowio.Type{Kind: arrowio.Binary}, func() any { return []byte{1, 2} }},
		{arrowio.Type{Kind: arrowio.Int32}, func() any { return int64(7) }},
	}
	k := kinds[i%len(kinds)]
	f.Type = k.t
	gaps := []float64{0, 0, 0.1, 0.9, 1}[d.IntN(5)]
	return f, func() any {
		if d.Float64() < gaps {
			return nil
		}
		return k.draw()
	}
}

func (d tables) table(rows int) *arrowio.Batch {
	var cols []arrowio.Values
	for i := range 21 {
		f, draw := d.column(i)
		vs := make([]any, rows)
		for r := range vs {
			vs[r] = draw()
		}
		cols = append(cols, arrowio.OfType(f, vs))
	}
	return arrowio.BatchOf(cols...)
}

func summary(t *testing.T, parts ...*arrowio.Batch) *profile.Summary {
	t.Helper()
	whole, err := profile.New(parts[0].Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range parts {
		s, err := profile.New(b.Schema())
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < b.Rows(); from += 7 {
			if err := s.Add(b.Slice(from, min(from+7, b.Rows()))); err != nil {
				t.Fatal(err)
			}
		}
		if err := whole.Merge(s); err != nil {
			t.Fatal(err)
		}
	}
	return whole.Summary()
}

func suggest(t *testing.T, b *arrowio.Batch) []byte {
	t.Helper()
	suite, err := profile.Suggest("drawn", summary(t, b))
	if err != nil {
		t.Fatal(err)
	}
	return suite
}

func judge(t *testing.T, suite []byte, b *arrowio.Batch) *gx.SuiteResult {
	t.Helper()
	s, err := gx.ParseSuite(suite)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := gx.Compile(s, b.Schema(), gx.Options{Format: gx.ResultFormat{Level: gx.Basic, Partial: 3}})
	if err != nil {
		t.Fatal(err)
	}
	state := plan.NewState()
	if _, err := state.Add(b); err != nil {
		t.Fatal(err)
	}
	r, err := plan.Result(state)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Whatever the data, it meets the suite that it suggests.
func TestDataMeetsWhatItSuggests(t *testing.T) {
	for seed := range uint64(60) {
		d := tables{rand.New(rand.NewPCG(seed, 1))}
		b := d.table([]int{0, 1, 2, 5, 25, 400}[seed%6])
		suite := suggest(t, b)
		for _, r := range judge(t, suite, b).Results {
			if r.Success == nil || !*r.Success {
				text, _ := r.MarshalJSON()
				t.Errorf("seed %d: %s", seed, text)
			}
		}
	}
}

// How rows were cut and in which order parts came does not show.
func TestProfilesDoNotDependOnParts(t *testing.T) {
	for seed := range uint64(12) {
		d := tables{rand.New(rand.NewPCG(seed, 2))}
		b := d.table(300)
		at := 1 + d.IntN(298)
		var texts []string
		for _, s := range []*profile.Summary{summary(t, b), summary(t, b.Slice(0, at), b.Slice(at, 300)), summary(t, b.Slice(at, 300), b.Slice(0, at))} {
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
		if texts[0] != texts[1] || texts[0] != texts[2] {
			t.Errorf("seed %d: parts give another profile:\n%s\n%s\n%s", seed, texts[0], texts[1], texts[2])
		}
	}
}

func orders(change func(i int, row map[string]any)) *arrowio.Batch {
	cols := map[string][]any{}
	for i := range 200 {
		row := map[string]any{"id": int64(1000 + i), "price": 5 + float64(i%37), "state": []string{"new", "paid", "sent"}[i%3], "code": fmt.Sprintf("AB-%04d", i),
			"day": fmt.Sprintf("2026-%02d-%02d", 1+i%12, 1+i%28), "at": time.Unix(1.7e9+int64(i), 0).UTC(), "mail": fmt.Sprintf("a%d@example.com", i)}
		change(i, row)
		for k, v := range row {
			cols[k] = append(cols[k], v)
		}
	}
	text, stamp := arrowio.Type{Kind: arrowio.String}, arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Micro}
	var out []arrowio.Values
	for _, f := range []arrowio.Field{{Name: "id", Type: arrowio.Type{Kind: arrowio.Int64}}, {Name: "price", Type: arrowio.Type{Kind: arrowio.Float64}}, {Name: "state", Type: text},
		{Name: "code", Type: text}, {Name: "day", Type: text}, {Name: "at", Type: stamp}, {Name: "mail", Type: text}} {
		f.Nullable = true
		out = append(out, arrowio.OfType(f, cols[f.Name]))
	}
	return arrowio.BatchOf(out...)
}

// A suite that orders suggest finds the mistakes that orders have.
func TestBrokenDataDoesNotMeetIt(t *testing.T) {
	suite := suggest(t, orders(func(int, map[string]any) {}))
	for name, tc := range map[string]struct {
		change func(i int, row map[string]any)
		finds  string
	}{
		"a gap":          {func(i int, r map[string]any) { r["price"] = map[bool]any{true: nil, false: r["price"]}[i == 7] }, "expect_column_values_to_not_be_null price"},
		"a double id":    {func(i int, r map[string]any) { r["id"] = int64(1000 + i%199) }, "expect_column_values_to_be_unique id"},
		"a price":        {func(i int, r map[string]any) { r["price"] = r["price"].(float64) * float64(1+i) }, "expect_column_values_to_be_between price"},
		"another state":  {func(i int, r map[string]any) { r["state"] = fmt.Sprint(r["state"], i/199) }, "expect_column_values_to_be_in_set state"},
		"a wrong code":   {func(i int, r map[string]any) { r["code"] = strings.ToLower(r["code"].(string)) }, "expect_column_values_to_match_regex code"},
		"a long code":    {func(i int, r map[string]any) { r["code"] = r["code"].(string) + "0" }, "expect_column_value_lengths_to_equal code"},
		"another format": {func(i int, r map[string]any) { r["day"] = "05.03.2026" }, "expect_column_values_to_match_strftime_format day"},
		"an old point":   {func(i int, r map[string]any) { r["at"] = time.Unix(0, 0).UTC() }, "expect_column_values_to_be_between at"},
		"no address":     {func(i int, r map[string]any) { r["mail"] = "none here" }, "expect_column_values_to_match_regex mail"},
	} {
		var found []string
		for _, r := range judge(t, suite, orders(tc.change)).Results {
			if r.Success == nil || !*r.Success {
				column, _ := r.Kwargs.Get("column")
				found = append(found, fmt.Sprint(r.Expectation.Type, " ", column))
			}
		}
		if !strings.Contains(strings.Join(found, "\n"), tc.finds) {
			t.Errorf("%s: found %q, not %q\n%s", name, found, tc.finds, suite)
		}
	}
	few := judge(t, suite, orders(func(int, map[string]any) {}).Slice(0, 20))
	if few.Success {
		t.Error("a tenth of the rows meets the suite")
	}
}

func TestColumnsOfOneNameAreRefused(t *testing.T) {
	_, err := profile.New(&arrowio.Schema{Fields: []arrowio.Field{{Name: "a"}, {Name: "a"}}})
	if err == nil || !strings.Contains(err.Error(), `two columns "a"`) {
		t.Errorf("got %v", err)
	}
}
