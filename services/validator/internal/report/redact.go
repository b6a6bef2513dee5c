package report

import (
	"fmt"
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

// text is a value of the data as it may be shown, at most so many characters of it. It is masked before it is cut: half an address is one too.
func (r Redact) text(s string, most int) string {
	switch r {
	case RedactNone:
	case RedactAll:
		return fmt.Sprintf("[%d characters]", utf8.RuneCountInString(s))
	default:
		s = mask(s)
	}
	return cut(s, most)
}

// mask puts the kind of each finding in its place.
func mask(s string) string {
	var b strings.Builder
	done := 0
	textual.Find([]byte(s), func(k textual.Kind, from, to int) bool {
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
