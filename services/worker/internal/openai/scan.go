package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

// errJSON says that an upstream sent something that is not the JSON it should be.
var errJSON = errors.New("not valid JSON")

// maxDepth is how deep values that nobody reads may be nested.
const maxDepth = 128

// scanner walks JSON in place, once, and copies nothing. It accepts all valid JSON; of values that are skipped it
// checks only that strings and brackets close. The first error sticks.
type scanner struct {
	b   []byte
	i   int
	bad bool
}

func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\n', '\t', '\r':
			s.i++
		default:
			return
		}
	}
}

// peek is the first byte of the next value, 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) want(c byte) {
	if !s.take(c) {
		s.fail()
	}
}

// raw reads a string and returns it with its quotes; escaped says that it holds a backslash.
func (s *scanner) raw() (lit []byte, escaped bool) {
	s.want('"')
	if s.bad {
		return nil, false
	}
	start := s.i
	for {
		n := bytes.IndexByte(s.b[s.i:], '"')
		if n < 0 {
			s.fail()
			return nil, false
		}
		s.i += n + 1
		slashes := 0
		for k := s.i - 2; k >= start && s.b[k] == '\\'; k-- {
			slashes++
		}
		if slashes%2 == 0 {
			break
		}
	}
	lit = s.b[start-1 : s.i]
	return lit, bytes.IndexByte(lit, '\\') >= 0
}

// str reads a string, or null as the empty string.
func (s *scanner) str() string {
	if s.null() {
		return ""
	}
	lit, escaped := s.raw()
	if s.bad {
		return ""
	}
	if !escaped && utf8.Valid(lit) {
		return string(lit[1 : len(lit)-1])
	}
	var out string
	if json.Unmarshal(lit, &out) != nil {
		s.fail()
	}
	return out
}

// key reads the name of a member and the colon behind it; the bytes are valid until the buffer changes.
func (s *scanner) key() []byte {
	lit, escaped := s.raw()
	s.want(':')
	if s.bad {
		return nil
	}
	if escaped {
		var out string
		if json.Unmarshal(lit, &out) != nil {
			s.fail()
		}
		return []byte(out)
	}
	return lit[1 : len(lit)-1]
}

func (s *scanner) null() bool {
	if s.peek() != 'n' {
		return false
	}
	if !bytes.HasPrefix(s.b[s.i:], []byte("null")) {
		s.fail()
		return false
	}
	s.i += 4
	return true
}

// number reads a number; anything else that is a value is skipped and counts as 0.
func (s *scanner) number() float64 {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		s.skip()
		return 0
	}
	start := s.i
	for s.i < len(s.b) && isNumber(s.b[s.i]) {
		s.i++
	}
	f, err := strconv.ParseFloat(string(s.b[start:s.i]), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		s.fail()
	}
	return f
}

func isNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// count reads a number of things: never negative, never beyond 2^53. Plain digits, which is what servers send, are read
// without the float parser that was 4 % of a unary request.
func (s *scanner) count() int {
	s.space()
	n, i := 0, s.i
	for ; i < len(s.b) && i-s.i < 15 && s.b[i] >= '0' && s.b[i] <= '9'; i++ {
		n = n*10 + int(s.b[i]-'0')
	}
	if i > s.i && i < len(s.b) && !isNumber(s.b[i]) && (s.b[s.i] != '0' || i == s.i+1) {
		s.i = i
		return n
	}
	return int(math.Max(0, math.Min(s.number(), 1<<53)))
}

// skip passes over one value and returns its bytes.
func (s *scanner) skip() []byte {
	s.space()
	start := s.i
	switch s.peek() {
	case '"':
		s.raw()
	case '{', '[':
		s.skipNested()
	case 0, '}', ']', ',', ':':
		s.fail()
	default:
		for s.i < len(s.b) && !ends(s.b[s.i]) {
			s.i++
		}
	}
	if s.bad {
		return nil
	}
	return s.b[start:s.i]
}

// ends says that a byte cannot belong to a number or a word.
func ends(c byte) bool {
	return c <= ' ' || c == ',' || c == ']' || c == '}'
}

func (s *scanner) skipNested() {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.raw()
			continue
		case '{', '[':
			if depth++; depth > maxDepth {
				s.fail()
				return
			}
		case '}', ']':
			if depth--; depth == 0 {
				s.i++
				return
			}
		}
		s.i++
	}
	s.fail()
}

// object calls member for every key of an object, with the scanner in front of the value; member must pass over it.
// null counts as an object without members.
func (s *scanner) object(member func(key []byte)) {
	if s.null() {
		return
	}
	s.want('{')
	if s.bad || s.take('}') {
		return
	}
	for !s.bad {
		member(s.key())
		if s.take('}') {
			return
		}
		s.want(',')
	}
}

// array calls element for every element, which must pass over it. null counts as an empty array.
func (s *scanner) array(element func(i int)) {
	if s.null() {
		return
	}
	s.want('[')
	if s.bad || s.take(']') {
		return
	}
	for i := 0; !s.bad; i++ {
		element(i)
		if s.take(']') {
			return
		}
		s.want(',')
	}
}

// end says whether everything was read, well.
func (s *scanner) end() error {
	if s.space(); s.bad || s.i != len(s.b) {
		return errJSON
	}
	return nil
}
