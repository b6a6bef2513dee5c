package jsonl

import (
	"fmt"
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
