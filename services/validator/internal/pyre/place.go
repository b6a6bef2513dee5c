package pyre

import (
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

func sortOfRune(r rune, size int) sort8 {
	switch {
	case size == 0:
		return end
	case r == '\n':
		return newline
	case r < 0x80 && asciiWords.has(r):
		return asciiWord
	case r >= 0x80 && pyunicode.Word.Has(r):
		return otherWord
	}
	return other
}

// holds reports whether a place is at pos of the text, by the same rules as an automaton's.
func (b *matcher) holds(pl place, pos int) bool {
	before := sortOfRune(utf8.DecodeLastRune(b.text[:pos]))
	after := sortOfRune(utf8.DecodeRune(b.text[pos:]))
	wants := narrowed(pl, free, before)
	if wants&thread(after) == 0 {
		return false
	}
	return wants&lastLine == 0 || after != newline || pos+1 == len(b.text)
}
