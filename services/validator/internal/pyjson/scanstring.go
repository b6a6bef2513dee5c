package pyjson

import "bytes"

var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 && c != '"' && c != '\\'
	}
	return t
}()

// str reads a string with its quotes.
func (s *scanner) str() bool {
	s.at++
	for {
		for s.at < len(s.text) && plain[s.text[s.at]] {
			s.at++
		}
		switch c := s.peek(); {
		case s.at == len(s.text):
			return s.fail("no end of a string")
		case c == '"':
			s.at++
			return true
		case c != '\\':
			return s.fail("a control character in a string")
		}
		s.at++
		if !s.escape() {
			return false
		}
	}
}

func (s *scanner) escape() bool {
	if s.at == len(s.text) {
		return s.fail("no end of a string")
	}
	c := s.text[s.at]
	if bytes.IndexByte([]byte(`"\/bfnrt`), c) >= 0 {
		s.at++
		return true
	}
	if c != 'u' || len(s.text)-s.at < 5 {
		return s.fail("an unknown escape")
	}
	for _, h := range s.text[s.at+1 : s.at+5] {
		if !digit(h) && (h|0x20 < 'a' || h|0x20 > 'f') {
			return s.fail("an unknown escape")
		}
	}
	s.at += 5
	return true
}
