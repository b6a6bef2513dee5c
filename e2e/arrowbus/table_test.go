package arrowbus_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// types are columns' types that Arrow v17 has as well; and how value i looks.
var types = map[string]func(i int) any{
	"null": func(int) any { return nil },
	"bool": func(i int) any { return i%2 == 0 }, "int8": number, "int16": number, "int32": number, "int64": number,
	"uint8": number, "uint16": number, "uint32": number, "uint64": number, "halffloat": float, "float": float, "double": float,
	"decimal128(9, 2)": decimal, "decimal256(50, 3)": decimal, "date32": instant, "date64": instant, "timestamp[s]": instant, "timestamp[ms, tz=Europe/Berlin]": instant,
	"timestamp[us, tz=UTC]": instant, "timestamp[ns]": instant, "time32[ms]": clock, "time64[us]": clock, "duration[ms]": clock,
	"string": text, "large_string": text, "binary": text, "large_binary": text, "fixed_size_binary[3]": func(i int) any { return fmt.Sprintf("%03d", i%1000) },
	"dictionary<values=string, indices=int8>":  func(i int) any { return fmt.Sprint("kind ", i*i%7) },
	"dictionary<values=int64, indices=uint16>": func(i int) any { return i % 5 },
	"list<item: string>":                       func(i int) any { return list(i%4, text) }, "large_list<item: int16 not null>": func(i int) any { return list(i%3, number) },
	"fixed_size_list<item: float>[2]": func(int) any { return list(2, float) },
	"map<string, int64>":              func(i int) any { return map[string]any{fmt.Sprint("k", i%3): i} },
	"struct<a: int64 not null, b: list<item: struct<c: string>>>": func(i int) any {
		return map[string]any{"a": i, "b": list(i%3, func(j int) any { return map[string]any{"c": text(j)} })}
	},
}

func number(i int) any  { return i % 100 }
func float(i int) any   { return float64(i%64) / 8 }
func decimal(i int) any { return big.NewRat(int64(i-50), 4) }
func instant(i int) any {
	return time.Date(1990+i%50, 1, 1+i%28, 0, 0, 0, 0, time.UTC)
}
func clock(i int) any { return time.Duration(i) * time.Second }
func text(i int) any  { return fmt.Sprint("Wörter ", i) }
func list(n int, f func(int) any) any {
	out := make([]any, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

// table has a hundred rows of every type, each nullable and not, with metadata on the schema and on a field.
func table() *arrowio.Batch {
	s := &arrowio.Schema{Metadata: map[string]string{"origin": "a test"}}
	var fill []func(i int) any
	for _, name := range slices.Sorted(maps.Keys(types)) {
		t, err := arrowio.ParseType(name)
		if err != nil {
			panic(err)
		}
		for _, nullable := range []bool{false, true} {
			if !nullable && t.Kind == arrowio.Null {
				continue
			}
			s.Fields = append(s.Fields, arrowio.Field{Name: fmt.Sprint(name, " ", nullable), Type: t, Nullable: nullable, Metadata: map[string]string{"note": name}})
			fill = append(fill, func(i int) any {
				if nullable && i%5 == 1 {
					return nil
				}
				return types[name](i)
			})
		}
	}
	b := arrowio.NewBuilder(s)
	for c, f := range fill {
		for i := range 100 {
			if err := b.Column(c).Value(f(i)); err != nil {
				panic(err)
			}
		}
	}
	return b.Batch()
}
