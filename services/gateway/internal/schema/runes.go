package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// runes is a set of characters as sorted ranges: first, last, first, last, …
type runes []rune

// plainRunes are the characters that stand in a JSON string as they are.
var plainRunes = runes{' ', '!', '#', '[', ']', '~', 0x80, 0xd7ff, 0xe000, utf8.MaxRune}

func plain(r rune) bool { return len(plainRunes.and(runes{r, r})) > 0 }

// minus is what is in s and not in t.
func (s runes) minus(t runes) (out runes) {
	next := rune(0)
	var rest runes
	for i := 0; i < len(t); i += 2 {
		if t[i] > next {
			rest = append(rest, next, t[i]-1)
		}
		next = max(next, t[i+1]+1)
	}
	if next <= utf8.MaxRune {
		rest = append(rest, next, utf8.MaxRune)
	}
	return s.and(rest)
}

// and is what is in both.
func (s runes) and(t runes) (out runes) {
	for i, j := 0, 0; i < len(s) && j < len(t); {
		if lo, hi := max(s[i], t[j]), min(s[i+1], t[j+1]); lo <= hi {
			out = append(out, lo, hi)
		}
		if s[i+1] < t[j+1] {
			i += 2
		} else {
			j += 2
		}
	}
	return out
}

// class writes a set that is not empty in GBNF.
func (s runes) class() string {
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i < len(s); i += 2 {
		spell(&b, s[i])
		if s[i+1] > s[i] {
			b.WriteByte('-')
			spell(&b, s[i+1])
		}
	}
	b.WriteByte(']')
	return b.String()
}

func spell(b *strings.Builder, r rune) {
	switch {
	case r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
		b.WriteRune(r)
	case r <= 0xff:
		fmt.Fprintf(b, `\x%02X`, r)
	case r <= 0xffff:
		fmt.Fprintf(b, `\u%04X`, r)
	default:
		fmt.Fprintf(b, `\U%08X`, r)
	}
}
