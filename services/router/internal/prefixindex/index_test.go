package prefixindex_test

import (
	"math/rand/v2"
	"runtime"
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
	x := prefixindex.New(0)
	w := x.Join()
	x.SetCapacity(w, 500)
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

// cached plays prompts of 50 blocks, each one of so many, to a worker whose cache holds size blocks. It returns, of the
// later half, which share the index promised and which share it promised in vain.
func cached(x *prefixindex.Index, w, size, prompts, rounds int) (promised, vain float64) {
	r, cache := rand.New(rand.NewPCG(2, 2)), prefixindex.New(0)
	c := cache.Join()
	cache.SetCapacity(c, size)
	for i := range rounds {
		blocks := chain(r.IntN(prompts), 0, 0, 50)
		expected, found := x.Longest(w, blocks), cache.Longest(c, blocks)
		x.Learn(w, expected, found, x.Add(w, blocks))
		cache.Add(c, blocks)
		if i >= rounds/2 {
			promised += float64(expected)
			vain += float64(max(expected-found, 0))
		}
	}
	all := float64(rounds/2) * 50
	return promised / all, vain / all
}

func TestLearnFindsTheSizeOfTheWorkersCache(t *testing.T) {
	for _, c := range []struct {
		name                  string
		size, prompts, rounds int
		promised              float64 // share of the blocks; the cache has size/50/prompts of them
	}{
		{"a small cache", 2000, 100, 6000, .3},
		{"twice what is assumed", 65_536, 1000, 20_000, .9},
	} {
		x := prefixindex.New(0)
		promised, vain := cached(x, x.Join(), c.size, c.prompts, c.rounds)
		t.Logf("%s: %.3f of the blocks promised, %.3f in vain", c.name, promised, vain)
		if promised < c.promised || vain > .05 {
			t.Errorf("%s: %.3f of the blocks promised, %.3f in vain; want ≥ %.2f and ≤ .05", c.name, promised, vain, c.promised)
		}
	}
}

// Prompts that share their start and never come back: the start is a hit each time, and nothing else is worth keeping.
func TestPromptsThatNobodyRepeatsDoNotFillMemory(t *testing.T) {
	const enough = 1 << 20 // for 32,768 blocks
	x := prefixindex.New(0)
	w := x.Join()
	for i := range 100_000 {
		c := chain(1, 8, i, 12)
		x.Learn(w, x.Longest(w, c), 8, x.Add(w, c))
	}
	if x.Bytes() > enough {
		t.Errorf("%d bytes after 400,000 blocks that came once, want ≤ %d", x.Bytes(), enough)
	}
}

func TestBytesIsWhatTheIndexTakes(t *testing.T) {
	const entries = 32_768
	before := heap()
	x := prefixindex.New(0)
	w := x.Join()
	for turn := range 6 { // a map would grow by turnover
		for i := range entries / 4 {
			x.Add(w, chain(1, 0, turn<<14|i, 4))
		}
		if took := heap() - before; x.Bytes() < took*95/100 || took < entries*8 {
			t.Errorf("turn %d: says %d bytes, took %d", turn, x.Bytes(), took)
		}
	}
	runtime.KeepAlive(x)
}

// heap is the bytes that are reachable.
func heap() int {
	runtime.GC()
	runtime.GC() // what the first one found dead by finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestAWorkerThatHoldsLessGivesMemoryBack(t *testing.T) {
	x := prefixindex.New(0)
	w := x.Join()
	for i := range 1000 {
		x.Add(w, chain(i, 0, 0, 30))
	}
	full := x.Bytes()
	x.SetCapacity(w, 1000)
	if x.Bytes() > full/8 {
		t.Errorf("%d bytes for 1000 blocks, %d before for 30,000", x.Bytes(), full)
	}
	if n := x.Longest(w, chain(999, 0, 0, 30)); n != 30 {
		t.Errorf("the newest prompt lost blocks: %d of 30", n)
	}
	if n := x.Longest(w, chain(900, 0, 0, 30)); n != 0 {
		t.Errorf("an old prompt is still there: %d blocks", n)
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
