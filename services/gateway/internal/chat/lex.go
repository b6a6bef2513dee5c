package chat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// token is a piece of a tag. A string literal's text is its value.
type token struct {
	text   string
	quoted bool
}

// lexTag splits the inside of a tag, {{ or {% by kind, into tokens; end is the offset behind its closing braces.
func lexTag(s string, kind byte) (toks []token, end int, err error) {
	closing := map[byte]string{'{': "}}", '%': "%}"}[kind]
	depth := 0
	for i := 0; i < len(s); {
		switch ch := s[i]; {
		case strings.IndexByte(whitespace, ch) >= 0:
			i++
		case depth == 0 && strings.HasPrefix(s[i:], closing):
			return toks, i + 2, nil
		case depth == 0 && (ch == '-' || ch == '+') && strings.HasPrefix(s[i+1:], closing):
			return toks, i + 3, nil
		case ch == '"' || ch == '\'':
			text, size, err := lexString(s[i:])
			if err != nil {
				return nil, 0, err
			}
			toks = append(toks, token{text, true})
			i += size
		case isWord(ch):
			j := i + 1
			for j < len(s) && (isWord(s[j]) || s[j] == '.' && isNumber(s[i:j]) && j+1 < len(s) && isDigit(s[j+1])) {
				j++
			}
			toks = append(toks, token{text: s[i:j]})
			i = j
		default:
			size := operator(s[i:])
			if depth += brackets(ch); depth < 0 {
				return nil, 0, fmt.Errorf("unexpected %q in a tag", ch)
			}
			toks = append(toks, token{text: s[i : i+size]})
			i += size
		}
	}
	return nil, 0, errors.New("a tag is not closed")
}

func brackets(ch byte) int {
	switch ch {
	case '(', '[', '{':
		return 1
	case ')', ']', '}':
		return -1
	}
	return 0
}

func operator(s string) int {
	if len(s) > 1 {
		switch s[:2] {
		case "==", "!=", "<=", ">=", "**", "//":
			return 2
		}
	}
	_, size := utf8.DecodeRuneInString(s)
	return size
}

func isDigit(ch byte) bool { return ch >= '0' && ch <= '9' }

func isWord(ch byte) bool {
	return ch == '_' || isDigit(ch) || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch >= utf8.RuneSelf
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789_") == "" }

// lexString reads a quoted literal and decodes its escapes as Python does; size is how long it is.
func lexString(s string) (text string, size int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); {
		switch ch := s[i]; {
		case ch == s[0]:
			return b.String(), i + 1, nil
		case ch == '\\' && i+1 < len(s):
			r, n := unescape(s[i+1:])
			b.WriteString(r)
			i += 1 + n
		default:
			b.WriteByte(ch)
			i++
		}
	}
	return "", 0, errors.New("a string is not closed")
}

// unescape decodes what follows a backslash; an unknown escape stands for itself, backslash included.
func unescape(s string) (text string, size int) {
	switch s[0] {
	case '\n':
		return "", 1
	case 'n':
		return "\n", 1
	case 't':
		return "\t", 1
	case 'r':
		return "\r", 1
	case 'b':
		return "\b", 1
	case 'f':
		return "\f", 1
	case 'v':
		return "\v", 1
	case 'a':
		return "\a", 1
	case '\\', '\'', '"':
		return s[:1], 1
	}
	if digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]; digits > 0 && len(s) > digits {
		if v, err := strconv.ParseUint(s[1:1+digits], 16, 32); err == nil {
			return string(rune(v)), 1 + digits
		}
	}
	return `\` + s[:1], 1
}

// quote spells a string so that the engine's lexer and unquoting, which stumble over quotes, backslashes and braces,
// read it back as it is.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < ' ' || strings.ContainsRune(`"'\{}%#`, r) || r == 0x7f {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
