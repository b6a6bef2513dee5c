package file_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

var small = arrowio.Limits{MaxBytes: 1 << 20, MaxRows: 5000, MaxColumns: 100, MaxDepth: 8, MaxString: 1 << 16, ValidateUTF8: true}

func FuzzParquet(f *testing.F) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 6))
		s := randombatch.Schema(r)
		if file.Writable(s) != nil {
			continue
		}
		f.Add(write(f, file.WriteOptions{Codec: file.Codec(seed % 3), RowGroupRows: 15}, randombatch.Batch(r, s, 1+r.IntN(40))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, func() error {
			r, err := file.OpenParquet(bytes.NewReader(data), int64(len(data)), file.Options{Memory: 8 << 20, BatchRows: 50, Limits: small})
			if err != nil {
				return err
			}
			return drain(r)
		})
	})
}

func FuzzIPC(f *testing.F) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 7))
		f.Add(encoded(f, randombatch.Batch(r, randombatch.Schema(r), r.IntN(40))))
	}
	for _, data := range ipcFiles(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded(t, func() error {
			r, err := file.OpenIPC(bytes.NewReader(data), int64(len(data)), file.Options{BatchRows: 50, Limits: small})
			if err != nil {
				return err
			}
			return drain(r)
		})
	})
}

func drain(r file.Reader) error {
	for range 200 {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_ = randombatch.Rows(b)
	}
	return nil
}

// bounded fails where reading does not end, memory was taken beyond what the limits of a fuzz target explain, or an error is of a kind that callers do not know.
func bounded(t *testing.T, f func() error) {
	hangs := time.AfterFunc(20*time.Second, func() { panic("reading does not end") })
	defer hangs.Stop()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<30 {
		t.Fatalf("%d MiB were allocated", taken>>20)
	}
	var limit *arrowio.LimitError
	var bad *arrowio.MalformedError
	if err != nil && !errors.As(err, &limit) && !errors.As(err, &bad) {
		t.Fatalf("an error of another kind: %v", err)
	}
}
