package arrowio_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

func TestATypeIsReadFromItsName(t *testing.T) {
	for text, want := range map[string]string{
		"int64": "", "timestamp[us, tz=Europe/Berlin]": "", "decimal128(10, 2)": "", "list<item: struct<a: int64 not null, b: string>>": "",
		"map<string, int64 not null, keys_sorted>": "", "fixed_size_list<item: float>[3]": "", "dictionary<values=string, indices=int32>": "",
		"dictionary<values=string, indices=int8, ordered=1>": "", `struct<"a: b": int8>`: "", "month_day_nano_interval": "",
		"float64": "double", "utf8": "string", "timestamp": "timestamp[us]", "list<string>": "list<item: string>", "date32": "date32[day]",
		"list<struct<a: int8>>": "list<item: struct<a: int8>>", "decimal128(5)": "decimal128(5, 0)", "dictionary<values=string, indices=int32, ordered=0>": "dictionary<values=string, indices=int32>",
	} {
		got, err := arrowio.ParseType(text)
		if want == "" {
			want = text
		}
		if err != nil || got.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for seed := range uint64(300) {
		for _, f := range randombatch.Schema(rand.New(rand.NewPCG(seed, 8))).Fields {
			if got, err := arrowio.ParseType(f.Type.String()); err != nil || !got.Equal(f.Type) {
				t.Errorf("%s: %s, %v", f.Type, got, err)
			}
		}
	}
}

func TestAWrongTypeIsRefusedWhereItIsWrong(t *testing.T) {
	for text, at := range map[string]string{
		"int65": "byte 0", "timestamp[xs]": "byte 12", "list<item: int64": "byte 16", "decimal128(0, 1)": "byte 16", "int64 int64": "byte 6",
		"time32[ns]": "byte 10", "dictionary<values=string, indices=string>": "integer", "": "byte 0", "fixed_size_binary[-1]": "not negative",
	} {
		if got, err := arrowio.ParseType(text); err == nil || !strings.Contains(err.Error(), at) {
			t.Errorf("%q: %s, %v; want an error at %s", text, got, err, at)
		}
	}
}

func FuzzParseType(f *testing.F) {
	for _, s := range []string{"list<item: struct<a: int64 not null>>", "map<string, int8>", `struct<"\"": int8>`, "dictionary<values=string, indices=int8>", "timestamp[s, tz=UTC]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := arrowio.ParseType(s)
		if err != nil {
			return
		}
		again, err := arrowio.ParseType(got.String())
		if err != nil || !again.Equal(got) {
			t.Errorf("%q is %s, which is read as %s, %v", s, got, again, err)
		}
	})
}

func TestASchemaSurvivesJSONAndItsFingerprintSeesAllButMetadata(t *testing.T) {
	s := &arrowio.Schema{Fields: []arrowio.Field{
		{Name: "id", Type: parse(t, "int64")}, {Name: "text", Type: parse(t, "list<item: string>"), Nullable: true},
	}}
	data, err := json.Marshal(s)
	if err != nil || string(data) != `[{"name":"id","type":"int64","nullable":false},{"name":"text","type":"list\u003citem: string\u003e","nullable":true}]` {
		t.Fatalf("%s, %v", data, err)
	}
	var again arrowio.Schema
	if err := json.Unmarshal(data, &again); err != nil || again.Fingerprint() != s.Fingerprint() {
		t.Errorf("%s, %v", &again, err)
	}
	seen := map[string]string{s.Fingerprint(): "as it was"}
	for what, change := range map[string]func(f []arrowio.Field){
		"a name":         func(f []arrowio.Field) { f[0].Name = "ID" },
		"a type":         func(f []arrowio.Field) { f[0].Type = parse(t, "int32") },
		"nullability":    func(f []arrowio.Field) { f[0].Nullable = true },
		"a nested field": func(f []arrowio.Field) { f[1].Type = parse(t, "list<item: string not null>") },
		"the order":      func(f []arrowio.Field) { f[0], f[1] = f[1], f[0] },
	} {
		other := &arrowio.Schema{Fields: append([]arrowio.Field{}, s.Fields...)}
		change(other.Fields)
		if same, ok := seen[other.Fingerprint()]; ok {
			t.Errorf("with %s changed, the fingerprint is that of %s", what, same)
		}
		if s.Difference(other) == "" {
			t.Errorf("with %s changed, no difference is named", what)
		}
		seen[other.Fingerprint()] = what
	}
	other := &arrowio.Schema{Fields: append([]arrowio.Field{}, s.Fields...), Metadata: map[string]string{"a": "b"}}
	other.Fields[0].Metadata = map[string]string{"c": "d"}
	if other.Fingerprint() != s.Fingerprint() {
		t.Error("metadata shows in the fingerprint")
	}
}

func parse(t testing.TB, s string) arrowio.Type {
	t.Helper()
	got, err := arrowio.ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
