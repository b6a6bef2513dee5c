package textual

import "unicode/utf8"

// Replacements counts what a lossy conversion leaves behind: U+FFFD, and bytes that are no UTF-8.
func Replacements(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError {
			n++
		}
		i += size
	}
	return n
}

// Mojibake counts places where UTF-8 was read as Windows-1252 or Latin-1, such as "Ã©" for "é" and "â€™" for "’". A place is a run of
// characters whose bytes in that code page are one character of UTF-8. Of those that stand alone only leads that are no word's end by themselves
// (Ã, Â, â€, ðŸ) count; other leads count where two or more follow each other, as Cyrillic and Greek come out.
func Mojibake(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		if text[i] < 0xC3 { // ASCII, continuation bytes, and C1 or Latin-1 marks, none of which leads
			i++
			continue
		}
		end, sure := misread(text, i)
		if end == 0 {
			_, size := utf8.DecodeRune(text[i:])
			i += size
			continue
		}
		run := 1
		for {
			next, surer := misread(text, end)
			if next == 0 {
				break
			}
			end, sure, run = next, sure || surer, run+1
		}
		if sure || run > 1 {
			n += run
		}
		i = end
	}
	return n
}

// misread finds one character of UTF-8 that was read byte by byte, at i: where it ends (0: there is none), and whether it is one for sure.
func misread(text []byte, i int) (end int, sure bool) {
	lead, size := utf8.DecodeRune(text[i:])
	var more int
	switch {
	case lead >= 0xC2 && lead <= 0xDF:
		more = 1
	case lead >= 0xE0 && lead <= 0xEF:
		more = 2
	case lead >= 0xF0 && lead <= 0xF4:
		more = 3
	default:
		return 0, false
	}
	at := i + size
	var second byte
	for k := range more {
		r, size := utf8.DecodeRune(text[at:])
		b := codePage(r)
		if b == 0 {
			return 0, false
		}
		if k == 0 {
			second = b
		}
		at += size
	}
	return at, lead == 0xC3 || lead == 0xC2 && second >= 0xA0 || lead == 0xE2 && second == 0x80 || lead == 0xF0 && second == 0x9F
}

// codePage is the byte 0x80 to 0xBF that a character is read from in Windows-1252, or in Latin-1; 0 for all other characters.
func codePage(r rune) byte {
	if r >= 0x80 && r <= 0xBF {
		return byte(r)
	}
	if r < 0x152 {
		return 0
	}
	for i, c := range windows1252 {
		if c == r {
			return byte(0x80 + i)
		}
	}
	return 0
}

// windows1252 is 0x80 to 0x9F; unassigned ones are zero.
var windows1252 = [32]rune{'€', 0, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0, 'Ž', 0, 0, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0, 'ž', 'Ÿ'}
