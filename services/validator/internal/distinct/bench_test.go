package distinct_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/presence"
)

func BenchmarkAdd(b *testing.B) {
	const n = 1 << 20
	rng := rand.New(rand.NewPCG(1, 1))
	for _, values := range []int{100, 100_000, 1 << 40} {
		ints := make([]int64, n)
		var data []byte
		offsets := []int32{0}
		for i := range ints {
			ints[i] = rng.Int64N(int64(values))
			data = fmt.Appendf(data, "id-%d", ints[i])
			offsets = append(offsets, int32(len(data)))
		}
		b.Run(fmt.Sprintf("ints of %d", values), func(b *testing.B) {
			for b.Loop() {
				s := distinct.New(distinct.Int, distinct.Options{Repeats: 20})
				for from := 0; from < n; from += 1 << 14 {
					_ = distinct.AddInts(s, ints[from:from+1<<14], presence.Mask{})
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "M/s")
		})
		b.Run(fmt.Sprintf("map, ints of %d", values), func(b *testing.B) {
			for b.Loop() {
				m := map[int64]uint64{}
				for _, v := range ints {
					m[v]++
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "M/s")
		})
		b.Run(fmt.Sprintf("texts of %d", values), func(b *testing.B) {
			for b.Loop() {
				s := distinct.New(distinct.Bytes, distinct.Options{Repeats: 20})
				for from := 0; from < n; from += 1 << 14 {
					_ = distinct.AddTexts(s, data, offsets[from:from+1<<14+1], presence.Mask{})
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}
