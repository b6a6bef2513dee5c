package jsonl

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// A text is JSON text that is read once, from left to right.
type text struct {
	b       []byte
	i       int
	depth   int
	scratch []byte
}

// maxDepth bounds recursion, as most decoders do.
const maxDepth = 512

func (t *text) fail(format string, args ...any) error {
	return fmt.Errorf("not JSON at byte %d: %s", t.i+1, fmt.Sprintf(format, args...))
}

func (t *text) space() {
	for t.i < len(t.b) {
		switch t.b[t.i] {
		case ' ', '\t', '\r', '\n':
			t.i++
		default:
			return
		}
	}
}

// peek is the next byte that is no space, 0 at the end.
func (t *text) peek() byte {
	if t.i < len(t.b) && t.b[t.i] > ' ' {
		return t.b[t.i]
	}
	if t.space(); t.i < len(t.b) {
		return t.b[t.i]
	}
	return 0
}

func (t *text) ended() error { return t.fail("it ends too early; the line may be cut") }

func (t *text) unexpected(want string) error {
	if t.i >= len(t.b) {
		return t.ended()
	}
	return t.fail("want %s, not %q", want, t.b[t.i])
}

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

// number moves past a number; whole says that it has neither point nor exponent.
func (t *text) number() (s []byte, whole bool, err error) {
	b, from, i := t.b, t.i, t.i
	if i < len(b) && b[i] == '-' {
		i++
	}
	first := i
	i = digits(b, i)
	switch {
	case i == first:
		t.i = i
		return nil, false, t.unexpected("a digit")
	case b[first] == '0' && i > first+1:
		return nil, false, t.fail("a number that begins with 0")
	}
	whole = true
	if i < len(b) && b[i] == '.' {
		whole, first = false, i+1
		if i = digits(b, first); i == first {
			t.i = i
			return nil, false, t.unexpected("a digit after the point")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		whole = false
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		if i = digits(b, i); i == first {
			t.i = i
			return nil, false, t.unexpected("a digit of the exponent")
		}
	}
	t.i = i
	return b[from:i], whole, nil
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// word moves past true, false or null.
func (t *text) word(w string) error {
	if len(t.b)-t.i < len(w) || string(t.b[t.i:t.i+len(w)]) != w {
		return t.unexpected("a JSON value")
	}
	t.i += len(w)
	return nil
}

// skip moves past a value of any kind, and checks that it is one.
func (t *text) skip() error {
	switch c := t.peek(); c {
	case '"':
		s, escaped, _, err := t.quoted()
		if err == nil && escaped {
			_, err = t.plain(s)
		}
		return err
	case '{':
		return t.object(func([]byte) error { return t.skip() })
	case '[':
		return t.array(func(int) error { return t.skip() })
	case 't':
		return t.word("true")
	case 'f':
		return t.word("false")
	case 'n':
		return t.word("null")
	default:
		_, _, err := t.number()
		return err
	}
}

// object moves past an object, calling f behind each key's colon; f moves past the value. The key is valid until f reads.
func (t *text) object(f func(key []byte) error) error {
	if t.depth++; t.depth > maxDepth {
		return t.fail("more than %d levels", maxDepth)
	}
	t.i++
	if t.peek() == '}' {
		t.i++
		t.depth--
		return nil
	}
	for {
		if t.peek() != '"' {
			return t.unexpected("a key in quotes")
		}
		key, escaped, _, err := t.quoted()
		if err == nil && escaped {
			key, err = t.plain(key)
		}
		if err != nil {
			return err
		}
		if t.peek() != ':' {
			return t.unexpected(`":"`)
		}
		t.i++
		if err := f(key); err != nil {
			return err
		}
		switch t.peek() {
		case ',':
			t.i++
		case '}':
			t.i++
			t.depth--
			return nil
		default:
			return t.unexpected(`"," or "}"`)
		}
	}
}

// array moves past an array, calling f before each element; f moves past it.
func (t *text) array(f func(i int) error) error {
	if t.depth++; t.depth > maxDepth {
		return t.fail("more than %d levels", maxDepth)
	}
	t.i++
	if t.peek() == ']' {
		t.i++
		t.depth--
		return nil
	}
	for i := 0; ; i++ {
		if err := f(i); err != nil {
			return err
		}
		switch t.peek() {
		case ',':
			t.i++
		case ']':
			t.i++
			t.depth--
			return nil
		default:
			return t.unexpected(`"," or "]"`)
		}
	}
}
