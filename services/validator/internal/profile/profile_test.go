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

// kind is a type of column and how its values are drawn.
type kind struct {
	t    arrowio.Type
	draw func() any
}

func (d tables) kinds() []kind {
	of := func(k arrowio.Kind) arrowio.Type { return arrowio.Type{Kind: k} }
	pick := func(vs ...any) func() any { return func() any { return vs[d.IntN(len(vs))] } }
	date := func() time.Time { return time.Unix(86400*d.Int64N(20000), 0).UTC() }
	return append([]kind{
		{of(arrowio.Int64), func() any { return d.Int64() >> d.IntN(64) }},
		{of(arrowio.Int8), func() any { return int64(d.IntN(7) - 3) }},
		{of(arrowio.Uint64), func() any { return d.Uint64() }},
		{of(arrowio.Float64), func() any { return d.NormFloat64() * math.Pow(10, float64(d.IntN(40)-20)) }},
		{of(arrowio.Float64), func() any { return d.Float64() }},
		{of(arrowio.Float64), pick(math.Inf(1), math.NaN(), 0.0, -1.0, math.MaxFloat64)},
		{of(arrowio.Float32), func() any { return float64(float32(d.NormFloat64())) }},
		{arrowio.Type{Kind: arrowio.Decimal128, Precision: 10, Scale: 2}, func() any { return big.NewRat(d.Int64N(100000), 100) }},
		{of(arrowio.Bool), func() any { return d.IntN(2) == 0 }},
		{arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Micro}, func() any { return time.Unix(1.5e9+d.Int64N(1e8), 0).UTC() }},
		{arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Nano, Zone: "UTC"}, func() any { return time.Unix(1.5e9+d.Int64N(1e8), d.Int64N(1e9)).UTC() }},
		{of(arrowio.Date32), func() any { return date() }},
		{of(arrowio.String), func() any { return fmt.Sprintf("%c%c-%03d", 'A'+d.IntN(26), 'A'+d.IntN(26), d.IntN(1000)) }},
		{of(arrowio.String), pick("red", "green", "", " blue\n")},
		{of(arrowio.String), func() any { return date().Format("2006-01-02") }},
		{of(arrowio.String), func() any { return strings.Repeat("né ", d.IntN(300)) }},
		{of(arrowio.String), func() any { return fmt.Sprintf("u%d.%d@example.com", d.IntN(1e6), d.IntN(9)) }},
		{of(arrowio.String), func() any { return fmt.Sprintf(`{"a": %d}`, d.IntN(1e6)) }},
		{of(arrowio.LargeString), func() any { return fmt.Sprintf("%x\\d[%d]", d.Uint64(), d.IntN(10)) }},
		{of(arrowio.Binary), func() any { return []byte{1, 2} }},
		{of(arrowio.Int32), func() any { return int64(7) }},
	}, d.odd(of, pick)...)
}

// odd are kinds that data has seldom.
func (d tables) odd(of func(arrowio.Kind) arrowio.Type, pick func(vs ...any) func() any) []kind {
	index := of(arrowio.Int16)
	from := func(k arrowio.Kind) arrowio.Type {
		return arrowio.Type{Kind: arrowio.Dictionary, Index: &index, Elem: []arrowio.Field{{Name: "item", Type: of(k)}}}
	}
	list := arrowio.Type{Kind: arrowio.List, Elem: []arrowio.Field{{Name: "item", Type: of(arrowio.Int64), Nullable: true}}}
	object := arrowio.Type{Kind: arrowio.Struct, Elem: []arrowio.Field{{Name: "a", Type: of(arrowio.String), Nullable: true}}}
	times := func(u arrowio.Unit, zone string) arrowio.Type {
		return arrowio.Type{Kind: arrowio.Timestamp, Unit: u, Zone: zone}
	}
	at := func(years ...int) func() any {
		return func() any {
			return time.Date(years[d.IntN(len(years))], time.Month(1+d.IntN(12)), 1+d.IntN(28), d.IntN(24), d.IntN(60), d.IntN(60), 0, time.UTC)
		}
	}
	return []kind{
		{of(arrowio.Null), pick(nil)},
		{of(arrowio.Float64), pick(math.NaN())},
		{of(arrowio.Float64), pick(math.Inf(-1), math.Inf(1))},
		{of(arrowio.Float64), pick(math.SmallestNonzeroFloat64, -math.MaxFloat64, math.MaxFloat64, math.Copysign(0, -1))},
		{of(arrowio.Float16), pick(0.5, -2.0, 65504.0)},
		{of(arrowio.Uint8), pick(int64(0), int64(255))},
		{of(arrowio.Int64), pick(int64(math.MinInt64), int64(math.MaxInt64), int64(1<<53+1))},
		{of(arrowio.Uint64), pick(uint64(math.MaxUint64), uint64(1<<63))},
		{arrowio.Type{Kind: arrowio.Decimal128, Precision: 38, Scale: 0}, func() any { return new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(d.Int64()), big.NewInt(d.Int64()))) }},
		{arrowio.Type{Kind: arrowio.Decimal256, Precision: 60, Scale: 20}, func() any { return big.NewRat(d.Int64()-1<<62, 1<<20) }},
		{times(arrowio.Second, ""), at(1969, 1970, 2400)},
		{times(arrowio.Milli, "Europe/Berlin"), at(2023, 2024)},
		{times(arrowio.Micro, "-05:30"), at(1700, 2249)},
		{times(arrowio.Micro, ""), at(1, 9999)},
		{of(arrowio.Date64), at(1999, 2030)},
		{of(arrowio.Date32), at(1600, 3000)},
		{arrowio.Type{Kind: arrowio.Time64, Unit: arrowio.Micro}, pick(time.Hour, time.Minute)},
		{arrowio.Type{Kind: arrowio.Duration, Unit: arrowio.Milli}, pick(time.Hour, -time.Minute)},
		{list, pick([]any{}, []any{int64(1), nil})},
		{object, pick(map[string]any{"a": "x"}, map[string]any{"a": nil})},
		{from(arrowio.String), pick("a", "b", "")},
		{from(arrowio.Int64), pick(int64(1), int64(2))},
		{of(arrowio.String), pick("NaN", "None", "null", "")},
		{of(arrowio.String), pick("\u00a0{}", "\v[]", "{}\u0085", "{\"a\":NaN}")},
		{of(arrowio.String), pick("[1]", " {} ", "[1,\n2]")},
		{of(arrowio.String), pick("1e5", "0x10", "-0", "007", "1.")},
		{of(arrowio.String), pick("2024-02-29", "2023-02-28")},
		{of(arrowio.String), pick("a\n", "b\r\n", "$", "^")},
		{of(arrowio.String), func() any { return strings.Repeat("x", 250+d.IntN(20)) }},
		{of(arrowio.String), pick("\U0001f600", "e\u0301", "\ufeff", "\x00")},
		{of(arrowio.LargeString), pick("$PARAMETER", `{"$PARAMETER": "a"}`)},
	}
}

// names are of columns; what is a number, a quote or nothing is one too.
var names = []string{"", " ", "$PARAMETER", "\"'`", "é", "a.b", "_", "0", "select", "*"}

func (d tables) table(rows int) *arrowio.Batch {
	var cols []arrowio.Values
	for i, k := range d.kinds() {
		f := arrowio.Field{Name: fmt.Sprintf("c%d", i), Nullable: true, Type: k.t}
		if i < len(names) {
			f.Name = names[i]
		}
		gaps, one := []float64{0, 0, 0.1, 0.9, 1}[d.IntN(5)], d.IntN(6) == 0
		value := k.draw()
		vs := make([]any, rows)
		for r := range vs {
			if !one {
				value = k.draw()
			}
			if d.Float64() >= gaps {
				vs[r] = value
			}
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

// A table of no columns has nothing to expect, which it meets.
func TestATableOfNothingMeetsWhatItSuggests(t *testing.T) {
	b := arrowio.BatchOf()
	if r := judge(t, suggest(t, b), b); !r.Success || len(r.Results) > 0 {
		t.Errorf("%v %v", r.Success, r.Results)
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
