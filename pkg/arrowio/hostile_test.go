package arrowio_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
)

func TestEveryLimitIsNamedWithWhatIsOverIt(t *testing.T) {
	nested := arrowio.OfType(arrowio.Field{Name: "deep", Type: parse(t, "list<item: list<item: int64 not null> not null>")}, []any{[]any{[]any{int64(1)}}})
	b := arrowio.BatchOf(nested, arrowio.OfType(arrowio.Field{Name: "text", Type: parse(t, "string")}, []string{strings.Repeat("x", 300)}))
	data := encode(t, b)
	for what, l := range map[string]arrowio.Limits{
		"bytes of a message":        {MaxBytes: 100},
		"depth of the schema":       {MaxDepth: 2},
		"columns of the schema":     {MaxColumns: 3},
		`column "text", row 0: byt`: {MaxString: 299},
	} {
		_, err := arrowio.Decode(data, l)
		var limit *arrowio.LimitError
		if !errors.As(err, &limit) || !strings.Contains(err.Error(), what) {
			t.Errorf("%+v: %v, want %q", l, err, what)
		}
	}
	rows := arrowio.BatchOf(arrowio.Of("id", make([]int64, 11)))
	if _, err := arrowio.Decode(encode(t, rows), arrowio.Limits{MaxRows: 10}); err == nil || !strings.Contains(err.Error(), "rows of a batch: 11 is over the limit of 10") {
		t.Error(err)
	}
	if _, err := arrowio.Decode(data, arrowio.Limits{MaxBytes: int64(len(data)), MaxDepth: 3, MaxColumns: 4, MaxString: 300, MaxRows: 1}); err != nil {
		t.Errorf("a batch exactly at all limits: %v", err)
	}
}

func TestTextThatIsNotUTF8IsRefusedByColumnAndRow(t *testing.T) {
	for _, typ := range []string{"string", "large_string", "list<item: string>"} {
		for _, bad := range []string{"\xff", "ab\xc3", "\xa4b"} { // the last two are valid beside each other
			var vs []any
			for _, s := range []string{"good", "ä", bad, "\xa4 ok"} {
				if strings.HasPrefix(typ, "list") {
					vs = append(vs, []any{"fine", s})
				} else {
					vs = append(vs, s)
				}
			}
			data := encode(t, arrowio.BatchOf(arrowio.OfType(arrowio.Field{Name: "text", Type: parse(t, typ)}, vs)))
			if _, err := arrowio.Decode(data, arrowio.Limits{}); err != nil {
				t.Errorf("%s: refused though nobody asked: %v", typ, err)
			}
			_, err := arrowio.Decode(data, arrowio.Limits{ValidateUTF8: true})
			where := `column "text", row 2`
			if strings.HasPrefix(typ, "list") {
				where = `field "item", row 5`
			}
			if err == nil || !strings.Contains(err.Error(), where) {
				t.Errorf("%s with %q: %v, want %s", typ, bad, err, where)
			}
		}
	}
}

func TestTwoColumnsOfOneNameAreRefusedUnlessAllowed(t *testing.T) {
	data := encode(t, arrowio.BatchOf(arrowio.Of("a", []int64{1}), arrowio.Of("a", []string{"2"})))
	if _, err := arrowio.Decode(data, arrowio.DefaultLimits()); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Error(err)
	}
	b, err := arrowio.Decode(data, arrowio.Limits{AllowDuplicates: true})
	if err != nil || b.Column(1).Value(0) != "2" {
		t.Error(err)
	}
}

func TestACutMessageIsRefused(t *testing.T) {
	data := encode(t, arrowio.BatchOf(arrowio.Of("id", []int64{1, 2}), arrowio.Of("text", []string{"a", "b"})))
	for n := range len(data) - 8 { // the last eight are the end mark, which may be missing
		_, err := arrowio.Decode(data[:n], arrowio.DefaultLimits())
		var bad *arrowio.MalformedError
		if !errors.As(err, &bad) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	for what, data := range map[string][]byte{"two batches": append(data[:len(data)-8:len(data)-8], data...), "bytes after the end": append(data[:len(data):len(data)], 1, 2, 3)} {
		if _, err := arrowio.Decode(data, arrowio.DefaultLimits()); err == nil {
			t.Errorf("%s: taken", what)
		}
	}
}

// Every 4 or 8 bytes of a message are made large in turn: lengths, offsets and counts among them. None may take memory or end the process.
func TestAMessageThatLiesAboutItsSizesTakesNoMemory(t *testing.T) {
	data := encode(t, arrowio.BatchOf(
		arrowio.Of("id", []int64{1, 2, 3}), arrowio.Of("text", []string{"a", "bc", "d"}),
		arrowio.OfType(arrowio.Field{Name: "list", Type: parse(t, "list<item: int8>")}, []any{[]any{int64(1)}, []any{}, []any{nil, int64(2)}}),
		arrowio.OfType(arrowio.Field{Name: "kind", Type: parse(t, "dictionary<values=string, indices=int8>")}, []string{"x", "y", "x"}),
	))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for at := 0; at+8 <= len(data); at += 4 {
		for _, lie := range []uint64{1 << 31, 1 << 40, 1<<63 - 1, 1 << 63, 0x7fffffff7fffffff, 0xffffffffffffffff} {
			for _, width := range []int{4, 8} {
				bad := append([]byte{}, data...)
				if width == 4 {
					binary.LittleEndian.PutUint32(bad[at:], uint32(lie))
				} else {
					binary.LittleEndian.PutUint64(bad[at:], lie)
				}
				if b, err := arrowio.Decode(bad, arrowio.DefaultLimits()); err == nil {
					use(t, b)
				}
			}
		}
	}
	runtime.ReadMemStats(&after)
	if n := int64(len(data)) / 4 * 12; int64(after.TotalAlloc-before.TotalAlloc) > 40*n*int64(len(data)) {
		t.Errorf("%d messages of %d bytes took %d bytes", n, len(data), after.TotalAlloc-before.TotalAlloc)
	}
}

// A decoded batch looks into the message; only a message that lies askew in memory is copied.
func TestDecodingDoesNotCopyTheBody(t *testing.T) {
	texts := make([]string, 1000)
	for i := range texts {
		texts[i] = strings.Repeat("x", 500)
	}
	data := encode(t, arrowio.BatchOf(arrowio.Of("text", texts), arrowio.Of("n", make([]float64, 1000))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		decode(t, data)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > uint64(len(data))/20 {
		t.Errorf("a message of %d bytes took %d to decode", len(data), each)
	}
	askew := append(make([]byte, 1, len(data)+1), data...)[1:]
	if got := decode(t, askew); string(encode(t, got)) != string(data) {
		t.Error("a message that begins at an odd address is decoded otherwise")
	}
}

func TestHeadersAreCheckedAgainstTheBatch(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("id", []int64{1, 2}))
	data := encode(t, b)
	h := arrowio.Header(7, b, data)
	get := func(name string) string { return h[name] }
	if n, err := arrowio.CheckHeader(get, b, data); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for name := range h {
		old := h[name]
		h[name] = "12x"
		if _, err := arrowio.CheckHeader(get, b, data); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is wrong: %v", name, err)
		}
		h[name] = old
	}
}
