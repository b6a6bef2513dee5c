// Package randombatch makes schemas, batches and values by chance, for tests of what must hold for all of them.
package randombatch

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
)

// flat are types without parts, of every kind.
var flat = []string{
	"null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "halffloat", "float", "double", "date32", "date64",
	"time32[ms]", "time64[ns]", "timestamp[s]", "timestamp[us, tz=UTC]", "duration[ns]", "decimal128(9, 2)", "decimal256(50, -3)", "string", "large_string",
	"binary", "large_binary", "fixed_size_binary[3]", "dictionary<values=string, indices=int16>", "dictionary<values=int64, indices=uint8>",
}

func parse(s string) arrowio.Type {
	t, err := arrowio.ParseType(s)
	if err != nil {
		panic(err)
	}
	return t
}

func typ(r *rand.Rand, depth int) arrowio.Type {
	if depth == 0 || r.IntN(3) > 0 {
		return parse(flat[r.IntN(len(flat))])
	}
	elem := []arrowio.Field{field(r, "item", depth-1)}
	switch r.IntN(5) {
	case 0:
		return arrowio.Type{Kind: arrowio.List, Elem: elem}
	case 1:
		return arrowio.Type{Kind: arrowio.LargeList, Elem: elem}
	case 2:
		return arrowio.Type{Kind: arrowio.FixedList, Elem: elem, Width: 1 + r.IntN(3)}
	case 3:
		return arrowio.Type{Kind: arrowio.Map, Elem: []arrowio.Field{{Name: "key", Type: parse("string")}, {Name: "value", Type: typ(r, depth-1), Nullable: true}}}
	}
	t := arrowio.Type{Kind: arrowio.Struct}
	for i := range 1 + r.IntN(3) {
		t.Elem = append(t.Elem, field(r, fmt.Sprint("f", i), depth-1))
	}
	return t
}

func field(r *rand.Rand, name string, depth int) arrowio.Field {
	f := arrowio.Field{Name: name, Type: typ(r, depth)}
	f.Nullable = f.Type.Kind == arrowio.Null || r.IntN(2) == 0
	return f
}

// Schema has one to five columns of any types, nested up to three deep.
func Schema(r *rand.Rand) *arrowio.Schema {
	s := &arrowio.Schema{}
	for i := range 1 + r.IntN(5) {
		s.Fields = append(s.Fields, field(r, fmt.Sprint("c", i), 3))
	}
	return s
}

// Batch has so many rows of a schema; a quarter of what may be null is.
func Batch(r *rand.Rand, s *arrowio.Schema, rows int) *arrowio.Batch {
	b := arrowio.NewBuilder(s)
	for i, f := range s.Fields {
		for range rows {
			if err := b.Column(i).Value(value(r, f)); err != nil {
				panic(err)
			}
		}
	}
	return b.Batch()
}

func text(r *rand.Rand) string {
	words := []string{"", "a", "Wörter", "日本", "some longer text that does not fit twelve bytes", "x"}
	return words[r.IntN(len(words))] + words[r.IntN(len(words))]
}

func value(r *rand.Rand, f arrowio.Field) any {
	if f.Type.Kind == arrowio.Null || f.Nullable && r.IntN(4) == 0 {
		return nil
	}
	switch k := f.Type.Kind; k {
	case arrowio.Bool:
		return r.IntN(2) == 0
	case arrowio.Float16, arrowio.Float32, arrowio.Float64:
		return float64(r.IntN(64)) / 4
	case arrowio.Decimal128, arrowio.Decimal256:
		return big.NewRat(int64(r.IntN(1000)-500)*1000, 1)
	case arrowio.Time32, arrowio.Time64, arrowio.Duration:
		return time.Duration(r.IntN(86400)) * time.Second
	case arrowio.Date32, arrowio.Date64, arrowio.Timestamp:
		return time.Unix(int64(r.IntN(1<<40)-1<<39)/86400*86400, 0).UTC()
	case arrowio.String, arrowio.LargeString, arrowio.Binary, arrowio.LargeBinary:
		return text(r)
	case arrowio.FixedBinary:
		return "abc"
	case arrowio.Dictionary:
		if f.Type.Elem[0].Type.Kind == arrowio.String {
			return text(r)
		}
		return int64(r.IntN(5))
	case arrowio.Struct:
		m := map[string]any{}
		for _, e := range f.Type.Elem {
			m[e.Name] = value(r, e)
		}
		return m
	case arrowio.Map:
		m := map[string]any{}
		for range r.IntN(3) {
			m[text(r)] = value(r, f.Type.Elem[1])
		}
		return m
	case arrowio.List, arrowio.LargeList, arrowio.FixedList:
		n := f.Type.Width
		if k != arrowio.FixedList {
			n = r.IntN(4)
		}
		list := make([]any, n)
		for i := range list {
			list[i] = value(r, f.Type.Elem[0])
		}
		return list
	}
	return int64(r.IntN(100))
}

// Rows are a batch's values row by row, comparable by reflect.DeepEqual.
func Rows(b *arrowio.Batch) [][]any {
	out := make([][]any, b.Rows())
	for i := range out {
		for j := range b.Schema().Fields {
			out[i] = append(out[i], plain(b.Column(j).Value(i)))
		}
	}
	return out
}

// plain makes values comparable.
func plain(v any) any {
	switch v := v.(type) {
	case *big.Rat:
		return v.RatString()
	case []byte:
		return "bytes " + string(v)
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}
