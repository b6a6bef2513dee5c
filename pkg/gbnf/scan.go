package gbnf

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SyntaxError says what is wrong with a grammar and where.
type SyntaxError struct {
	Line, Column int // from 1; the column counts bytes
	Message      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// scanner walks over a grammar's text. It fails by panicking with a *SyntaxError, which Parse recovers.
type scanner struct {
	text string
	pos  int
}

func (s *scanner) fail(at int, format string, args ...any) {
	head := s.text[:min(at, len(s.text))]
	line := strings.Count(head, "\n") + 1
	panic(&SyntaxError{Line: line, Column: len(head) - strings.LastIndexByte(head, '\n'), Message: fmt.Sprintf(format, args...)})
}

// peek returns the next byte, 0 at the end. A NUL in the text was refused before.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// found names what stands at the scanner's place, for messages.
func (s *scanner) found() string {
	if s.pos >= len(s.text) {
		return "the grammar's end"
	}
	if c := s.text[s.pos]; c == '\n' || c == '\r' {
		return "the line's end"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:])
	return fmt.Sprintf("%q", r)
}

// space skips blanks and comments, and the ends of lines where a newline means nothing.
func (s *scanner) space(newlines bool) {
	for {
		switch c := s.peek(); {
		case c == ' ' || c == '\t' || newlines && (c == '\n' || c == '\r'):
			s.pos++
		case c == '#':
			for c := s.peek(); c != 0 && c != '\n' && c != '\r'; c = s.peek() {
				s.pos++
			}
		default:
			return
		}
	}
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

// word reads a rule's name.
func (s *scanner) word() string {
	start := s.pos
	for isWord(s.peek()) {
		s.pos++
	}
	if s.pos == start {
		s.fail(start, "a rule's name is expected (letters, digits and '-'), not %s", s.found())
	}
	return s.text[start:s.pos]
}

func (s *scanner) number() int {
	start, n := s.pos, 0
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		if n = 10*n + int(c-'0'); n > MaxRepetition {
			s.fail(start, "a repetition may count to %d at most", MaxRepetition)
		}
		s.pos++
	}
	if s.pos == start {
		s.fail(start, "a number is expected in the repetition, not %s", s.found())
	}
	return n
}

// char reads one character of a literal or a class, escapes resolved.
func (s *scanner) char() rune {
	if s.peek() != '\\' {
		r, n := utf8.DecodeRuneInString(s.text[s.pos:])
		s.pos += n
		return r
	}
	start := s.pos
	s.pos++
	c := s.peek()
	s.pos++
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case '\\', '"', '[', ']', '-':
		return rune(c)
	case 'x':
		return s.hex(start, 2)
	case 'u':
		return s.hex(start, 4)
	case 'U':
		return s.hex(start, 8)
	}
	s.fail(start, `unknown escape: known are \n \r \t \\ \" \[ \] \- \xHH \uHHHH \UHHHHHHHH`)
	return 0
}

func (s *scanner) hex(start, digits int) rune {
	var v uint64
	for range digits {
		c := s.peek()
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if c < '0' || d < 0 {
			s.fail(start, "this escape needs %d hexadecimal digits", digits)
		}
		v = v<<4 | uint64(d)
		s.pos++
	}
	if v > utf8.MaxRune || v >= 0xD800 && v < 0xE000 {
		s.fail(start, "U+%04X is no character", v)
	}
	return rune(v)
}

// literal reads "…" into the bytes that it stands for.
func (s *scanner) literal() []byte {
	start := s.pos
	var out []byte
	for s.pos++; s.peek() != '"'; {
		if c := s.peek(); c == 0 {
			s.fail(start, "the literal is not closed by '\"'")
		}
		out = utf8.AppendRune(out, s.char())
	}
	s.pos++
	return out
}

// class reads […] into ranges of characters.
func (s *scanner) class() ranges {
	start := s.pos
	s.pos++
	negated := s.peek() == '^'
	if negated {
		s.pos++
	}
	var out ranges
	for s.peek() != ']' {
		if s.peek() == 0 {
			s.fail(start, "the character class is not closed by ']'")
		}
		at := s.pos
		lo := s.char()
		hi := lo
		if s.peek() == '-' && s.pos+1 < len(s.text) && s.text[s.pos+1] != ']' {
			s.pos++
			if hi = s.char(); hi < lo {
				s.fail(at, "the range from %q to %q is empty", lo, hi)
			}
		}
		out = append(out, span{lo, hi})
	}
	s.pos++
	if len(out) == 0 {
		s.fail(start, "an empty character class matches nothing")
	}
	if out = out.tidy(negated); len(out) == 0 {
		s.fail(start, "this character class leaves no character")
	}
	return out
}
