package prefixindex_test

import (
	"math/rand/v2"
	"testing"

	"github.com/leathq/leat/services/router/internal/prefixindex"
)

// chain makes n hashes that share the first shared ones with every other chain of the same root.
func chain(root, shared, tail, n int) []uint64 {
	s := make([]uint64, n)
	for i := range s {
		s[i] = uint64(root)<<40 | uint64(i)
		if i >= shared {
			s[i] |= uint64(tail+1) << 20
		}
	}
	return s
}

func TestLongestIsTheSharedPartPerWorker(t *testing.T) {
	x := prefixindex.New(0)
	a, b := x.Join(), x.Join()
	x.Add(a, chain(1, 40, 1, 100))
	x.Add(b, chain(1, 40, 2, 60))
	for _, c := range []struct {
		name   string
		blocks []uint64
		a, b   int
	}{
		{"the same prompt", chain(1, 40, 1, 100), 100, 40},
		{"a shorter one", chain(1, 40, 1, 50), 50, 40},
		{"another tail", chain(1, 40, 3, 80), 40, 40},
		{"b's, grown", chain(1, 40, 2, 90), 40, 60},
		{"unknown", chain(2, 40, 1, 90), 0, 0},
		{"empty", nil, 0, 0},
	} {
		if ga, gb := x.Longest(a, c.blocks), x.Longest(b, c.blocks); ga != c.a || gb != c.b {
			t.Errorf("%s: a has %d, b has %d; want %d, %d", c.name, ga, gb, c.a, c.b)
		}
	}
}

func TestBinarySearchAgreesWithACountWhateverWasEvicted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	x := prefixindex.New(48 * 500) // room for 500 blocks
	w := x.Join()
	ref := newReference(500)
	for range 3000 {
		root := r.IntN(12)
		c := chain(root, 20+root, r.IntN(5), 1+r.IntN(90))
		if got, want := x.Longest(w, c), ref.longest(c); got != want {
			t.Fatalf("longest %d, want %d", got, want)
		}
		x.Add(w, c)
		ref.add(c)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	const limit = 1 << 20
	x := prefixindex.New(limit)
	for range 8 {
		w := x.Join()
		for i := range 2000 {
			x.Add(w, chain(w*10_000+i, 0, 0, 64))
		}
		if x.Bytes() > limit {
			t.Fatalf("%d bytes, bound %d", x.Bytes(), limit)
		}
	}
}

func TestTheWorkersCapacityAndItsEventsCorrectTheIndex(t *testing.T) {
	x := prefixindex.New(0)
	w := x.Join()
	old, young := chain(1, 0, 0, 100), chain(2, 0, 0, 100)
	x.Add(w, old)
	x.Add(w, young)
	x.SetCapacity(w, 150)
	if a, b := x.Longest(w, old), x.Longest(w, young); a != 50 || b != 100 {
		t.Fatalf("capacity of 150 blocks: kept %d old and %d young ones, want 50 and 100", a, b)
	}
	x.Remove(w, young[30:])
	if n := x.Longest(w, young); n != 30 {
		t.Fatalf("after the worker dropped the tail: %d, want 30", n)
	}
	x.Reset(w)
	if n := x.Longest(w, young); n != 0 {
		t.Fatalf("after a restart: %d blocks", n)
	}
}

func TestLearnFindsTheSizeOfTheWorkersCache(t *testing.T) {
	const real = 2000 // blocks that the worker's cache really holds
	x, r := prefixindex.New(0), rand.New(rand.NewPCG(2, 2))
	w, cache := x.Join(), newReference(real)
	surprises := 0
	for i := range 6000 {
		c := chain(r.IntN(100), 0, 0, 50) // 5,000 blocks want to be cached
		expected, found := x.Longest(w, c), cache.longest(c)
		x.Learn(w, expected, found)
		if i > 3000 && found < expected/2 {
			surprises++
		}
		x.Add(w, c)
		cache.add(c)
	}
	if share := float64(surprises) / 3000; share > 0.1 {
		t.Fatalf("%.0f %% of the prompts miss although the index promises a hit; want ≤ 10 %%", share*100)
	}
}

// reference is a plain LRU of blocks.
type reference struct {
	limit int
	order []uint64 // newest last
}

func newReference(limit int) *reference { return &reference{limit: limit} }

func (r *reference) longest(blocks []uint64) int {
	in := make(map[uint64]bool, len(r.order))
	for _, h := range r.order {
		in[h] = true
	}
	for i, h := range blocks {
		if !in[h] {
			return i
		}
	}
	return len(blocks)
}

func (r *reference) add(blocks []uint64) {
	fresh := make(map[uint64]bool, len(blocks))
	for _, h := range blocks {
		fresh[h] = true
	}
	kept := r.order[:0]
	for _, h := range r.order {
		if !fresh[h] {
			kept = append(kept, h)
		}
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		kept = append(kept, blocks[i])
	}
	r.order = kept[max(len(kept)-r.limit, 0):]
}

func BenchmarkLongestAndAdd64Blocks(b *testing.B) {
	x := prefixindex.New(0)
	w := x.Join()
	for i := 0; b.Loop(); i++ {
		c := chain(i%60, 60, i, 64)
		x.Longest(w, c)
		x.Add(w, c)
	}
}
