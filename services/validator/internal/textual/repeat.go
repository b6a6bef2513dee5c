package textual

import (
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
	"github.com/zeebo/xxh3"
)

// Repeats measures repetition. It keeps its tables between texts, so that it allocates only for the longest; it is not safe for concurrent
// use.
type Repeats struct {
	words []word
	table []uint64 // hashes of what has been seen, open addressing; 0 is empty
}

type word struct {
	from, to int
	hash     uint64
}

// reset makes room for n entries at half load.
func (r *Repeats) reset(n int) {
	size := 16
	for size < 2*n {
		size *= 2
	}
	if size > cap(r.table) {
		r.table = make([]uint64, size)
		return
	}
	r.table = r.table[:size]
	clear(r.table)
}

// add reports whether a hash is new.
func (r *Repeats) add(h uint64) bool {
	h |= 1 // never the empty mark
	mask := uint64(len(r.table) - 1)
	for i := h >> 1 & mask; ; i = (i + 1) & mask {
		switch r.table[i] {
		case 0:
			r.table[i] = h
			return true
		case h:
			return false
		}
	}
}

// Ngrams is the share of a text's bytes that lie in runs of n words which have occurred before in it, 0 to 1: the "duplicate n-gram" measure
// of Gopher (Rae et al. 2021), with words as runs of letters, digits and underscores. A run that repeats is stepped over whole.
func (r *Repeats) Ngrams(text []byte, n int) float64 {
	r.split(text)
	if len(text) == 0 || n < 1 || len(r.words) < n {
		return 0
	}
	r.reset(len(r.words))
	repeated := 0
	for i := 0; i+n <= len(r.words); {
		h := uint64(0)
		for _, w := range r.words[i : i+n] {
			h = (h ^ w.hash) * 0x9E3779B97F4A7C15
			h ^= h >> 29
		}
		if r.add(h) {
			i++
			continue
		}
		repeated += r.words[i+n-1].to - r.words[i].from
		i += n
	}
	return float64(repeated) / float64(len(text))
}

// Lines is the share of a text's bytes in lines that have occurred before in it, without their ends; empty lines do not count.
func (r *Repeats) Lines(text []byte) float64 {
	if len(text) == 0 {
		return 0
	}
	lines := 1
	for _, b := range text {
		if b == '\n' {
			lines++
		}
	}
	r.reset(lines)
	repeated, from := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != '\n' {
			continue
		}
		if line := text[from:i]; len(line) > 0 && !r.add(xxh3.Hash(line)) {
			repeated += len(line)
		}
		from = i + 1
	}
	return float64(repeated) / float64(len(text))
}

func (r *Repeats) split(text []byte) {
	r.words = r.words[:0]
	eachWord(text, func(from, to int) { r.words = append(r.words, word{from, to, xxh3.Hash(text[from:to])}) })
}

var wordBytes = func() (t [256]bool) {
	for b := range utf8.RuneSelf {
		t[b] = pyunicode.Word.Has(rune(b))
	}
	return t
}()
