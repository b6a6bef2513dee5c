package pyre_test

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/leathq/leat/services/validator/internal/pyre"
)

func column(texts []string) pyre.Texts {
	t := pyre.Texts{Offsets32: []int32{0}, Offsets64: []int64{0}}
	for _, s := range texts {
		t.Data = append(t.Data, s...)
		t.Offsets32 = append(t.Offsets32, int32(len(t.Data)))
		t.Offsets64 = append(t.Offsets64, int64(len(t.Data)))
	}
	return t
}

// A column says of each row what the row says alone, whatever its neighbours, its validity and the width of offsets.
func TestColumnAgreesWithRows(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, g := range goldens(t) {
		r, err := pyre.Compile(g.pattern)
		if err != nil {
			continue
		}
		c := column(g.texts)
		narrow, wide := c, c
		narrow.Offsets64, wide.Offsets32 = nil, nil
		valid := pyre.Bits{Bytes: []byte{byte(rnd.Uint32()), byte(rnd.Uint32()), 255, 255, 255, 255, 255, 255, 255}, Offset: rnd.IntN(9)}
		for _, c := range []pyre.Texts{narrow, wide} {
			out := pyre.Bits{Bytes: []byte(strings.Repeat("\xaa", 16)), Offset: 3}
			if err := r.SearchAll(c, valid, out); err != nil {
				t.Fatal(err)
			}
			for i, text := range g.texts {
				at, v := 3+i, valid.Offset+i
				want := g.found[i] == 1 && valid.Bytes[v/8]>>(v%8)&1 == 1
				if got := out.Bytes[at/8]>>(at%8)&1 == 1; got != want {
					t.Errorf("%q: row %d (%q) of a column is %v, want %v", g.pattern, i, text, got, want)
				}
			}
			if out.Bytes[0]&7 != 0xaa&7 {
				t.Fatalf("%q: bits before the offset were written", g.pattern)
			}
		}
	}
}

// An automaton that would need more states than it may keep forgets some, stays small, and still finds what is there.
func TestSmallMemoryLosesNothing(t *testing.T) {
	r, err := pyre.Compile(`x[abx]{18}[yz]`)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 1<<18)
	for i := range noise {
		noise[i] = "abx"[rnd.IntN(3)]
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	defer func() {
		runtime.GC()
		if runtime.ReadMemStats(&after); after.HeapAlloc > before.HeapAlloc+16<<20 {
			t.Errorf("%d bytes are kept for one pattern", after.HeapAlloc-before.HeapAlloc)
		}
		runtime.KeepAlive(r)
	}()
	for _, tail := range []string{"", "x" + strings.Repeat("ab", 9) + "y"} {
		found, err := r.Search([]byte(string(noise) + tail))
		if want := tail != ""; found != want || err != nil {
			t.Errorf("found %v, %v, want %v", found, err, want)
		}
	}
}

// A pattern that backtracks without end is an error that names it, not a hang and not a verdict.
func TestRunawayIsAnError(t *testing.T) {
	r, err := pyre.Compile(`^(a+)+\1\1c|(a+)+\2d`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Search([]byte(strings.Repeat("a", 64) + "bcd")); err == nil || !strings.Contains(err.Error(), "a+") {
		t.Errorf("no error that names the pattern: %v", err)
	}
	if found, err := r.Search([]byte("aaac")); !found || err != nil {
		t.Errorf("a short text afterwards: %v, %v", found, err)
	}
}

// Whatever the pattern and the text, there is an answer or an error.
func FuzzCompileAndSearch(f *testing.F) {
	for i, g := range goldens(f) {
		if i%97 == 0 && len(g.texts) > 0 {
			f.Add(g.pattern, []byte(g.texts[0]))
		}
	}
	f.Add(`(?<!é)[^a]+?\b$`, []byte("\xc3\xe9\xff\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, pattern string, text []byte) {
		if len(pattern) > 200 || len(text) > 2000 {
			return
		}
		r, err := pyre.Compile(pattern)
		if err != nil {
			return
		}
		first, err := r.Search(text)
		again, err2 := r.Search(text)
		if first != again || (err == nil) != (err2 == nil) {
			t.Errorf("%q in %q: %v then %v", pattern, text, first, again)
		}
	})
}
