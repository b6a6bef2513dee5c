package arrowio_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/randombatch"
)

func rechunk(t testing.TB, target, most int64, in ...*arrowio.Batch) (out [][]byte) {
	t.Helper()
	r := arrowio.NewRechunker(target, most)
	take := func(bs []*arrowio.Batch, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bs {
			out = append(out, encode(t, b))
		}
	}
	for _, b := range in {
		take(r.Add(b))
	}
	take(r.Flush())
	return out
}

func pieces(r *rand.Rand, b *arrowio.Batch) (out []*arrowio.Batch) {
	for from := 0; from < b.Rows(); {
		to := min(b.Rows(), from+r.IntN(1+b.Rows()/2))
		out = append(out, b.Slice(from, to))
		from = to
	}
	return out
}

// However rows came in, in slices of something larger or decoded one by one, the same batches go out.
func TestTheSameRowsGiveTheSameBatchesHoweverTheyCame(t *testing.T) {
	several := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		whole := randombatch.Batch(r, randombatch.Schema(r), 20+r.IntN(200))
		target := int64(2000 + r.IntN(4000))
		want := rechunk(t, target, target, whole)
		if len(want) > 2 {
			several++
		}
		in := pieces(r, whole)
		for i := range in {
			if r.IntN(2) == 0 {
				in[i] = decode(t, encode(t, in[i]))
			}
		}
		got := rechunk(t, target, target, in...)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d batches, want %d", seed, len(got), len(want))
		}
		rows := 0
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("seed %d: batch %d differs; %s", seed, i, whole.Schema())
			}
			rows += decode(t, got[i]).Rows()
		}
		if rows != whole.Rows() {
			t.Fatalf("seed %d: %d rows of %d", seed, rows, whole.Rows())
		}
	}
	if several < 50 {
		t.Errorf("only %d inputs were cut into several batches: the test says little", several)
	}
}

func TestNoBatchIsOverTheTargetUnlessItIsOneRow(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 14))
		b := randombatch.Batch(r, randombatch.Schema(r), 400)
		for _, data := range rechunk(t, 6000, 9000, b) {
			if got := decode(t, data); len(data) > 6000 && got.Rows() > 1 {
				t.Fatalf("seed %d: %d rows are %d bytes: %s", seed, got.Rows(), len(data), b.Schema())
			}
		}
	}
}

func TestBatchesAreNearTheTargetWhateverTheSizeOfRows(t *testing.T) {
	for _, size := range []int{10, 1000, 50_000} {
		texts := make([]string, 6_000_000/(size+4))
		for i := range texts {
			texts[i] = strings.Repeat("x", size)
		}
		out := rechunk(t, 0, 0, arrowio.BatchOf(arrowio.Of("text", texts)))
		for _, data := range out[:len(out)-1] {
			if n := len(data); n < arrowio.DefaultTarget*9/10 || n > arrowio.DefaultTarget {
				t.Errorf("rows of %d bytes: a batch of %d, want about %d", size, n, arrowio.DefaultTarget)
			}
		}
	}
}

func TestARowAboveTheLimitComesAloneAndItsNeighboursDoNotSuffer(t *testing.T) {
	texts := []string{"a", "b", strings.Repeat("x", 5000), "c", "d"}
	var rows []int
	for _, data := range rechunk(t, 1000, 1000, arrowio.BatchOf(arrowio.Of("text", texts))) {
		rows = append(rows, decode(t, data).Rows())
	}
	if len(rows) != 3 || rows[0] != 2 || rows[1] != 1 || rows[2] != 2 {
		t.Errorf("batches of %v rows, want 2, 1, 2", rows)
	}
}

func TestASchemaThatChangesInTheMiddleIsNamed(t *testing.T) {
	r := arrowio.NewRechunker(0, 0)
	if _, err := r.Add(arrowio.BatchOf(arrowio.Of("id", []int64{1}))); err != nil {
		t.Fatal(err)
	}
	_, err := r.Add(arrowio.BatchOf(arrowio.Of("id", []string{"1"})))
	if err == nil || !strings.Contains(err.Error(), `id: string`) {
		t.Error(err)
	}
}
