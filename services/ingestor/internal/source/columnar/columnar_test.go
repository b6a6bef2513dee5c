package columnar_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/columnar"
	"github.com/leathq/leat/services/ingestor/internal/source/sourcetest"
)

func parquet(tb testing.TB, rowGroup int, bs ...*arrowio.Batch) string {
	tb.Helper()
	var out bytes.Buffer
	w, err := file.NewParquetWriter(&out, bs[0].Schema(), file.WriteOptions{RowGroupRows: rowGroup})
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range bs {
		if err := w.Write(b); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func stream(tb testing.TB, b *arrowio.Batch) string {
	tb.Helper()
	raw, err := arrowio.Encode(b)
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func batch(from, n int) *arrowio.Batch {
	ids, texts, scores := make([]int64, n), make([]*string, n), make([]float64, n)
	for i := range n {
		t := strings.Repeat(fmt.Sprintf("text %d ", from+i), 1+i%50)
		ids[i], scores[i] = int64(from+i), float64(i)/4
		if i%10 != 3 {
			texts[i] = &t
		}
	}
	return arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("text", texts), arrowio.Of("score", scores))
}

func open(tb testing.TB, yaml string, content map[string]string) source.Source {
	tb.Helper()
	if !strings.HasPrefix(yaml, "type") {
		yaml = "type: parquet\n" + yaml
	}
	s, err := columnar.New([]byte("path: .\nmax_bad: 100%\n"+yaml), sourcetest.Deps(sourcetest.Write(tb, content)))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// All rows come once and in order, in batches that fit a message, however many partitions the row groups make.
func TestRowGroups(t *testing.T) {
	content := map[string]string{"a.parquet": parquet(t, 2000, batch(0, 9000)), "b.parquet": parquet(t, 2000, batch(9000, 17)), "empty.parquet": ""}
	for _, parts := range []int{1, 3, 8} {
		r := sourcetest.Read(t, open(t, fmt.Sprintf("partition_bytes: 1\nmax_partitions: %d\nbatch_bytes: 100000", parts), content), nil)
		if r.Err != nil || len(r.Rows) != 9017 || len(r.Plan.Parts) > parts || parts > 1 && len(r.Plan.Parts) < 2 {
			t.Fatalf("%d rows of %d partitions: %v", len(r.Rows), len(r.Plan.Parts), r.Err)
		}
		for i, v := range r.Column("id") {
			if v != int64(i) {
				t.Fatalf("row %d is %v", i, v)
			}
		}
		small := 0
		for _, c := range r.Chunks {
			if c.Batch.Bytes() > 120000 {
				t.Errorf("a batch of %d bytes", c.Batch.Bytes())
			}
			if c.Batch.Bytes() < 45000 {
				small++
			}
		}
		if small > len(r.Plan.Parts) {
			t.Errorf("%d small batches in %d partitions", small, len(r.Plan.Parts))
		}
	}
}

// Arrow files and streams are read alike.
func TestArrow(t *testing.T) {
	r := sourcetest.Read(t, open(t, "type: arrow", map[string]string{"a.arrow": stream(t, batch(0, 1000))}), nil)
	if r.Err != nil || len(r.Rows) != 1000 || r.Rows[999]["id"] != int64(999) {
		t.Errorf("%d rows, %v", len(r.Rows), r.Err)
	}
}

// Columns are renamed, cast, taken from what is nested, filled and dropped; what does not fit is refused with its row.
func TestColumns(t *testing.T) {
	meta := arrowio.Field{Name: "meta", Type: mustType("struct<lang: string, tags: list<item: string>>"), Nullable: true}
	b := arrowio.BatchOf(
		arrowio.Of("id", []string{"1", "2", "x", "4"}),
		arrowio.Of("big", []int64{1, 300, 3, 4}),
		arrowio.Of("body", []*string{ptr("a"), ptr("b"), ptr("c"), nil}),
		arrowio.OfType(meta, []any{map[string]any{"lang": "nl", "tags": []any{"p", "q"}}, nil, nil, map[string]any{"lang": "en", "tags": []any{}}}),
	)
	yaml := `columns: [{name: id, type: int64}, {name: small, from: big, type: int8}, {name: text, from: body, default: none}, {name: lang, from: $.meta.lang}, {name: tag, from: "$.meta.tags[1]"}, {name: meta, type: json}, {name: src, const: x}, {name: file, from: _file}]`
	r := sourcetest.Read(t, open(t, yaml, map[string]string{"a.parquet": parquet(t, 0, b)}), nil)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	want := []map[string]any{
		{"id": int64(1), "small": int64(1), "text": "a", "lang": "nl", "tag": "q", "meta": `{"lang":"nl","tags":["p","q"]}`, "src": "x", "file": "a.parquet"},
		{"id": int64(4), "small": int64(4), "text": "none", "lang": "en", "tag": nil, "meta": `{"lang":"en","tags":[]}`, "src": "x", "file": "a.parquet"},
	}
	if !reflect.DeepEqual(r.Rows, want) {
		t.Errorf("rows\n%v, not\n%v", r.Rows, want)
	}
	if len(r.Rejects) != 2 || r.Rejects[0].Line != 2 || r.Rejects[1].Line != 3 || !strings.Contains(r.Rejects[1].Reason, `"x" is no int64`) || !strings.Contains(string(r.Rejects[0].Raw), `"big":300`) {
		t.Errorf("refused %+v", r.Rejects)
	}
}

func ptr(s string) *string { return &s }

func mustType(s string) arrowio.Type {
	t, err := arrowio.ParseType(s)
	if err != nil {
		panic(err)
	}
	return t
}

// Rows that must not have a null, or whose text is not UTF-8, are refused alone.
func TestRefusedRows(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("id", []*int64{num(1), nil, num(3)}), arrowio.Of("text", []string{"a", "b", "\xff"}))
	content := map[string]string{"a.arrow": stream(t, b)}
	r := sourcetest.Read(t, open(t, "type: arrow\ncolumns: [{name: id, required: true}, text]", content), nil)
	if r.Err != nil || len(r.Rows) != 1 || len(r.Rejects) != 2 || !strings.Contains(r.Rejects[0].Reason, `"id" must not be null`) || !strings.Contains(r.Rejects[1].Reason, "not UTF-8") {
		t.Errorf("%v, refused %+v, %v", r.Rows, r.Rejects, r.Err)
	}
	r = sourcetest.Read(t, open(t, "type: arrow\ninvalid_utf8: replace", content), nil)
	if r.Err != nil || len(r.Rows) != 3 || r.Rows[2]["text"] != "\uFFFD" {
		t.Errorf("replaced: %v, %v", r.Rows, r.Err)
	}
}

func num(n int64) *int64 { return &n }

// Files that cannot be read as they are fail with their name, and before anything is read where the footer shows it.
func TestFailures(t *testing.T) {
	good := parquet(t, 0, batch(0, 100))
	damaged := []byte(good)
	for i := 20; i < 600; i++ {
		damaged[i] ^= 0x5a
	}
	other := parquet(t, 0, arrowio.BatchOf(arrowio.Of("id", []string{"a"}), arrowio.Of("text", []string{"a"}), arrowio.Of("score", []float64{1})))
	for name, c := range map[string]struct {
		yaml, code, want string
		content          map[string]string
	}{
		"truncated":        {code: source.Truncated, want: "a.parquet", content: map[string]string{"a.parquet": good[:len(good)-100]}},
		"damaged":          {code: source.Malformed, want: "a.parquet", content: map[string]string{"a.parquet": string(damaged)}},
		"not parquet":      {code: source.Malformed, want: "a.parquet", content: map[string]string{"a.parquet": "id,text\n1,2\n3,4\n5,6\n"}},
		"other type":       {code: source.Schema, want: `b.parquet: its column "id" is string, and the plan has int64`, content: map[string]string{"a.parquet": good, "b.parquet": other}},
		"missing column":   {code: source.Schema, want: `b.parquet: it has no column "text"`, content: map[string]string{"a.parquet": good, "b.parquet": parquet(t, 0, arrowio.BatchOf(arrowio.Of("id", []int64{1})))}},
		"one more":         {code: source.Schema, want: `a column "z" (int64) that no column takes`, content: map[string]string{"a.parquet": parquet(t, 0, arrowio.BatchOf(arrowio.Of("id", []int64{1}))), "b.parquet": parquet(t, 0, arrowio.BatchOf(arrowio.Of("id", []int64{1}), arrowio.Of("z", []int64{1})))}},
		"typo":             {yaml: "columns: [ido]", code: source.Schema, want: `no "ido" (do you mean "id"?)`, content: map[string]string{"a.parquet": good}},
		"a long value":     {yaml: "max_record_bytes: 100", code: source.TooLarge, want: "text", content: map[string]string{"a.parquet": good}},
		"duplicate":        {yaml: "type: arrow", code: source.Malformed, want: `"id"`, content: map[string]string{"a.arrow": stream(t, arrowio.BatchOf(arrowio.Of("id", []int64{1}), arrowio.Of("id", []int64{2})))}},
		"all files empty":  {code: source.Missing, want: "all files are empty", content: map[string]string{"a.parquet": ""}},
		"truncated stream": {yaml: "type: arrow", want: "a.arrow", content: map[string]string{"a.arrow": stream(t, batch(0, 1000))[:9000]}},
	} {
		t.Run(name, func(t *testing.T) {
			r := sourcetest.Read(t, open(t, c.yaml, c.content), nil)
			if r.Err == nil || c.code != "" && source.CodeOf(r.Err) != c.code || !strings.Contains(r.Err.Error(), c.want) {
				t.Errorf("%s: %v does not say %s, %q", source.CodeOf(r.Err), r.Err, c.code, c.want)
			}
		})
	}
}
