package file_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

// ipcFiles are files and streams, plain and compressed, of the same rows.
func ipcFiles(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for codec, opts := range map[string][]ipc.Option{"none": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
		rec := table(500).Arrow()
		opts = append(opts, ipc.WithSchema(rec.Schema()))
		var stream, indexed bytes.Buffer
		s := ipc.NewWriter(&stream, opts...)
		f, err := ipc.NewFileWriter(&indexed, opts...)
		if err != nil {
			t.Fatal(err)
		}
		for from := int64(0); from < 500; from += 125 {
			if err := errors.Join(s.Write(rec.NewSlice(from, from+125)), f.Write(rec.NewSlice(from, from+125))); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(s.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
		out["stream, "+codec], out["file, "+codec] = stream.Bytes(), indexed.Bytes()
	}
	return out
}

func openIPC(t testing.TB, data []byte, o file.Options) *file.IPCReader {
	t.Helper()
	r, err := file.OpenIPC(bytes.NewReader(data), int64(len(data)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestArrowFilesAndStreamsAreReadCompressedOrNot(t *testing.T) {
	want := table(500)
	for name, data := range ipcFiles(t) {
		got := one(t, all(t, openIPC(t, data, file.Options{BatchRows: 40})))
		if !bytes.Equal(encoded(t, got), encoded(t, want)) {
			t.Errorf("%s: other rows came back", name)
		}
		part := one(t, all(t, openIPC(t, data, file.Options{Columns: []string{"id"}, Skip: 130})))
		if !reflect.DeepEqual(part.Column(0).Int64s(), want.Column(0).Int64s()[130:]) {
			t.Errorf("%s: a column from row 130 on is not what was asked for", name)
		}
	}
}

func TestRowsOfAnyTypesSurviveAnArrowFile(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 11))
		b := randombatch.Batch(r, randombatch.Schema(r), 1+r.IntN(50))
		var out bytes.Buffer
		rec := b.Arrow()
		w, err := ipc.NewFileWriter(&out, ipc.WithSchema(rec.Schema()), ipc.WithZstd())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(rec), w.Close()); err != nil {
			t.Fatal(err)
		}
		var rows [][]any
		for _, b := range all(t, openIPC(t, out.Bytes(), file.Options{BatchRows: 9})) {
			rows = append(rows, randombatch.Rows(b)...)
		}
		if !reflect.DeepEqual(rows, randombatch.Rows(b)) {
			t.Fatalf("seed %d: %s: other rows came back", seed, b.Schema())
		}
	}
}

func TestACutOrForeignArrowFileIsRefusedWithTheReason(t *testing.T) {
	for name, data := range ipcFiles(t) {
		for n := 1; n < len(data); n += 1 + len(data)/200 {
			r, err := file.OpenIPC(bytes.NewReader(data[:n]), int64(n), file.Options{})
			rows := 0
			for err == nil {
				var b *arrowio.Batch
				if b, err = r.Next(); err == nil {
					rows += b.Rows()
				}
			}
			var bad *arrowio.MalformedError
			// A stream that ends between two messages is a shorter stream: nothing tells.
			if between := strings.HasPrefix(name, "stream") && rows%125 == 0; !errors.As(err, &bad) && !between {
				t.Fatalf("%s, %d of %d bytes: %v after %d rows", name, n, len(data), err, rows)
			}
		}
	}
	for text, data := range map[string]string{"empty": "", "Feather version 1": "FEA1....", "metadata": "what is this, not Arrow"} {
		if _, err := file.OpenIPC(strings.NewReader(data), int64(len(data)), file.Options{}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", data, err)
		}
	}
}
