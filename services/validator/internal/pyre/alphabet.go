package pyre

import (
	"slices"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// sort of a character (or of the place before the first and after the last), as assertions see it.
type sort8 uint8

const (
	asciiWord sort8 = 1 << iota
	otherWord
	newline
	other
	end // behind the last character; as a sort before a place: the start
)

const anySort = asciiWord | otherWord | newline | other | end

var asciiWords = category('w', true)

// alphabet cuts all characters into classes that no set of a pattern, and no assertion, tells apart.
type alphabet struct {
	starts []rune   // first character of each range, ascending
	class  []uint16 // of each range
	sorts  []sort8  // of each class
	ascii  [utf8.RuneSelf]uint16
	blocks []uint16 // of 256 characters each: a number of pages, or the one class of the whole block + len(pages)
	pages  [][256]uint16
}

// newAlphabet makes the classes. Words are told apart only for patterns that ask for their boundaries.
func newAlphabet(sets []runeSet, boundaries bool) *alphabet {
	var words, ascii runeSet
	if boundaries {
		words, ascii = runeSet(pyunicode.Word), asciiWords
	}
	all := append(slices.Clone(sets), words, ascii, single('\n'))
	a := &alphabet{starts: cuts(all)}
	a.class = make([]uint16, len(a.starts))
	known := map[string]uint16{}
	key := make([]byte, len(all))
	at := make([]int, len(all)) // the pair of each set that ends at or behind the range
	for i, r := range a.starts {
		for j, s := range all {
			for at[j] < len(s) && s[at[j]+1] < r {
				at[j] += 2
			}
			key[j] = 0
			if at[j] < len(s) && s[at[j]] <= r {
				key[j] = 1
			}
		}
		c, ok := known[string(key)]
		if !ok {
			c = uint16(len(known))
			known[string(key)] = c
			a.sorts = append(a.sorts, sortOf(key[len(sets):]))
		}
		a.class[i] = c
	}
	a.index()
	return a
}

// cuts lists where any set begins or ends.
func cuts(sets []runeSet) []rune {
	out, spare := []rune{0}, []rune(nil)
	for _, s := range sets {
		edges := make([]rune, 0, len(s))
		for i := 0; i < len(s); i += 2 {
			if edges = append(edges, s[i]); s[i+1] < maxRune {
				edges = append(edges, s[i+1]+1)
			}
		}
		out, spare = merged(spare[:0], out, edges), out
	}
	return slices.Compact(out)
}

// merged appends what two sorted lists hold, in order.
func merged(out, a, b []rune) []rune {
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// sortOf reads membership of words, ASCII words and the newline.
func sortOf(key []byte) sort8 {
	switch {
	case key[2] == 1:
		return newline
	case key[1] == 1:
		return asciiWord
	case key[0] == 1:
		return otherWord
	}
	return other
}

func (a *alphabet) index() {
	last := func(i int) rune {
		if i+1 < len(a.starts) {
			return a.starts[i+1] - 1
		}
		return maxRune
	}
	i, pages := 0, 0
	for k, before := 1, rune(-1); k < len(a.starts); k++ { // a page is a block that a range begins within
		if r := a.starts[k]; r&0xff != 0 && r>>8 != before {
			pages, before = pages+1, r>>8
		}
	}
	a.blocks, a.pages = make([]uint16, 0, maxRune>>8+1), make([][256]uint16, 0, pages)
	for block := rune(0); block <= maxRune>>8; block++ {
		from := block << 8
		for last(i) < from {
			i++
		}
		if last(i) >= from|0xff {
			a.blocks = append(a.blocks, 0x8000|a.class[i])
			continue
		}
		var page [256]uint16
		for j, k := from, i; j <= from|0xff; j++ {
			for last(k) < j {
				k++
			}
			page[j&0xff] = a.class[k]
		}
		a.blocks = append(a.blocks, uint16(len(a.pages)))
		a.pages = append(a.pages, page)
	}
	for r := range a.ascii {
		a.ascii[r] = a.pages[0][r]
	}
}

// of is the class of a character.
func (a *alphabet) of(r rune) uint16 {
	b := a.blocks[r>>8]
	if b&0x8000 != 0 {
		return b &^ 0x8000
	}
	return a.pages[b][r&0xff]
}

func (a *alphabet) size() int { return len(a.sorts) }

// bits says of each class whether s holds it.
func (a *alphabet) bits(s runeSet) []bool {
	out := make([]bool, a.size())
	for i, r := range a.starts {
		if !out[a.class[i]] && s.has(r) {
			out[a.class[i]] = true
		}
	}
	return out
}

// firstBytes are the bytes that a character of the classes may begin with in a text, well-formed or not.
func (a *alphabet) firstBytes(classes []bool) (out [256]bool) {
	for i, lo := range a.starts {
		if !classes[a.class[i]] {
			continue
		}
		hi := rune(maxRune)
		if i+1 < len(a.starts) {
			hi = a.starts[i+1] - 1
		}
		for b := int(lead(lo)); b <= int(lead(hi)); b++ {
			out[b] = true
		}
	}
	if classes[a.of(utf8.RuneError)] { // a byte that begins no character reads as this one
		for b := utf8.RuneSelf; b < 256; b++ {
			out[b] = true
		}
	}
	return out
}

// lead is the first byte of r in UTF-8. Surrogates, which no text has, count as their neighbours.
func lead(r rune) byte {
	if 0xD800 <= r && r <= 0xDFFF {
		return 0xED
	}
	var buf [utf8.UTFMax]byte
	utf8.EncodeRune(buf[:], r)
	return buf[0]
}
