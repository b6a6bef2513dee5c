package distinct_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/services/validator/internal/distinct"
	"github.com/leathq/leat/services/validator/internal/presence"
)

// rate reports million values a second of this process's processor time, which other work on the machine disturbs least.
func rate(b *testing.B, perLoop int, loop func()) {
	b.Helper()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		loop()
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	spent := time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
	b.ReportMetric(float64(b.N)*float64(perLoop)/spent.Seconds()/1e6, "M/cpu-s")
}

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
			rate(b, n, func() {
				s := distinct.New(distinct.Int, distinct.Options{Repeats: 20})
				for from := 0; from < n; from += 1 << 14 {
					_ = distinct.AddInts(s, ints[from:from+1<<14], presence.Mask{})
				}
			})
		})
		b.Run(fmt.Sprintf("map, ints of %d", values), func(b *testing.B) {
			rate(b, n, func() {
				m := map[int64]uint64{}
				for _, v := range ints {
					m[v]++
				}
			})
		})
		b.Run(fmt.Sprintf("texts of %d", values), func(b *testing.B) {
			rate(b, n, func() {
				s := distinct.New(distinct.Bytes, distinct.Options{Repeats: 20})
				for from := 0; from < n; from += 1 << 14 {
					_ = distinct.AddTexts(s, data, offsets[from:from+1<<14+1], presence.Mask{}, func() int64 { return int64(len(data)) })
				}
			})
		})
	}
}
