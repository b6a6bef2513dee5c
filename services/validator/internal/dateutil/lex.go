package dateutil

import (
	"strings"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// lexer cuts a text into words, numbers and single characters. A dot may be part of a number or stand between parts, so a run
// with dots is read whole and cut afterwards.
type lexer struct {
	text   []rune
	at     int
	tokens []string
}

func lex(s string) []string {
	l := &lexer{text: []rune(strings.ReplaceAll(s, "\x00", ""))}
	for l.at < len(l.text) {
		l.token()
	}
	return l.tokens
}

func isWord(r rune) bool {
	if r < 0x80 {
		return 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	return pyunicode.Alpha.Has(r)
}

func isNumber(r rune) bool {
	if r < 0x80 {
		return '0' <= r && r <= '9'
	}
	return pyunicode.Digit.Has(r)
}

func (l *lexer) token() {
	from := l.at
	first := l.text[from]
	l.at++
	switch {
	case isWord(first):
		l.word(from)
	case isNumber(first):
		l.number(from)
	case pyunicode.Space.Has(first):
		l.tokens = append(l.tokens, " ")
	default:
		l.tokens = append(l.tokens, string(first))
	}
}

func (l *lexer) word(from int) {
	for l.at < len(l.text) && isWord(l.text[l.at]) {
		l.at++
	}
	if l.at < len(l.text) && l.text[l.at] == '.' {
		l.at++
		l.mixed(from, true, true)
		return
	}
	l.tokens = append(l.tokens, string(l.text[from:l.at]))
}

func (l *lexer) number(from int) {
	for l.at < len(l.text) && isNumber(l.text[l.at]) {
		l.at++
	}
	if l.at < len(l.text) && (l.text[l.at] == '.' || l.text[l.at] == ',' && l.at-from >= 2) {
		l.at++
		l.mixed(from, false, false)
		return
	}
	l.tokens = append(l.tokens, string(l.text[from:l.at]))
}

// mixed reads on behind a dot: letters or digits may change into the other behind a dot.
func (l *lexer) mixed(from int, inWord, letters bool) {
	for ; l.at < len(l.text); l.at++ {
		r := l.text[l.at]
		dotBefore := l.text[l.at-1] == '.'
		letters = letters || inWord // a letter at the very end of the text does not count, as in the original
		switch {
		case r == '.', inWord && isWord(r), !inWord && isNumber(r):
		case inWord && isNumber(r) && dotBefore:
			inWord = false
		case !inWord && isWord(r) && dotBefore:
			inWord = true
		default:
			l.cut(string(l.text[from:l.at]), inWord, letters)
			return
		}
	}
	l.cut(string(l.text[from:l.at]), inWord, letters)
}

func (l *lexer) cut(run string, inWord, letters bool) {
	if !letters && strings.Count(run, ".") <= 1 && !strings.HasSuffix(run, ".") && !strings.HasSuffix(run, ",") {
		if !inWord && !strings.Contains(run, ".") {
			run = strings.ReplaceAll(run, ",", ".")
		}
		l.tokens = append(l.tokens, run)
		return
	}
	part := 0
	for i, r := range run {
		if r != '.' && r != ',' {
			continue
		}
		if i > part {
			l.tokens = append(l.tokens, run[part:i])
		}
		l.tokens = append(l.tokens, string(r))
		part = i + 1
	}
	if part < len(run) {
		l.tokens = append(l.tokens, run[part:])
	}
}
