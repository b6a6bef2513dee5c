package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
)

func write(t testing.TB, o file.WriteOptions, bs ...*arrowio.Batch) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := file.NewParquetWriter(&out, bs[0].Schema(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bs {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t testing.TB, data []byte, o file.Options) *file.ParquetReader {
	t.Helper()
	r, err := file.OpenParquet(bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func all(t testing.TB, r file.Reader) []*arrowio.Batch {
	t.Helper()
	var out []*arrowio.Batch
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}

func table(rows int) *arrowio.Batch {
	ids, texts, scores := make([]int64, rows), make([]*string, rows), make([]float64, rows)
	for i := range rows {
		ids[i], scores[i] = int64(i), float64(i%977)/7
		if i%11 != 0 {
			s := fmt.Sprintf("text %d %s", i, strings.Repeat("ä", i%37))
			texts[i] = &s
		}
	}
	return arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("text", texts), arrowio.Of("score", scores))
}

func encoded(t testing.TB, b *arrowio.Batch) []byte {
	t.Helper()
	data, err := arrowio.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func one(t testing.TB, bs []*arrowio.Batch) *arrowio.Batch {
	t.Helper()
	b, err := arrowio.Concat(bs...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cut(r *rand.Rand, b *arrowio.Batch) (out []*arrowio.Batch) {
	for from := 0; from < b.Rows(); {
		to := min(b.Rows(), from+1+r.IntN(b.Rows()/3+1))
		out = append(out, b.Slice(from, to))
		from = to
	}
	return out
}

func TestWhatIsWrittenIsReadAgainRowByRow(t *testing.T) {
	b := table(5000)
	for _, o := range []file.WriteOptions{{}, {Codec: file.Snappy, RowGroupRows: 700}, {Codec: file.None, RowGroupBytes: 20 << 10}} {
		got := one(t, all(t, open(t, write(t, o, b), file.Options{BatchRows: 333})))
		if !bytes.Equal(encoded(t, got), encoded(t, b)) {
			t.Errorf("%+v: the rows that come back are others: %v", o, got.Schema())
		}
	}
}

func TestAFileHasTheSameBytesWhateverBatchesItsRowsCameIn(t *testing.T) {
	b := table(3000)
	o := file.WriteOptions{RowGroupRows: 1000, RowGroupBytes: 30 << 10}
	want := write(t, o, b)
	for seed := range uint64(20) {
		if got := write(t, o, cut(rand.New(rand.NewPCG(seed, 0)), b)...); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: other cuts of the rows give another file", seed)
		}
	}
	if n := len(open(t, want, file.Options{}).RowGroups()); n < 4 {
		t.Errorf("%d row groups: their size does not follow the bytes", n)
	}
}

func TestColumnsRowGroupsAndRowsCanBePicked(t *testing.T) {
	b := table(3000)
	data := write(t, file.WriteOptions{RowGroupRows: 1000}, b)
	r := open(t, data, file.Options{Columns: []string{"score", "id"}, RowGroups: []int{2, 0}, Skip: 1500})
	if r.Rows() != 2000 {
		t.Errorf("%d rows in two groups of 1,000", r.Rows())
	}
	got := one(t, all(t, r))
	want := b.Slice(500, 1000).Select(2, 0)
	if !reflect.DeepEqual(got.Column(1).Int64s(), want.Column(1).Int64s()) || got.Schema().String() != want.Schema().String() {
		t.Errorf("%d rows of %s, want %d of %s", got.Rows(), got.Schema(), want.Rows(), want.Schema())
	}
}

func TestAMissingColumnIsNamedWithThoseThatAreThere(t *testing.T) {
	data := write(t, file.WriteOptions{}, table(3))
	_, err := file.OpenParquet(bytes.NewReader(data), int64(len(data)), file.Options{Columns: []string{"txt"}})
	if err == nil || !strings.Contains(err.Error(), `"txt"`) || !strings.Contains(err.Error(), "id, text, score") {
		t.Error(err)
	}
}

func TestATruncatedFileIsRefusedWhereverItIsCut(t *testing.T) {
	data := write(t, file.WriteOptions{RowGroupRows: 500}, table(2000))
	for n := 0; n < len(data); n += 1 + len(data)/300 {
		r, err := file.OpenParquet(bytes.NewReader(data[:n]), int64(n), file.Options{})
		var bad *arrowio.MalformedError
		if err == nil || !errors.As(err, &bad) {
			t.Fatalf("%d of %d bytes: %v, %v", n, len(data), r, err)
		}
	}
	// Cut in the middle, with its end in place: what a download that was resumed wrongly looks like.
	short := append(append([]byte{}, data[:len(data)/3]...), data[len(data)/2:]...)
	r, err := file.OpenParquet(bytes.NewReader(short), int64(len(short)), file.Options{})
	for err == nil {
		_, err = r.Next()
	}
	var bad *arrowio.MalformedError
	if !errors.As(err, &bad) {
		t.Errorf("a file that lacks its middle: %v", err)
	}
}

func TestAHugeValueIsRefusedByColumnAndRow(t *testing.T) {
	texts := make([]string, 900)
	texts[700] = strings.Repeat("x", 5000)
	b := arrowio.BatchOf(arrowio.Of("body", texts))
	limits := file.DefaultLimits()
	limits.MaxString = 4096
	r := open(t, write(t, file.WriteOptions{RowGroupRows: 400}, b), file.Options{Limits: limits})
	_, err := r.Next()
	if err == nil {
		_, err = r.Next()
	}
	var limit *arrowio.LimitError
	if !errors.As(err, &limit) || !strings.Contains(err.Error(), `column "body", row 700`) {
		t.Error(err)
	}
}

func TestTwoColumnsOfOneNameAreRefusedUnlessAllowed(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("a", []int64{1}), arrowio.Of("b", []int64{2}), arrowio.Of("a", []int64{3}))
	data := write(t, file.WriteOptions{}, b)
	_, err := file.OpenParquet(bytes.NewReader(data), int64(len(data)), file.Options{})
	if err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Error(err)
	}
	limits := file.DefaultLimits()
	limits.AllowDuplicates = true
	got := one(t, all(t, open(t, data, file.Options{Limits: limits})))
	if got.Column(2).Int64s()[0] != 3 {
		t.Error("the second of two columns of one name has the first one's values")
	}
}

func TestInvalidTextIsRefusedByColumnAndRow(t *testing.T) {
	b := arrowio.BatchOf(arrowio.Of("a", []string{"good", "gut", "b\xe4d", "ok"}))
	limits := file.DefaultLimits()
	limits.ValidateUTF8 = true
	_, err := open(t, write(t, file.WriteOptions{}, b), file.Options{Limits: limits}).Next()
	if err == nil || !strings.Contains(err.Error(), `column "a", row 2`) {
		t.Error(err)
	}
}

// A dictionary says once what rows repeat: a small file may stand for far more data than a batch may have.
func TestAFileThatStandsForMuchMoreThanItsSizeIsReadInSmallBatches(t *testing.T) {
	big := strings.Repeat("y", 64<<10)
	texts := make([]string, 3000)
	for i := range texts {
		if i > 1500 {
			texts[i] = big
		}
	}
	data := write(t, file.WriteOptions{RowGroupBytes: 64 << 30}, arrowio.BatchOf(arrowio.Of("a", texts)))
	if len(data) > 2<<20 {
		t.Fatalf("%d bytes: not the file that was meant", len(data))
	}
	r := open(t, data, file.Options{Memory: 4 << 20})
	rows := 0
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Bytes() > 4<<20 {
			t.Fatalf("a batch of %d bytes", b.Bytes())
		}
		for i := range b.Rows() {
			if got := len(b.Column(0).Strings().At(i)); got != len(texts[rows+i]) {
				t.Fatalf("row %d has %d bytes, not %d", rows+i, got, len(texts[rows+i]))
			}
		}
		rows += b.Rows()
	}
	if rows != len(texts) {
		t.Errorf("%d rows of %d", rows, len(texts))
	}
}
