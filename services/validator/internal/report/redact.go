package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/textual"
)

// Redact says what of the data's own values a page shows.
type Redact string

// What is masked. Names of columns, and counts, are always shown.
const (
	RedactPII  Redact = "pii"  // addresses, phone and card numbers, keys: what package textual finds. Names of people are not found
	RedactAll  Redact = "all"  // every value
	RedactNone Redact = "none" // nothing
)

func (r Redact) check() error {
	switch r {
	case "", RedactPII, RedactAll, RedactNone:
		return nil
	}
	return fmt.Errorf("redact %q is none of pii, all, none", r)
}

// text is what has values of the data in it as it may be shown, at most so many characters of it. It is masked before it is cut: half an address is one too.
func (r Redact) text(s string, most int) string {
	if r == RedactAll {
		return fmt.Sprintf("[%d characters]", utf8.RuneCountInString(s))
	}
	return cut(r.masked(s), most)
}

// shown is a text of the data as text is, but that an empty one and the spaces around one are seen. What that needs to be quoted for comes after masking, which would not know an address behind "\n".
func (r Redact) shown(s string, most int) string {
	if r == RedactAll {
		return r.text(s, most)
	}
	return cut(visible(r.masked(s)), most)
}

// number is a number of the data as people read it; one that is a card's is none to show.
func (r Redact) number(f float64) string {
	digits := strconv.FormatFloat(f, 'f', -1, 64)
	if m := r.masked(digits); m != digits {
		return m
	}
	return real(f)
}

// masked is a text without what r masks, where that is not all of it. The second look is for texts that stand in JSON: there a word may begin behind an escape.
func (r Redact) masked(s string) string {
	if r == RedactNone {
		return s
	}
	s = mask(s, []byte(s))
	return mask(s, unescaped(s))
}

// mask puts the kind of each finding in its place: seen is as long as s and what is looked at.
func mask(s string, seen []byte) string {
	var b strings.Builder
	done := 0
	textual.Find(seen, func(k textual.Kind, from, to int) bool {
		b.WriteString(s[done:from])
		b.WriteString("[" + k.String() + "]")
		done = to
		return true
	})
	if done == 0 {
		return s
	}
	return b.String() + s[done:]
}

// escape is one of JSON, or of Go.
var escape = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[^ux])`)

// unescaped has spaces in place of escapes.
func unescaped(s string) []byte {
	return escape.ReplaceAllFunc([]byte(s), func(e []byte) []byte { return bytes.Repeat([]byte(" "), len(e)) })
}

func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
