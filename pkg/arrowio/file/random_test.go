package file_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

func TestRowsOfAnyTypesSurviveAParquetFile(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 9))
		s := randombatch.Schema(r)
		if file.Writable(s) != nil {
			continue
		}
		b := randombatch.Batch(r, s, 1+r.IntN(60))
		data := write(t, file.WriteOptions{RowGroupRows: 25, Codec: file.Snappy}, b)
		if again := write(t, file.WriteOptions{RowGroupRows: 25, Codec: file.Snappy}, cut(r, b)...); !bytes.Equal(again, data) {
			t.Fatalf("seed %d: %s: other cuts of the rows give another file", seed, s)
		}
		var rows [][]any
		for _, b := range all(t, open(t, data, file.Options{BatchRows: 7})) {
			rows = append(rows, randombatch.Rows(b)...)
		}
		if want := randombatch.Rows(b); !reflect.DeepEqual(rows, want) {
			i := slices.IndexFunc(want, func(row []any) bool {
				return !slices.ContainsFunc(rows, func(o []any) bool { return reflect.DeepEqual(o, row) })
			})
			t.Errorf("seed %d: %s: %d rows, want %d; the first that is missing: %v\n%v", seed, s, len(rows), len(want), i, rows)
		}
	}
}
