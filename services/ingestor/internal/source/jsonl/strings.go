package jsonl

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// quoted moves past a string whose opening quote is next, and gives what stands between the quotes: escaped says that it holds backslashes, wide that
// it holds bytes beyond ASCII. Eight bytes at a time: a byte equals x where (byte^x)-1 borrows, and is below 0x20 where byte-0x20 does; borrows reach
// only upwards, so the lowest hit is a true one.
func (t *text) quoted() (s []byte, escaped, wide bool, err error) {
	b, from := t.b, t.i+1
	i := from
	var beyond uint64
	for {
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			q, e := x^(ones*'"'), x^(ones*'\\')
			hit := ((q - ones) &^ q) | ((e - ones) &^ e) | ((x - ones*0x20) &^ x)
			if hit &= highs; hit != 0 {
				n := bits.TrailingZeros64(hit)
				beyond |= x & (1<<(n&^7) - 1)
				i += n >> 3
				break
			}
			beyond |= x
			i += 8
		}
		for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
			beyond |= uint64(b[i])
			i++
		}
		switch {
		case i >= len(b):
			t.i = len(b)
			return nil, false, false, t.ended()
		case b[i] == '"':
			t.i = i + 1
			return b[from:i], escaped, beyond&highs != 0, nil
		case b[i] == '\\':
			escaped = true
			i += 2
		default:
			t.i = i
			return nil, false, false, t.fail("a control character (0x%02x) in a string; it must be escaped", b[i])
		}
	}
}

// plain resolves the escapes of s, into scratch. Half a surrogate pair becomes bytes that are not UTF-8, for whoever checks that.
func (t *text) plain(s []byte) ([]byte, error) {
	out := t.scratch[:0]
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			from := i
			for i < len(s) && s[i] != '\\' {
				i++
			}
			out = append(out, s[from:i]...)
			continue
		}
		if s[i+1] != 'u' {
			c := escapes[s[i+1]]
			if c == 0 {
				return nil, t.fail("the escape \\%c", s[i+1])
			}
			out, i = append(out, c), i+2
			continue
		}
		r, n := unicode(s[i:])
		if n == 0 {
			return nil, t.fail("the escape %q", s[i:min(len(s), i+6)])
		}
		if out, i = utf8.AppendRune(out, r), i+n; r == lone {
			out = append(out[:len(out)-utf8.RuneLen(utf8.RuneError)], 0xed, 0xa0, 0x80)
		}
	}
	t.scratch = out
	return out, nil
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// lone stands for half a surrogate pair.
const lone = -1

// unicode reads \uXXXX, or two of them that are a pair; n is how many bytes that were, 0 where it is none.
func unicode(s []byte) (r rune, n int) {
	r, ok := hex4(s)
	switch {
	case !ok:
		return 0, 0
	case !utf16.IsSurrogate(r):
		return r, 6
	}
	if low, ok := hex4(s[6:]); ok {
		if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, 12
		}
	}
	return lone, 6
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
