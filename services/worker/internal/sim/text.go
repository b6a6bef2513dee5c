package sim

import (
	"strings"
	"unicode/utf8"
)

// text turns tokens into deltas of whole characters, and holds back what may still become a stop string.
type text struct {
	stops   []string
	pending string
}

// add takes the bytes of one token; it returns what is certain now, and whether a stop string has ended the text.
func (t *text) add(piece string) (out string, stopped bool) {
	if len(t.stops) == 0 && t.pending == "" && utf8.ValidString(piece) {
		return piece, false
	}
	t.pending += piece
	first := -1
	for _, stop := range t.stops {
		if i := strings.Index(t.pending, stop); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first >= 0 {
		out, t.pending = t.pending[:first], ""
		return valid(out), true
	}
	keep := min(t.certain(), wholeCharacters(t.pending))
	out, t.pending = t.pending[:keep], t.pending[keep:]
	return valid(out), false
}

// flush returns what was held back; the text has ended without a stop string.
func (t *text) flush() string {
	out := t.pending
	t.pending = ""
	return valid(out)
}

// certain is the length of the pending text that can be no part of a stop string.
func (t *text) certain() int {
	keep := len(t.pending)
	for _, stop := range t.stops {
		for i := max(0, len(t.pending)-len(stop)+1); i < keep; i++ {
			if strings.HasPrefix(stop, t.pending[i:]) {
				keep = i
			}
		}
	}
	return keep
}

// wholeCharacters is the length of s without a character at its end whose last bytes are still to come.
func wholeCharacters(s string) int {
	for i := len(s) - 1; i >= max(0, len(s)-utf8.UTFMax); i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return i
			}
			break
		}
	}
	return len(s)
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
