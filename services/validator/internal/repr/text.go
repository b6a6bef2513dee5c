package repr

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

const hex = "0123456789abcdef"

// decode reads a character, and a surrogate in the three bytes that UTF-8 would give it, as pyjson keeps those that stand alone.
func decode(s string) (rune, int) {
	if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 && s[1] < 0xC0 && s[2]&0xC0 == 0x80 {
		return rune(s[0]&0xF)<<12 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.DecodeRuneInString(s)
}

func appendHex(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hex[r>>shift&0xF])
	}
	return dst
}

var short = map[rune]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '"': '"', '\\': '\\'}

// JSON appends json.dumps(s): ASCII only, pairs of \u for characters above U+FFFF.
func JSON(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for len(s) > 0 {
		r, n := decode(s)
		s = s[n:]
		switch c, ok := short[r]; {
		case ok:
			dst = append(dst, '\\', c)
		case r >= 0x20 && r < 0x7F:
			dst = append(dst, byte(r))
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			dst = appendHex(append(dst, '\\', 'u'), high, 4)
			dst = appendHex(append(dst, '\\', 'u'), low, 4)
		default:
			dst = appendHex(append(dst, '\\', 'u'), r, 4)
		}
	}
	return append(dst, '"')
}

// Str appends repr(s): in single quotes unless only double quotes spare an escape; what is not printable is escaped.
func Str(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	dst = append(dst, quote)
	for len(s) > 0 {
		r, n := decode(s)
		dst = appendEscaped(dst, r, quote)
		s = s[n:]
	}
	return append(dst, quote)
}

func appendEscaped(dst []byte, r rune, quote byte) []byte {
	switch {
	case r == rune(quote), r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case r >= 0x20 && r < 0x7F:
		return append(dst, byte(r))
	case pyunicode.Printable.Has(r):
		return utf8.AppendRune(dst, r)
	case r <= 0xFF:
		return appendHex(append(dst, '\\', 'x'), r, 2)
	case r <= 0xFFFF:
		return appendHex(append(dst, '\\', 'u'), r, 4)
	}
	return appendHex(append(dst, '\\', 'U'), r, 8)
}
