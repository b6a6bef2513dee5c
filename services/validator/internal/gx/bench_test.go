package gx_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
)

// wideTable is rows of 14 columns such as an order has.
func wideTable(rows int) *arrowio.Batch {
	rng := rand.New(rand.NewPCG(7, 7))
	column := func(f func(i int) any) []any {
		out := make([]any, rows)
		for i := range out {
			out[i] = f(i)
		}
		return out
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	text := func(name string) arrowio.Field {
		return arrowio.Field{Name: name, Type: arrowio.Type{Kind: arrowio.String}, Nullable: true}
	}
	of := func(name string, k arrowio.Kind) arrowio.Field {
		return arrowio.Field{Name: name, Type: arrowio.Type{Kind: k}, Nullable: true}
	}
	stamp := arrowio.Field{Name: "created", Type: arrowio.Type{Kind: arrowio.Timestamp, Unit: arrowio.Micro}, Nullable: true}
	return arrowio.BatchOf(
		arrowio.OfType(of("id", arrowio.Int64), column(func(i int) any { return int64(i) })),
		arrowio.OfType(of("customer", arrowio.Int64), column(func(int) any { return rng.Int64N(50000) })),
		arrowio.OfType(of("quantity", arrowio.Int32), column(func(int) any { return int64(rng.IntN(100)) })),
		arrowio.OfType(of("price", arrowio.Float64), column(func(int) any { return rng.Float64() * 1000 })),
		arrowio.OfType(of("discount", arrowio.Float64), column(func(i int) any {
			if i%20 == 0 {
				return nil
			}
			return rng.Float64()
		})),
		arrowio.OfType(of("paid", arrowio.Bool), column(func(int) any { return rng.IntN(2) == 0 })),
		arrowio.OfType(text("country"), column(func(int) any { return []string{"DE", "FR", "IT", "ES", "PL"}[rng.IntN(5)] })),
		arrowio.OfType(text("email"), column(func(i int) any { return fmt.Sprintf("user%d@example.org", i%90000) })),
		arrowio.OfType(text("sku"), column(func(int) any { return fmt.Sprintf("AB-%04d", rng.IntN(10000)) })),
		arrowio.OfType(text("note"), column(func(i int) any {
			if i%3 == 0 {
				return nil
			}
			return strings.Repeat("word ", rng.IntN(12))
		})),
		arrowio.OfType(stamp, column(func(i int) any { return from.Add(time.Duration(i) * time.Second) })),
		arrowio.OfType(of("score", arrowio.Float32), column(func(int) any { return float64(rng.Float32()) })),
		arrowio.OfType(of("a", arrowio.Int64), column(func(i int) any { return int64(i) })),
		arrowio.OfType(of("b", arrowio.Int64), column(func(i int) any { return int64(i + 1) })),
	)
}

const wideSuite = `{"name":"wide","expectations":[
{"type":"expect_table_row_count_to_be_between","kwargs":{"min_value":1}},
{"type":"expect_table_column_count_to_equal","kwargs":{"value":14}},
{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"id"}},
{"type":"expect_column_values_to_be_unique","kwargs":{"column":"id"}},
{"type":"expect_column_values_to_be_increasing","kwargs":{"column":"id"}},
{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"customer"}},
{"type":"expect_column_values_to_be_between","kwargs":{"column":"customer","min_value":0,"max_value":49000}},
{"type":"expect_column_values_to_be_between","kwargs":{"column":"quantity","min_value":0,"max_value":99}},
{"type":"expect_column_mean_to_be_between","kwargs":{"column":"quantity","min_value":0,"max_value":99}},
{"type":"expect_column_values_to_be_between","kwargs":{"column":"price","min_value":0,"max_value":990}},
{"type":"expect_column_max_to_be_between","kwargs":{"column":"price","max_value":1000}},
{"type":"expect_column_min_to_be_between","kwargs":{"column":"price","min_value":0}},
{"type":"expect_column_stdev_to_be_between","kwargs":{"column":"price","min_value":0}},
{"type":"expect_column_median_to_be_between","kwargs":{"column":"price","min_value":0}},
{"type":"expect_column_values_to_not_be_null","kwargs":{"column":"discount","mostly":0.9}},
{"type":"expect_column_sum_to_be_between","kwargs":{"column":"discount","min_value":0}},
{"type":"expect_column_values_to_be_in_set","kwargs":{"column":"paid","value_set":[true,false]}},
{"type":"expect_column_values_to_be_in_set","kwargs":{"column":"country","value_set":["DE","FR","IT","ES"]}},
{"type":"expect_column_distinct_values_to_be_in_set","kwargs":{"column":"country","value_set":["DE","FR","IT","ES","PL"]}},
{"type":"expect_column_values_to_match_regex","kwargs":{"column":"email","regex":"^[^@\\s]+@[^@\\s]+\\.[a-z]+$"}},
{"type":"expect_column_value_lengths_to_be_between","kwargs":{"column":"email","min_value":5,"max_value":100}},
{"type":"expect_column_values_to_match_regex","kwargs":{"column":"sku","regex":"^[A-Z]{2}-\\d{4}$"}},
{"type":"expect_column_unique_value_count_to_be_between","kwargs":{"column":"sku","min_value":1}},
{"type":"expect_column_value_lengths_to_be_between","kwargs":{"column":"note","min_value":0,"max_value":50}},
{"type":"expect_column_values_to_be_between","kwargs":{"column":"score","min_value":0,"max_value":1}},
{"type":"expect_column_pair_values_a_to_be_greater_than_b","kwargs":{"column_A":"b","column_B":"a"}}]}`

// A suite of 26 expectations over 14 columns, SUMMARY results, one core; rows/s is what to compare with GX's.
func BenchmarkWideTable(b *testing.B) {
	whole := wideTable(1 << 18)
	suite, err := gx.ParseSuite([]byte(wideSuite))
	if err != nil {
		b.Fatal(err)
	}
	plan, err := gx.Compile(suite, whole.Schema(), gx.Options{Format: gx.ResultFormat{Level: gx.Summary, Partial: -1}})
	if err != nil {
		b.Fatal(err)
	}
	const step = 8192
	b.ReportAllocs()
	for b.Loop() {
		s := plan.NewState()
		for at := 0; at < whole.Rows(); at += step {
			if _, err := s.Add(whole.Slice(at, at+step)); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := plan.Result(s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(whole.Rows())/b.Elapsed().Seconds(), "rows/s")
}
