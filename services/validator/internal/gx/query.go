package gx

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// node is a part of a row condition: a literal, a column, a list, or an operation on other nodes.
type node struct {
	op    string // "lit", "col", "list", "call", "not", "neg", or an operator
	value any    // lit: the cell; col, call: the name
	args  []*node
}

// lexeme is one token of a condition.
type lexeme struct {
	kind byte // 'n'umber, 's'tring, 'w'ord, 'c'olumn in backticks, 'o'perator, 0 at the end
	text string
	num  any
	at   int
}

// lexer cuts a condition in the grammar of DataFrame.query: Python's expressions, with column names in backticks.
type lexer struct {
	src string
	pos int
}

func (l *lexer) next() (lexeme, error) {
	for l.pos < len(l.src) && unicode.IsSpace(rune(l.src[l.pos])) {
		l.pos++
	}
	at := l.pos
	if at == len(l.src) {
		return lexeme{at: at}, nil
	}
	c := l.src[at]
	switch {
	case c == '`':
		end := strings.IndexByte(l.src[at+1:], '`')
		if end < 0 {
			return lexeme{}, fmt.Errorf("the backtick at byte %d is never closed", at)
		}
		l.pos = at + end + 2
		return lexeme{kind: 'c', text: l.src[at+1 : at+1+end], at: at}, nil
	case c == '"' || c == '\'':
		return l.quoted(c)
	case c >= '0' && c <= '9', c == '.' && at+1 < len(l.src) && l.src[at+1] >= '0' && l.src[at+1] <= '9':
		return l.number()
	}
	if r, _ := utf8.DecodeRuneInString(l.src[at:]); r == '_' || unicode.IsLetter(r) {
		return l.word()
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "//", "**", "<", ">", "&", "|", "~", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "."} {
		if strings.HasPrefix(l.src[at:], op) {
			l.pos += len(op)
			return lexeme{kind: 'o', text: op, at: at}, nil
		}
	}
	return lexeme{}, fmt.Errorf("unexpected %q at byte %d", l.src[at:at+1], at)
}

func (l *lexer) word() (lexeme, error) {
	at := l.pos
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		l.pos += n
	}
	return lexeme{kind: 'w', text: l.src[at:l.pos], at: at}, nil
}

func (l *lexer) number() (lexeme, error) {
	at := l.pos
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		sign := (c == '+' || c == '-') && (l.src[l.pos-1] == 'e' || l.src[l.pos-1] == 'E')
		if !sign && !strings.ContainsRune("0123456789.eE_", rune(c)) {
			break
		}
		l.pos++
	}
	text := strings.ReplaceAll(l.src[at:l.pos], "_", "")
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return lexeme{kind: 'n', num: n, at: at}, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return lexeme{}, fmt.Errorf("%q at byte %d is not a number", text, at)
	}
	return lexeme{kind: 'n', num: f, at: at}, nil
}

func (l *lexer) quoted(quote byte) (lexeme, error) {
	at := l.pos
	var b strings.Builder
	for i := at + 1; i < len(l.src); i++ {
		c := l.src[i]
		if c == quote {
			l.pos = i + 1
			return lexeme{kind: 's', text: b.String(), at: at}, nil
		}
		if c != '\\' || i+1 == len(l.src) {
			b.WriteByte(c)
			continue
		}
		i++
		switch e := l.src[i]; e {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case '\\', '\'', '"':
			b.WriteByte(e)
		default:
			b.WriteByte('\\')
			b.WriteByte(e)
		}
	}
	return lexeme{}, fmt.Errorf("the quote at byte %d is never closed", at)
}
