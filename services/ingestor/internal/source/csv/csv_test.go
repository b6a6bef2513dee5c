package csv_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	leat "github.com/leathq/leat/services/ingestor/internal/source/csv"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

func read(tb testing.TB, yaml, text string) *sourcetest.Result {
	tb.Helper()
	s, err := leat.New([]byte("type: csv\npath: a.csv\nmax_bad: 100%\n"+yaml), sourcetest.Deps(sourcetest.Write(tb, map[string]string{"a.csv": text})))
	if err != nil {
		return &sourcetest.Result{Err: err}
	}
	return sourcetest.Read(tb, s, nil)
}

// What a record becomes: its row, or the reason to refuse it and the line where it begins.
func TestRecords(t *testing.T) {
	type row = map[string]any
	for name, c := range map[string]struct {
		yaml, text string
		rows       []row
		reasons    []string
		lines      []int64
	}{
		"types":              {text: "i,f,b,s,n,z\n1,1.5,true,a,,007\n-2,3,FALSE,b,,1\n", rows: []row{{"i": int64(1), "f": 1.5, "b": true, "s": "a", "n": nil, "z": "007"}, {"i": int64(-2), "f": 3.0, "b": false, "s": "b", "n": nil, "z": "1"}}},
		"quotes":             {text: "a,b\n\"x,\"\"y\"\"\",\"\"\n\"two\r\nlines\",z\r\nin \"the\" middle,\n", rows: []row{{"a": `x,"y"`, "b": ""}, {"a": "two\r\nlines", "b": "z"}, {"a": `in "the" middle`, "b": nil}}},
		"byte order mark":    {text: "\xef\xbb\xbf\"a\",b\r\n1,2\r\n", rows: []row{{"a": int64(1), "b": int64(2)}}},
		"no line end":        {text: "a\n1", rows: []row{{"a": int64(1)}}},
		"header alone":       {text: "a,b\n"},
		"ragged":             {text: "a,b\n1,2\n3\n4,5,6\n\n7,8\n", rows: []row{{"a": int64(1), "b": int64(2)}, {"a": int64(7), "b": int64(8)}}, reasons: []string{"has 1 fields, and there are 2", "has 3 fields"}, lines: []int64{3, 4}},
		"open quote":         {text: "a,b\n1,2\n3,\"x\n4,5\n", rows: []row{{"a": int64(1), "b": "2"}, {"a": int64(4), "b": "5"}}, yaml: "columns: [{name: a, type: int64}, {name: b, type: string}]", reasons: []string{"a quote is opened and not closed"}, lines: []int64{3}},
		"after the quote":    {text: "a,b\nx,\"y\"z\nu,v\n", rows: []row{{"a": "u", "b": "v"}}, reasons: []string{"after the closing quote comes 'z'"}, lines: []int64{2}},
		"closed wrongly":     {text: "a,b\nx,\"y\nu,\"v\nq,r\n", rows: []row{{"a": "q", "b": "r"}}, reasons: []string{"after the closing quote comes 'v'", "not closed"}, lines: []int64{2, 3}},
		"NUL":                {text: "a\nx\ny\x00\n", rows: []row{{"a": "x"}}, reasons: []string{"NUL"}, lines: []int64{3}},
		"invalid UTF-8":      {text: "a\nx\n\xff\n", rows: []row{{"a": "x"}}, reasons: []string{"byte 1 is not UTF-8"}, lines: []int64{3}},
		"replaced":           {yaml: "invalid_utf8: replace", text: "a\nx\n\xff\n", rows: []row{{"a": "x"}, {"a": "\uFFFD"}}},
		"later type":         {yaml: "sample: 1", text: "a,f\n1,1.5\nx,1\n01,1\n1,9007199254740993\n99999999999999999999,2\n", rows: []row{{"a": int64(1), "f": 1.5}}, reasons: []string{`"x" is no int64`, "no int64 as it stands", "cannot be kept exactly", "no int64 as it stands"}, lines: []int64{3, 4, 5, 6}},
		"too long":           {yaml: "max_record_bytes: 10", text: "a\nx\n" + strings.Repeat("y", 100) + "\nz\n", rows: []row{{"a": "x"}, {"a": "z"}}, reasons: []string{"longer than 10 bytes"}, lines: []int64{3}},
		"semicolons":         {yaml: "delimiter: ';'\nquote: none\nnull_values: ['', NA]", text: "a;b\n\"1;2\nNA;3\n", rows: []row{{"a": `"1`, "b": int64(2)}, {"a": nil, "b": int64(3)}}},
		"no header":          {yaml: "header: false", text: "1,x\n2,y\n", rows: []row{{"c0": int64(1), "c1": "x"}, {"c0": int64(2), "c1": "y"}}},
		"names given":        {yaml: "header: [p, q]\nskip_lines: 1", text: "a,a\n1,x\n", rows: []row{{"p": int64(1), "q": "x"}}},
		"mapped":             {yaml: "columns: [{name: x, from: b, type: float32}, {name: f, from: _file}, {name: y, from: c, default: none}]", text: "a,b\n1,2\n", rows: []row{{"x": 2.0, "f": "a.csv", "y": "none"}}},
		"required":           {yaml: "columns: [{name: a, type: int64, required: true}]", text: "a,b\n1,2\n,3\n", rows: []row{{"a": int64(1)}}, reasons: []string{"must not be null"}, lines: []int64{3}},
		"cannot be a number": {yaml: "columns: [{name: a, type: float64}]", text: "a\n1e5\n0x10\n1_000\n1e999\nnan\n", reasons: []string{"no number", "no number", "does not fit"}, lines: []int64{3, 4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(t, c.yaml, c.text)
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			if c.rows != nil && !reflect.DeepEqual(r.Rows, c.rows) {
				t.Errorf("rows\n%v, not\n%v", r.Rows, c.rows)
			}
			if len(r.Rejects) != len(c.reasons) {
				t.Fatalf("refused %+v, not %v", r.Rejects, c.reasons)
			}
			for i, j := range r.Rejects {
				if !strings.Contains(j.Reason, c.reasons[i]) || j.Line != c.lines[i] || j.File != "a.csv" {
					t.Errorf("refused line %d because %q, not line %d, %q", j.Line, j.Reason, c.lines[i], c.reasons[i])
				}
			}
		})
	}
}

// Files that cannot be read as they are fail with their name and what to do.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct{ yaml, text, want string }{
		"duplicate":     {text: "a,a\n1,2\n", want: `a.csv, line 1: the header has "a" twice; give the names with`},
		"no name":       {text: "a,,b\n1,2,3\n", want: "column 2 of the header has no name"},
		"UTF-16":        {text: "\xff\xfea\x00,\x00", want: "is UTF-16"},
		"typo":          {yaml: "columns: [{name: ago, type: int64}]", text: "age,b\n1,2\n", want: `has no column "ago" (do you mean "age"?)`},
		"column unused": {yaml: "columns: [a]\nrest: refuse", text: "a,b\n1,2\n", want: "no column takes b"},
		"nested":        {yaml: "columns: [{name: a, type: 'list<item: int64>'}]", text: "a,b\n1,2\n", want: "cannot be read from text"},
		"delimiter":     {yaml: "delimiter: ', '", text: "a\n", want: "delimiter"},
	} {
		if r := read(t, c.yaml, c.text); r.Err == nil || !strings.Contains(r.Err.Error(), c.want) {
			t.Errorf("%s: %v does not say %q", name, r.Err, c.want)
		}
	}
}

// A quote that is never closed costs its line, not the file, and not a pass over the rest for every line.
func TestOpenQuotesStayLocal(t *testing.T) {
	text := "a,b\n" + strings.Repeat("1,2\n", 50000) + "3,\"open\n" + strings.Repeat("4,5\n", 50000)
	r := read(t, "columns: [{name: a, type: int64}, {name: b, type: string}]", text)
	if len(r.Rows) != 100000 || len(r.Rejects) != 1 || r.Rejects[0].Line != 50002 || string(r.Rejects[0].Raw) != "3,\"open" {
		t.Errorf("%d rows, refused %+v, %v", len(r.Rows), r.Rejects, r.Err)
	}
}

// What encoding/csv reads as records of the right length, this package reads alike.
func FuzzAgainstStandard(f *testing.F) {
	f.Add([]byte("a,b\n\"x\"\"y\",\"p\nq\"\n1,2\n"))
	f.Add([]byte("a,b\n\"\",\n\"x\"z,1\r\n\"\r\n\n\",2"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := read(t, "header: [a, b]\nnull_values: []\ncolumns: [{name: a, type: binary}, {name: b, type: binary}]", string(data))
		want, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
		if err != nil || bytes.ContainsAny(data, "\r\x00") || bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) || len(want) == 0 || len(want[0]) != 2 {
			return
		}
		if r.Err != nil || len(r.Rejects) > 0 || len(r.Rows) != len(want) {
			t.Fatalf("%q: %d rows of %d, refused %v, %v", data, len(r.Rows), len(want), r.Rejects, r.Err)
		}
		for i, w := range want {
			if got := r.Rows[i]; string(got["a"].([]byte)) != w[0] || string(got["b"].([]byte)) != w[1] {
				t.Fatalf("%q: row %d is %q, not %q", data, i, got, w)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var wide, quoted strings.Builder
	wide.WriteString("id,name,email,score,active,country,city,age,note\n")
	quoted.WriteString("id,text,url\n")
	for i := range 100000 {
		fmt.Fprintf(&wide, "%d,user %d,user%d@example.com,%d.25,%t,NL,Amsterdam,%d,\n", i, i, i, i%1000, i%2 == 0, i%90)
		if i%10 == 0 {
			fmt.Fprintf(&quoted, "%d,\"%s\",https://example.com/%d\n", i, strings.Repeat("the \"\"quick\"\" brown fox,\njumps over the lazy dog ", 40), i)
		}
	}
	for name, text := range map[string]string{"wide": wide.String(), "quoted": quoted.String()} {
		b.Run(name, func(b *testing.B) {
			s, err := leat.New([]byte("type: csv\npath: a.csv"), sourcetest.Deps(sourcetest.Write(b, map[string]string{"a.csv": text})))
			if err != nil {
				b.Fatal(err)
			}
			p, err := s.Plan(b.Context(), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r, err := s.Open(b.Context(), p.Parts[0], nil)
				for err == nil {
					_, err = r.Next(b.Context())
				}
				if !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+", encoding/csv without columns", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r := csv.NewReader(strings.NewReader(text))
				r.ReuseRecord = true
				var err error
				for err == nil {
					_, err = r.Read()
				}
			}
		})
	}
}
