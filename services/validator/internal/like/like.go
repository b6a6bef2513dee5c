// Package like matches texts against SQL LIKE patterns as SQLite does: % is any text, _ any one character, letters of ASCII match in both
// cases, all others only themselves. A text, and a pattern, ends at its first NUL, as it does there.
// It does not turn numbers into text, which SQLite does before it compares.
package like

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// maxPattern is SQLite's own limit, in bytes.
const maxPattern = 50000

// Pattern is a compiled pattern. It may be used from several goroutines at once.
type Pattern struct {
	pieces []piece // between the %
	broken bool    // nothing matches
}

// piece is a run of characters without %: bytes in lower case, and oneCharacter where a _ stands.
type piece []rune

const oneCharacter rune = -1

// Compile reads a pattern without ESCAPE.
func Compile(pattern string) (*Pattern, error) { return CompileEscape(pattern, 0) }

// CompileEscape reads a pattern in which the character behind each escape character stands for itself; 0 is no escape. It refuses patterns
// longer than SQLite's limit of 50,000 bytes. A pattern that ends in an escape character matches nothing.
func CompileEscape(pattern string, escape rune) (*Pattern, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("LIKE pattern of %d bytes: SQLite takes at most %d; shorten it", len(pattern), maxPattern)
	}
	p := &Pattern{pieces: make([]piece, 1)}
	text := []rune(string(untilNUL([]byte(pattern))))
	for i := 0; i < len(text); i++ {
		last := &p.pieces[len(p.pieces)-1]
		switch r := text[i]; {
		case r == escape && escape != 0:
			if i++; i == len(text) {
				p.broken = true
				return p, nil
			}
			*last = append(*last, lower(text[i]))
		case r == '%':
			p.pieces = append(p.pieces, nil)
		case r == '_':
			*last = append(*last, oneCharacter)
		default:
			*last = append(*last, lower(r))
		}
	}
	return p, nil
}

func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r | 0x20
	}
	return r
}

func untilNUL(text []byte) []byte {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		return text[:i]
	}
	return text
}

// Match reports whether the whole text is like the pattern.
func (p *Pattern) Match(text []byte) bool {
	if p.broken {
		return false
	}
	text = untilNUL(text)
	last := len(p.pieces) - 1
	at, ok := p.pieces[0].at(text, 0)
	if !ok || last == 0 {
		return ok && at == len(text)
	}
	for _, piece := range p.pieces[1:last] {
		if at, ok = piece.find(text, at); !ok {
			return false
		}
	}
	return p.pieces[last].ends(text, at)
}

// at matches the piece from a place on and says where it ends.
func (p piece) at(text []byte, at int) (int, bool) {
	for _, want := range p {
		if at == len(text) {
			return at, false
		}
		r, n := rune(text[at]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text[at:])
		}
		if want != oneCharacter && want != lower(r) {
			return at, false
		}
		at += n
	}
	return at, true
}

// find is the end of the first place where the piece matches.
func (p piece) find(text []byte, at int) (int, bool) {
	for ; at <= len(text); at++ {
		if at < len(text) && text[at]&0xC0 == 0x80 {
			continue
		}
		if end, ok := p.at(text, at); ok {
			return end, true
		}
	}
	return 0, false
}

// ends reports whether the piece matches the end of text, from a place on at the earliest.
func (p piece) ends(text []byte, from int) bool {
	at := len(text)
	for range p {
		if at <= from {
			return false
		}
		_, n := utf8.DecodeLastRune(text[from:at])
		at -= n
	}
	end, ok := p.at(text, at)
	return ok && end == len(text)
}
