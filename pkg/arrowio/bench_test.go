package arrowio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/arrowio"
)

// benchBatch is about 0.7 MB of rows like a table's: numbers, short and longer text, some nulls.
func benchBatch() *arrowio.Batch {
	const n = 5000
	ids, prices, names, texts := make([]int64, n), make([]float64, n), make([]string, n), make([]*string, n)
	for i := range n {
		ids[i], prices[i], names[i] = int64(i), float64(i)/3, fmt.Sprint("customer ", i)
		if i%10 != 0 {
			s := strings.Repeat("some words ", i%18)
			texts[i] = &s
		}
	}
	return arrowio.BatchOf(arrowio.Of("id", ids), arrowio.Of("price", prices), arrowio.Of("name", names), arrowio.Of("text", texts))
}

// Copy is the yardstick of the others: the same bytes moved once.
func BenchmarkCopy(b *testing.B) {
	data := encode(b, benchBatch())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		copy(make([]byte, len(data)), data)
	}
}

func BenchmarkEncode(b *testing.B) {
	batch := benchBatch()
	b.SetBytes(int64(len(encode(b, batch))))
	for b.Loop() {
		if _, err := arrowio.Encode(batch); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := encode(b, benchBatch())
	for name, l := range map[string]arrowio.Limits{"plain": arrowio.DefaultLimits(), "utf8": {ValidateUTF8: true}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := arrowio.Decode(data, l); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	data := encode(b, benchBatch())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		arrowio.Digest(data)
	}
}

// Two rows of three are kept: as single rows at worst, or in runs of hundreds.
func BenchmarkFilter(b *testing.B) {
	batch := benchBatch()
	for _, run := range []int{1, 300} {
		keep := arrowio.NewBitmap(batch.Rows())
		for i := range batch.Rows() {
			if i/run%3 != 0 {
				keep.Set(i)
			}
		}
		b.Run(fmt.Sprint("runs of ", 2*run), func(b *testing.B) {
			b.SetBytes(batch.Bytes())
			for b.Loop() {
				if _, err := batch.Filter(keep); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRechunk(b *testing.B) {
	batch := benchBatch()
	b.SetBytes(batch.Bytes())
	r := arrowio.NewRechunker(0, 0)
	for b.Loop() {
		if _, err := r.Add(batch); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	batch := benchBatch()
	b.SetBytes(batch.Bytes())
	ids, names := batch.Column(0).Int64s(), batch.Column(2).Strings()
	builder := arrowio.NewBuilder(batch.Select(0, 2).Schema())
	b.SetBytes(batch.Select(0, 2).Bytes())
	for b.Loop() {
		id, name := builder.Column(0), builder.Column(1)
		for i, v := range ids {
			id.Int64(v)
			name.Binary(names.At(i))
		}
		builder.Batch()
	}
}
