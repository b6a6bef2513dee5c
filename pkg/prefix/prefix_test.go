package prefix_test

import (
	"bytes"
	"testing"

	"github.com/leathq/leat/pkg/prefix"
)

func text(n int, salt byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7) ^ byte(i>>8) ^ salt
	}
	return b
}

func TestBlocksAgreeExactlyAsFarAsThePromptsAgree(t *testing.T) {
	base := text(4096, 0)
	for _, at := range []int{0, 63, 64, 1000, 4095} {
		other := bytes.Clone(base)
		other[at] ^= 1
		a, b := prefix.Blocks(nil, "m", base), prefix.Blocks(nil, "m", other)
		for i := range a {
			if want := i < at/prefix.BlockBytes; (a[i] == b[i]) != want {
				t.Fatalf("byte %d differs: equality of block %d is %v, want %v", at, i, a[i] == b[i], want)
			}
		}
	}
}

func TestBlocksCountsWholeBlocksUpToTheBound(t *testing.T) {
	for _, c := range []struct{ bytes, want int }{{0, 0}, {63, 0}, {64, 1}, {127, 1}, {128, 2}, {1 << 20, prefix.MaxBlocks}} {
		if got := len(prefix.Blocks(nil, "m", text(c.bytes, 1))); got != c.want {
			t.Errorf("%d bytes gave %d blocks, want %d", c.bytes, got, c.want)
		}
	}
}

func TestBlocksDifferBetweenModelsAndPositions(t *testing.T) {
	same := bytes.Repeat([]byte("x"), 640)
	seen := map[uint64]bool{}
	for _, model := range []string{"a", "b"} {
		for _, h := range prefix.Blocks(nil, model, same) {
			if seen[h] {
				t.Fatalf("hash %x occurs twice for repeated text", h)
			}
			seen[h] = true
		}
	}
}

func TestBlocksReusesItsBuffer(t *testing.T) {
	buf, p := make([]uint64, 0, prefix.MaxBlocks), text(1<<16, 2)
	if n := testing.AllocsPerRun(10, func() { buf = prefix.Blocks(buf[:0], "m", p) }); n != 0 {
		t.Fatalf("%v allocations a call, want 0", n)
	}
}

func BenchmarkBlocks4KiB(b *testing.B) {
	buf, p := make([]uint64, 0, prefix.MaxBlocks), text(4096, 2)
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		buf = prefix.Blocks(buf[:0], "m", p)
	}
}
