package gx

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Repr prints a float as Python's repr does: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
func Repr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// appendJSON writes a value as GX's results are written. JSON has no NaN and no infinities: NaN is null, as a missing
// value is, and an infinity is its name in quotes.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case *big.Int:
		return v.Append(b, 10)
	case float64:
		return appendFloat(b, v)
	case string:
		return appendString(b, v)
	case time.Time:
		return appendString(b, v.Format("2006-01-02T15:04:05.000000Z07:00"))
	case []any:
		return appendList(b, v)
	case Object:
		return appendObject(b, v)
	}
	s, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, s...)
}

func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "null"...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	return append(b, Repr(f)...)
}

// appendString writes a text as encoding/json does without escapes for HTML; texts are most of what is written, and long.
func appendString(b []byte, s string) []byte {
	if len(s)+2 > cap(b)-len(b) {
		b = slices.Grow(b, max(len(s)+2, len(b))) // append alone would copy long results more often
	}
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if i++; asItIs[c] {
				continue
			}
			b = append(b, s[from:i-1]...)
			b = appendEscape(b, c)
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '\u2028' || r == '\u2029' || r == utf8.RuneError && n == 1 {
			b = append(b, s[from:i]...)
			b = fmt.Appendf(b, `\u%04x`, r)
			from = i + n
		}
		i += n
	}
	return append(append(b, s[from:]...), '"')
}

// asItIs are the characters of ASCII that stand for themselves.
var asItIs = func() (p [utf8.RuneSelf]bool) {
	for c := range p {
		p[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return p
}()

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return fmt.Appendf(b, `\u%04x`, c)
}

func appendList(b []byte, list []any) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, v)
	}
	return append(b, ']')
}

// jsonSize is about how many bytes appendJSON makes of a value: texts, of which results of documents are made, with a part to spare for what is escaped.
func jsonSize(v any) int {
	const other = 24
	switch v := v.(type) {
	case string:
		return len(v) + len(v)/16 + other
	case Object:
		n := other
		for _, m := range v {
			n += len(m.Name) + jsonSize(m.Value)
		}
		return n
	case []any:
		n := other
		for _, x := range v {
			n += jsonSize(x)
		}
		return n
	}
	return other
}

func appendObject(b []byte, o Object) []byte {
	b = append(b, '{')
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, m.Name), ':')
		b = appendJSON(b, m.Value)
	}
	return append(b, '}')
}
