package textual

import (
	"unicode"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// eachWord calls f with the runs of letters, digits and underscores of a text, in order.
func eachWord(text []byte, f func(from, to int)) {
	from := -1
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		in := wordBytes[text[i]]
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRune(text[i:])
			in = pyunicode.Word.Has(c)
		}
		if in && from < 0 {
			from = i
		}
		if !in && from >= 0 {
			f(from, i)
			from = -1
		}
		i += size
	}
	if from >= 0 {
		f(from, len(text))
	}
}

// Words counts words: runs of letters, digits and underscores.
func Words(text []byte) int {
	n := 0
	eachWord(text, func(int, int) { n++ })
	return n
}

// AppendWords writes the words of a text to b in lower case, one space between two: texts that differ in case, punctuation and white space
// alone come out equal.
func AppendWords(b, text []byte) []byte {
	first := true
	eachWord(text, func(from, to int) {
		if !first {
			b = append(b, ' ')
		}
		first = false
		for i := from; i < to; {
			if c := text[i]; c < utf8.RuneSelf {
				if 'A' <= c && c <= 'Z' {
					c |= 0x20
				}
				b = append(b, c)
				i++
				continue
			}
			r, size := utf8.DecodeRune(text[i:])
			b = utf8.AppendRune(b, unicode.ToLower(r))
			i += size
		}
	})
	return b
}
