// Package strftime decides whether a text matches a format as datetime.strptime of Python 3.11 does, in the C locale and in UTC.
// It does not build the date.
package strftime

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyre"
	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// RaisedError says that strptime raises something else than ValueError for a format, whatever the text: Great Expectations then fails
// instead of counting values.
type RaisedError struct{ Format, Reason string }

func (e *RaisedError) Error() string {
	return fmt.Sprintf("strftime format %q: %s; name each directive once", e.Format, e.Reason)
}

// Format is a compiled format. It may be used from several goroutines at once.
type Format struct {
	bad    string // why no text matches
	match  *pyre.Captures
	groups []group // in the order of the format
	quick  []part  // the format once more, when all of it is quick to match
}

type group struct {
	directive byte
	number    int
}

var names = struct{ weekdays, months []string }{
	[]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
	[]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"},
}

// patterns of the directives, without their groups.
var patterns = map[byte]string{
	'd': `3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9]`,
	'f': `[0-9]{1,6}`,
	'H': `2[0-3]|[0-1]\d|\d`,
	'I': `1[0-2]|0[1-9]|[1-9]`,
	'G': `\d\d\d\d`,
	'j': `36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]`,
	'm': `1[0-2]|0[1-9]|[1-9]`,
	'M': `[0-5]\d|\d`,
	'S': `6[0-1]|[0-5]\d|\d`,
	'U': `5[0-3]|[0-4]\d|\d`,
	'W': `5[0-3]|[0-4]\d|\d`,
	'w': `[0-6]`,
	'u': `[1-7]`,
	'V': `5[0-3]|0[1-9]|[1-4]\d|\d`,
	'y': `\d\d`,
	'Y': `\d\d\d\d`,
	'z': `[+-]\d\d:?[0-5]\d(:?[0-5]\d(\.\d{1,6})?)?|(?-i:Z)`,
	'A': longestFirst(names.weekdays, 0),
	'a': longestFirst(names.weekdays, 3),
	'B': longestFirst(names.months, 0),
	'b': longestFirst(names.months, 3),
	'p': `am|pm`,
	'Z': `utc|gmt`,
}

// composed directives of the C locale.
var composed = map[byte]string{'c': "%a %b %d %H:%M:%S %Y", 'x': "%m/%d/%y", 'X': "%H:%M:%S"}

func longestFirst(all []string, cut int) string {
	out := slices.Clone(all)
	for i := range out {
		if cut > 0 {
			out[i] = out[i][:cut]
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return strings.Join(out, "|")
}

// Compile reads a format. A format with an unknown directive is no error: strptime refuses every text for it, and so does Match; Bad says
// why. The error is a *RaisedError.
func Compile(format string) (*Format, error) {
	f := &Format{}
	var b strings.Builder
	b.WriteString("(?i)")
	if f.bad = pattern(&b, format, format); f.bad != "" {
		return f, nil
	}
	var err error
	if f.match, err = pyre.CompileCaptures(b.String()); err != nil {
		return nil, &RaisedError{Format: format, Reason: err.Error()}
	}
	for d := range patterns {
		if n := f.match.Group(string(d)); n > 0 {
			f.groups = append(f.groups, group{d, n})
		}
	}
	slices.SortFunc(f.groups, func(a, b group) int { return a.number - b.number })
	f.quick = quickParts(format)
	return f, nil
}

// Bad is why no text can match, or "".
func (f *Format) Bad() string { return f.bad }

// pattern writes the regular expression of a format, or says why there is none.
func pattern(b *strings.Builder, format, whole string) (bad string) {
	spaces := false
	for i := 0; i < len(format); i++ {
		c := format[i]
		r, size := decode(format[i:])
		if pyunicode.Space.Has(r) {
			if !spaces {
				b.WriteString(`\s+`)
			}
			spaces = true
			i += size - 1
			continue
		}
		spaces = false
		if c != '%' {
			if strings.IndexByte(`\.^$*+?(){}[]|`, c) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
			continue
		}
		i++
		if i == len(format) {
			return fmt.Sprintf("stray %% in format %q; write %%%% for the character itself", whole)
		}
		if bad := directive(b, format[i], whole); bad != "" {
			return bad
		}
	}
	return ""
}

func directive(b *strings.Builder, d byte, whole string) (bad string) {
	if c, ok := composed[d]; ok {
		return pattern(b, c, whole)
	}
	p, ok := patterns[d]
	switch {
	case d == '%':
		b.WriteByte('%')
	case ok:
		fmt.Fprintf(b, "(?P<%c>%s)", d, p)
	default:
		return fmt.Sprintf("%q is a bad directive in format %q; Python's documentation of strptime lists those that exist", "%"+string(rune(d)), whole)
	}
	return ""
}

// Match reports whether strptime accepts the text.
func (f *Format) Match(text []byte) bool {
	if f.bad != "" {
		return false
	}
	if f.quick != nil {
		if ok, sure := quickMatch(f.quick, text); sure {
			return ok
		}
	}
	var spans [64]int
	end, ok := f.match.Match(text, spans[:])
	return ok && end == len(text) && f.valid(text, spans[:])
}
