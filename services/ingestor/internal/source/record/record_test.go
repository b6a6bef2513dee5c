package record_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/record"
)

func raws(texts ...string) (out []json.RawMessage) {
	for _, t := range texts {
		out = append(out, json.RawMessage(t))
	}
	return out
}

func TestASchemaHoldsEveryValueOfItsSample(t *testing.T) {
	sample := raws(`{"i":1,"f":1,"s":"x","b":true,"o":{"k":1},"mix":1,"n":null}`, `{"i":-9223372036854775808,"f":0.5,"b":null,"mix":"y","late":[1],"big":18446744073709551615}`)
	s, err := record.Infer(sample)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.String(), "i: int64, f: double, s: string, b: bool, o: string, mix: string, n: string, late: string, big: double"; got != want {
		t.Errorf("schema %s\nwant   %s", got, want)
	}
	rows, err := record.New(s, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range sample {
		if err := rows.Add(raw, nil); err != nil {
			t.Errorf("%s of the sample is refused: %v", raw, err)
		}
	}
	b, err := rows.Batch()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1|1|x|true|{\"k\":1}|1|<nil>|<nil>|<nil>", "-9223372036854775808|0.5|<nil>|<nil>|<nil>|y|<nil>|[1]|1.8446744073709552e+19"} {
		var got []string
		for j := range s.Fields {
			got = append(got, fmt.Sprint(b.Column(j).Value(i)))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("row %d is %s, want %s", i, strings.Join(got, "|"), want)
		}
	}
}

func TestAValueIsExactOrRefusedByItsColumn(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{ // want: the value, or after ! a part of the refusal
		{"int32", `7`, "7"}, {"int32", `2147483648`, `!"c"`}, {"int64", `1.5`, `!"c"`}, {"int64", `1e3`, "1000"}, {"int64", `"7"`, `!"c"`},
		{"uint64", `18446744073709551615`, "18446744073709551615"}, {"uint8", `-1`, `!"c"`}, {"double", `0.1`, "0.1"}, {"double", `1e999`, "!range"},
		{"decimal128(5, 2)", `123.45`, "2469/20"}, {"decimal128(5, 2)", `1.005`, "!rounding"}, {"decimal128(5, 2)", `1e300`, `!"c"`}, {"decimal128(5, 2)", `1e-999999999`, `!"c"`},
		{"bool", `1`, `!"c"`}, {"string", `"é"`, "é"}, {"string", `{"a": [1, 2]}`, `{"a":[1,2]}`}, {"binary", `"AP8="`, "[0 255]"}, {"binary", `"?"`, "!base64"},
		{"date32[day]", `"2026-02-28"`, "2026-02-28 00:00:00 +0000 UTC"}, {"date32[day]", `"2026-02-30"`, `!"c"`},
		{"timestamp[s, tz=UTC]", `"2026-01-01T00:00:00+01:00"`, "2025-12-31 23:00:00 +0000 UTC"}, {"timestamp[s, tz=UTC]", `"2026-01-01T00:00:00.5Z"`, "!coarse"},
		{"list<item: int64>", `[1, null, 3]`, "[1 <nil> 3]"}, {"list<item: int64>", `[1.5]`, "!element 0"}, {"struct<a: int64, b: string>", `{"a": 1}`, "map[a:1 b:<nil>]"},
		{"struct<a: int64>", `{"x": 1}`, `!"x"`}, {"int64", `null`, "<nil>"},
	} {
		typ, err := arrowio.ParseType(c.typ)
		if err != nil {
			t.Fatalf("%s: %v", c.typ, err)
		}
		rows, err := record.New(&arrowio.Schema{Fields: []arrowio.Field{{Name: "c", Type: typ, Nullable: true}}}, true)
		if err != nil {
			t.Fatal(err)
		}
		err = rows.Add([]byte(`{"c":`+c.value+`}`), nil)
		if part, refused := strings.CutPrefix(c.want, "!"); refused {
			if err == nil || !strings.Contains(err.Error(), part) || rows.Len() != 0 {
				t.Errorf("%s %s: error %v, want one with %s", c.typ, c.value, err, part)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", c.typ, c.value, err)
			continue
		}
		b, err := rows.Batch()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(b.Column(0).Value(0)); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.typ, c.value, got, c.want)
		}
	}
}

func TestWhatIsNoRecordIsRefusedAndNothingLost(t *testing.T) {
	s := &arrowio.Schema{Fields: []arrowio.Field{{Name: "id", Type: arrowio.Type{Kind: arrowio.Int64}}, {Name: "t", Type: arrowio.Type{Kind: arrowio.String}, Nullable: true}}}
	rows, err := record.New(s, false)
	if err != nil {
		t.Fatal(err)
	}
	for raw, part := range map[string]string{
		``: "not JSON", `[1]`: "not a JSON object", `{"id":1`: "not JSON", `{"id":1} x`: "more follows", `{"id":1,"id":2}`: "twice", `{"t":"x"}`: "null",
		`{"id":null}`: "null", `{"id":1,"u":2}`: `"u"`, "{\"id\":1,\"t\":\"\xff\"}": "UTF-8, from byte 13",
	} {
		if err := rows.Add([]byte(raw), nil); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: error %v, want one with %s", raw, err, part)
		}
	}
	if err := rows.Add([]byte(`{"id":1,"t":"mine"}`), map[string]any{"t": "beside"}); err != nil || rows.Len() != 1 {
		t.Fatalf("%d rows, error %v", rows.Len(), err)
	}
	if b, err := rows.Batch(); err != nil || b.Column(1).Value(0) != "beside" {
		t.Errorf("what stands beside a record does not win: %v", err)
	}
}

// Any bytes are a row, or a reason.
func FuzzAdd(f *testing.F) {
	for _, s := range []string{`{"a":1,"d":1.25,"t":"2026-01-01T00:00:00Z","l":[1],"s":{"x":"y"},"b":"AA=="}`, `{"d":1e-99}`, `{"a":`, `{"s":{"x":null,"y":1}}`, "\xff"} {
		f.Add([]byte(s))
	}
	s := &arrowio.Schema{}
	for name, typ := range map[string]string{"a": "int64", "d": "decimal128(38, 10)", "t": "timestamp[us, tz=UTC]", "l": "list<item: int64>", "s": "struct<x: string>", "b": "binary"} {
		p, err := arrowio.ParseType(typ)
		if err != nil {
			f.Fatal(err)
		}
		s.Fields = append(s.Fields, arrowio.Field{Name: name, Type: p, Nullable: true})
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := record.New(s, true)
		if err != nil {
			t.Fatal(err)
		}
		err = rows.Add(raw, nil)
		if want := map[bool]int{true: 1}[err == nil]; rows.Len() != want {
			t.Fatalf("%d rows, error %v", rows.Len(), err)
		}
		if err == nil && (!json.Valid(raw) || !utf8.Valid(raw)) {
			t.Fatalf("%q was taken", raw)
		}
		if _, err := rows.Batch(); err != nil {
			t.Fatal(err)
		}
		_, _ = record.Infer([]json.RawMessage{raw})
	})
}
