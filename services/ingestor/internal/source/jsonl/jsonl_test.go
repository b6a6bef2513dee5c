package jsonl_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/jsonl"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

func read(t *testing.T, yaml string, content map[string]string) *sourcetest.Result {
	t.Helper()
	s, err := jsonl.New([]byte("type: jsonl\npath: .\nmax_bad: 100%\n"+yaml), sourcetest.Deps(sourcetest.Write(t, content)))
	if err != nil {
		return &sourcetest.Result{Err: err}
	}
	return sourcetest.Read(t, s, nil)
}

// What a record becomes: its row, or the reason to refuse it.
func TestRecords(t *testing.T) {
	declared := func(columns string) string { return "columns:\n" + columns }
	for name, c := range map[string]struct {
		yaml, text string
		rows       []map[string]any
		reasons    []string
	}{
		"types as they are": {text: `{"i":1,"f":1.5,"s":"a","b":true,"n":null,"l":[1,2],"o":{"x":"y"}}`,
			rows: []map[string]any{{"i": int64(1), "f": 1.5, "s": "a", "b": true, "n": nil, "l": []any{int64(1), int64(2)}, "o": map[string]any{"x": "y"}}}},
		"escapes":        {text: `{"s":"a\n\"\\\/\u00e9\ud83d\ude00é"}`, rows: []map[string]any{{"s": "a\n\"\\/é😀é"}}},
		"half a pair":    {text: `{"s":"\ud83d"}`, yaml: declared("- {name: s, type: string}"), reasons: []string{`column "s": is not UTF-8`}},
		"half replaced":  {text: `{"s":"\ud83dx"}`, yaml: "invalid_utf8: replace", rows: []map[string]any{{"s": "\uFFFDx"}}},
		"byte order":     {text: "\xef\xbb\xbf{\"s\":\"a\"}\r\n\r\n{\"s\":\"b\"}", rows: []map[string]any{{"s": "a"}, {"s": "b"}}},
		"invalid UTF-8":  {text: "{\"s\":\"a\"}\n{\"s\":\"\xff\"}\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{`column "s": is not UTF-8`}},
		"control":        {text: "{\"s\":\"a\"}\n{\"s\":\"a\x00\"}\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{"control character (0x00)"}},
		"cut":            {text: "{\"s\":\"a\"}\n{\"s\":\"b\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{"it ends too early"}},
		"not an object":  {text: "{\"s\":\"a\"}\n[1]\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{"not a JSON object"}},
		"two on a line":  {text: "{\"s\":\"a\"}\n{\"s\":\"a\"}{}\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{"something follows"}},
		"twice":          {text: "{\"s\":\"a\"}\n{\"s\":\"a\",\"s\":\"b\"}\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{"twice"}},
		"new field":      {yaml: "sample: 1", text: "{\"s\":\"a\"}\n{\"s\":\"a\",\"z\":1}\n", rows: []map[string]any{{"s": "a"}}, reasons: []string{`field "z" is in no column`}},
		"new field of o": {yaml: "sample: 1", text: `{"o":{"a":1}}` + "\n" + `{"o":{"b":1}}`, rows: []map[string]any{{"o": map[string]any{"a": int64(1)}}}, reasons: []string{`has a field "b"`}},
		"dropped field":  {yaml: "sample: 1\ndrop: [z]", text: "{\"s\":\"a\"}\n{\"s\":\"b\",\"z\":1}\n", rows: []map[string]any{{"s": "a"}, {"s": "b"}}},
		"another type":   {yaml: "sample: 1", text: "{\"i\":1}\n{\"i\":\"2\"}\n{\"i\":2.5}\n{\"i\":9223372036854775808}", rows: []map[string]any{{"i": int64(1)}}, reasons: []string{"is a string, not int64", "the number 2.5, not int64", "does not fit int64"}},
		"too exact":      {yaml: "sample: 1", text: "{\"f\":1.5}\n{\"f\":9007199254740993}\n{\"f\":3}", rows: []map[string]any{{"f": 1.5}, {"f": 3.0}}, reasons: []string{"cannot be kept exactly"}},
		"absent is null": {text: "{\"a\":1,\"b\":2}\n{\"a\":3}\n", rows: []map[string]any{{"a": int64(1), "b": int64(2)}, {"a": int64(3), "b": nil}}},
		"casts": {yaml: declared("- {name: i, type: int32}\n- {name: s, type: string}\n- {name: t, type: 'timestamp[us, tz=UTC]'}\n- {name: d, type: 'decimal128(5, 2)'}"),
			text:    `{"i":"7","s":8.50,"t":"2026-01-31T10:00:00+02:00","d":1.25}` + "\n" + `{"i":3000000000,"s":"","t":null,"d":null}` + "\n" + `{"i":1,"s":"","t":"2026-02-30","d":1}` + "\n" + `{"i":1,"s":"","t":null,"d":1.255}`,
			reasons: []string{"does not fit int32", "is no timestamp", "more than 2 digits"}},
		"names": {yaml: declared("- {name: text, from: body}\n- {name: who, from: $.meta.author.name}\n- {name: tag, from: '$.tags[1]'}\n- {name: src, const: web}\n- {name: n, type: int64, default: 5}\n- {name: raw, from: meta, type: json}\n- {name: f, from: _file}"),
			text: `{"body":"x","meta":{"author":{"name":"A"}, "k":[1]},"tags":["p","q"],"other":1}`,
			rows: []map[string]any{{"text": "x", "who": "A", "tag": "q", "src": "web", "n": int64(5), "raw": `{"author":{"name":"A"}, "k":[1]}`, "f": "a.jsonl"}}},
		"required":   {yaml: declared("- {name: a, required: true}\n- {name: b, default: x}"), text: `{"a":1,"b":null}` + "\n" + `{"a":null,"b":"y"}` + "\n" + `{"b":"y"}`, rows: []map[string]any{{"a": int64(1), "b": "x"}}, reasons: []string{`"a" must not be null`, `"a" must not be null`}},
		"too long":   {yaml: "max_record_bytes: 20", text: "{\"s\":\"a\"}\n{\"s\":\"" + strings.Repeat("x", 600000) + "\"}\n{\"s\":\"b\"}", rows: []map[string]any{{"s": "a"}, {"s": "b"}}, reasons: []string{"longer than 20 bytes"}},
		"deep":       {yaml: declared("- {name: s, type: string}"), text: `{"s":"a","x":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + "}", reasons: []string{"more than 512 levels"}},
		"bad number": {yaml: declared("- {name: i, type: int64}"), text: "{\"i\":01}\n{\"i\":-}\n{\"i\":1.}\n{\"i\":1e}\n{\"i\":+1}\n{\"i\":NaN}", reasons: []string{"begins with 0", "want a digit", "after the point", "exponent", "digit", "digit"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, c.yaml, map[string]string{"a.jsonl": c.text})
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if c.rows != nil && !reflect.DeepEqual(r.Rows, c.rows) {
				t.Errorf("rows\n%v, not\n%v", r.Rows, c.rows)
			}
			if len(r.Rejects) != len(c.reasons) {
				t.Fatalf("refused %v, not %v", r.Rejects, c.reasons)
			}
			for i, j := range r.Rejects {
				if !strings.Contains(j.Reason, c.reasons[i]) {
					t.Errorf("refused because %q, not %q", j.Reason, c.reasons[i])
				}
			}
		})
	}
}

// A refused record says where it stood and keeps what it was.
func TestRejectsSayWhere(t *testing.T) {
	r := read(t, "", map[string]string{"a.jsonl": "{\"a\":1}\n\nnonsense\n{\"a\":2}\n"})
	want := source.Reject{File: "a.jsonl", Line: 3, Reason: `not a JSON object: it begins with 'n'`, Raw: []byte("nonsense")}
	if len(r.Rejects) != 1 || !reflect.DeepEqual(r.Rejects[0], want) {
		t.Errorf("rejects %+v, not %+v", r.Rejects, want)
	}
}

// A schema that the sample leaves open is an error that names both places; declaring the type settles it.
func TestConflictingTypes(t *testing.T) {
	content := map[string]string{"a.jsonl": "{\"x\":1}\n", "b.jsonl": "{\"x\":\"one\"}\n"}
	r := read(t, "", content)
	if source.CodeOf(r.Err) != source.Schema || !strings.Contains(r.Err.Error(), "b.jsonl, line 1") || !strings.Contains(r.Err.Error(), "a.jsonl, line 1") {
		t.Errorf("error %v does not name both places", r.Err)
	}
	r = read(t, "columns: [{name: x, type: string}]", content)
	if got := r.Column("x"); !reflect.DeepEqual(got, []any{"1", "one"}) {
		t.Errorf("declared as a string: %v, %v", got, r.Err)
	}
}

// lines is n records of about 100 bytes.
func lines(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"id":%d,"text":"%s","score":%d.5}`+"\n", i, strings.Repeat("word ", 10+i%7), i%100)
	}
	return b.String()
}

// A plain file is split at lines, and the rows are all there once, in order, however many partitions there are; so are the numbers of refused lines.
func TestPartitions(t *testing.T) {
	all := lines(0, 20000) + "bad\n" + lines(20000, 20000)
	for _, parts := range []int{1, 3, 8} {
		dir := sourcetest.Write(t, map[string]string{"a.jsonl": all})
		s, err := jsonl.New(fmt.Appendf(nil, "type: jsonl\npath: a.jsonl\npartition_bytes: 100000\nmax_partitions: %d", parts), sourcetest.Deps(dir))
		if err != nil {
			t.Fatal(err)
		}
		r := sourcetest.Read(t, s, nil)
		if r.Err != nil || len(r.Rows) != 40000 || len(r.Plan.Parts) > parts || len(r.Plan.Parts) < min(parts, 2) {
			t.Fatalf("%d rows in %d partitions of %d: %v", len(r.Rows), len(r.Plan.Parts), parts, r.Err)
		}
		for i, v := range r.Column("id") {
			if v != int64(i) {
				t.Fatalf("row %d is %v", i, v)
			}
		}
		if len(r.Rejects) != 1 || r.Rejects[0].Line != 20001 {
			t.Errorf("refused %v", r.Rejects)
		}
	}
}

// Too many bad records stop the reading with their number and the first reasons; the rows before are not lost.
func TestTooManyBad(t *testing.T) {
	dir := sourcetest.Write(t, map[string]string{"a.jsonl": "{\"a\":1}\n" + strings.Repeat("bad\n", 5)})
	s, err := jsonl.New([]byte("type: jsonl\npath: a.jsonl\nmax_bad: 4"), sourcetest.Deps(dir))
	if err != nil {
		t.Fatal(err)
	}
	r := sourcetest.Read(t, s, nil)
	if source.CodeOf(r.Err) != source.TooMany || !strings.Contains(r.Err.Error(), "5 of 6 records are bad") || !strings.Contains(r.Err.Error(), "line 2: not a JSON object") {
		t.Errorf("error %v", r.Err)
	}
	if len(r.Rows) != 1 || len(r.Rejects) != 5 {
		t.Errorf("%d rows and %d rejects", len(r.Rows), len(r.Rejects))
	}
}

// A packed file that was cut gives what it has, then an error that says so.
func TestTruncatedGzip(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(lines(0, 50000))); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	dir := sourcetest.Write(t, map[string]string{"a.jsonl.gz": z.String()[:z.Len()/2]})
	s, err := jsonl.New([]byte("type: jsonl\npath: ."), sourcetest.Deps(dir))
	if err != nil {
		t.Fatal(err)
	}
	r := sourcetest.Read(t, s, nil)
	if source.CodeOf(r.Err) != source.Truncated || !strings.Contains(r.Err.Error(), "a.jsonl.gz") || len(r.Rows) < 10000 {
		t.Errorf("%d rows, error %v", len(r.Rows), r.Err)
	}
}

// A second run takes only what is new, with the schema of the first; a file that changed is refused by name, or read again where that is asked for.
func TestIncremental(t *testing.T) {
	dir := sourcetest.Write(t, map[string]string{"a.jsonl": lines(0, 10), "b.jsonl": lines(10, 10), "empty.jsonl": ""})
	open := func(yaml string) source.Source {
		s, err := jsonl.New([]byte("type: jsonl\npath: '*.jsonl'\nmax_bad: 100%\n"+yaml), sourcetest.Deps(dir))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := sourcetest.Read(t, open(""), nil)
	if len(first.Rows) != 20 || !strings.Contains(strings.Join(first.Plan.Notes, "\n"), "empty.jsonl is empty: 0 rows") {
		t.Fatalf("%d rows, %v, %v", len(first.Rows), first.Plan.Notes, first.Err)
	}
	if again := sourcetest.Read(t, open(""), first.Plan.Next); again.Err != nil || again.Plan.Seen != 3 || len(again.Plan.Parts) != 0 || again.Plan.Schema.Fingerprint() != first.Plan.Schema.Fingerprint() {
		t.Fatalf("the same again: %+v, %v", again.Plan, again.Err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("c.jsonl", lines(20, 5)+`{"id":"a word"}`+"\n")
	write("b.jsonl", lines(10, 10)) // touched, not changed
	second := sourcetest.Read(t, open(""), first.Plan.Next)
	if len(second.Rows) != 5 || second.Plan.Seen != 3 || len(second.Rejects) != 1 || second.Err != nil {
		t.Fatalf("a new file: %d rows, %d seen, %v, %v", len(second.Rows), second.Plan.Seen, second.Rejects, second.Err)
	}
	write("a.jsonl", lines(0, 11))
	if r := sourcetest.Read(t, open(""), second.Plan.Next); source.CodeOf(r.Err) != source.Changed || !strings.Contains(r.Err.Error(), "a.jsonl has changed") {
		t.Errorf("a changed file: %v", r.Err)
	}
	if r := sourcetest.Read(t, open("on_changed: reread"), second.Plan.Next); len(r.Rows) != 11 {
		t.Errorf("a changed file, read again: %d rows, %v", len(r.Rows), r.Err)
	}
	if r := sourcetest.Read(t, open("since: 2999-01-01"), nil); r.Err == nil {
		t.Errorf("nothing is as new as that, and no schema is given: %v", r.Plan)
	}
}

// A file that changes between the plan and the reading is refused, not half read.
func TestChangedUnderWay(t *testing.T) {
	dir := sourcetest.Write(t, map[string]string{"a.jsonl": lines(0, 10)})
	s, err := jsonl.New([]byte("type: jsonl\npath: a.jsonl"), sourcetest.Deps(dir))
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte(lines(0, 20)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sourcetest.Chunks(t, s, p.Parts[0], nil); source.CodeOf(err) != source.Changed {
		t.Errorf("error %v", err)
	}
}

// What cannot be is said by key before anything is read.
func TestMistakesInYAML(t *testing.T) {
	for yaml, want := range map[string]string{
		"path: a\nhedaer: true":                      "hedaer",
		"":                                           "`path` is missing",
		"path: s3://b/a":                             "type: object",
		"path: a\nrest: kep":                         `do you mean "keep"`,
		"path: a\nmax_bad: many":                     "max_bad",
		"path: a\ncolumns: [{from: x}]":              "columns[0] has no `name`",
		"path: a\ncolumns: [x, x]":                   "two columns are named",
		"path: a\ncolumns: [{name: x, cnst: 1}]":     "cnst",
		"path: a\nsince: yesterday":                  "since: yesterday",
		"path: a\nmax_partitions: 1000":              "max_partitions: 1000",
		"path: a\non_changed: ignore":                "on_changed: ignore",
		"path: nowhere-to-be-found":                  "no such file",
		"path: '*.nothing'":                          "no file matches",
		"path: a\ncolumns: [{name: x, type: int63}]": "int63",
		"path: a\ncolumns: [{name: x, type: int8, default: 300}]": "default",
	} {
		s, err := jsonl.New([]byte("type: jsonl\n"+yaml), sourcetest.Deps(sourcetest.Write(t, map[string]string{"a": "{\"x\":1}\n"})))
		if err == nil {
			_, err = s.Plan(t.Context(), nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v does not say %q", yaml, err, want)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":"x\u00e9","c":[1,null],"d":{"e":true}}` + "\n{}\n"))
	f.Add([]byte("{\"a\":\"\xff\\ud800\"}\n[\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := sourcetest.Write(t, map[string]string{"a.jsonl": string(data)})
		for _, yaml := range []string{"", "columns: [{name: a, type: int64}, {name: b, type: string}, {name: c, type: 'list<item: int64>'}, {name: d, from: $.d.e, type: json}]"} {
			s, err := jsonl.New([]byte("type: jsonl\npath: a.jsonl\nmax_bad: 100%\n"+yaml), sourcetest.Deps(dir))
			if err != nil {
				t.Fatal(err)
			}
			r := sourcetest.Read(t, s, nil)
			if r.Err == nil && r.Plan != nil && len(r.Rows)+len(r.Rejects) > bytes.Count(data, []byte("\n"))+1 {
				t.Fatalf("%d rows and %d rejects of %q", len(r.Rows), len(r.Rejects), data)
			}
		}
	})
}
