// Package pyjson reads JSON as Python's json.loads of a str does: NaN and Infinity are numbers, integers have any size below 4,300
// digits, names may repeat, surrogates may stand alone, control characters in strings are refused, and nesting has Python's limit.
package pyjson

import (
	"bytes"
	"fmt"
)

const (
	// MaxDepth is the nesting at which json.loads, called by Great Expectations from a script, meets Python's recursion limit.
	MaxDepth = 976
	// maxDigits is Python's limit for the conversion of text to an integer.
	maxDigits = 4300
)

// SyntaxError is a text that json.loads refuses: why, and at which byte.
type SyntaxError struct {
	Reason string
	At     int
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("JSON: %s at byte %d", e.Reason, e.At) }

// scanner checks a text. A nil builder only checks.
type scanner struct {
	text  []byte
	at    int
	depth int
	err   *SyntaxError
}

// Check is nil when json.loads accepts the text, else a *SyntaxError. It allocates nothing unless it refuses.
func Check(text []byte) error {
	s := scanner{text: text}
	s.whole()
	if s.err != nil {
		return s.err
	}
	return nil
}

func (s *scanner) whole() {
	s.space()
	if s.value() {
		s.space()
		if s.at < len(s.text) {
			s.fail("extra data")
		}
	}
}

func (s *scanner) fail(reason string) bool {
	if s.err == nil {
		s.err = &SyntaxError{Reason: reason, At: s.at}
	}
	return false
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) word(w string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(w)) {
		return s.fail("no value")
	}
	s.at += len(w)
	return true
}

func (s *scanner) value() bool {
	switch c := s.peek(); c {
	case '"':
		return s.str()
	case '{':
		return s.nested('}')
	case '[':
		return s.nested(']')
	case 'n':
		return s.word("null")
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'N':
		return s.word("NaN")
	case 'I':
		return s.word("Infinity")
	}
	return s.number()
}

// nested reads an array or an object, whose end is given.
func (s *scanner) nested(end byte) bool {
	if s.depth++; s.depth > MaxDepth {
		return s.fail("nested deeper than Python can follow")
	}
	s.at++
	s.space()
	if s.peek() == end && s.at < len(s.text) {
		s.at++
		s.depth--
		return true
	}
	for {
		if end == '}' && !s.name() || !s.value() {
			return false
		}
		s.space()
		switch {
		case s.at == len(s.text):
			return s.fail("no end of an array or object")
		case s.text[s.at] == end:
			s.at++
			s.depth--
			return true
		case s.text[s.at] != ',':
			return s.fail("no comma")
		}
		s.at++
		s.space()
	}
}

// name reads a name with its colon.
func (s *scanner) name() bool {
	if s.peek() != '"' {
		return s.fail("no name in quotes")
	}
	if !s.str() {
		return false
	}
	s.space()
	if s.peek() != ':' {
		return s.fail("no colon")
	}
	s.at++
	s.space()
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) digits() int {
	from := s.at
	for s.at < len(s.text) && digit(s.text[s.at]) {
		s.at++
	}
	return s.at - from
}

// number reads as much as is a number; what follows is another's business: "01" is 0 and extra data.
func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.at++
		if s.peek() == 'I' {
			return s.word("Infinity")
		}
	}
	whole := 1
	switch {
	case s.peek() == '0' && s.at < len(s.text):
		s.at++
	case digit(s.peek()):
		whole = s.digits()
	default:
		return s.fail("no value")
	}
	if s.fraction() || s.exponent() {
		s.exponent()
		return true
	}
	if whole > maxDigits {
		return s.fail("an integer of more than 4300 digits")
	}
	return true
}

func (s *scanner) fraction() bool {
	if s.peek() != '.' || s.at+1 == len(s.text) || !digit(s.text[s.at+1]) {
		return false
	}
	s.at++
	s.digits()
	return true
}

func (s *scanner) exponent() bool {
	at := s.at
	if c := s.peek(); c != 'e' && c != 'E' {
		return false
	}
	s.at++
	if c := s.peek(); c == '+' || c == '-' {
		s.at++
	}
	if s.digits() == 0 {
		s.at = at
		return false
	}
	return true
}
