package chat

import (
	"fmt"
	"strings"
)

// The engine's own handling of whitespace and of conditional expressions differs from Jinja's, and a wrong prompt is
// worse than none. So a template is first rewritten into an equivalent one that needs neither: whitespace control is
// carried out, {{ a if b else c }} becomes and/or, and string literals are spelled without quotes or escapes inside.

// normalise rewrites a template, with trim_blocks and lstrip_blocks on as Hugging Face's transformers sets them.
func normalise(source string) (string, error) {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.TrimSuffix(source, "\n")
	n := &normaliser{rest: source, lineStart: true}
	for n.err == nil && n.rest != "" {
		n.step()
	}
	return n.out.String(), n.err
}

type normaliser struct {
	out       strings.Builder
	rest      string // the source not yet read
	line      int    // lines read so far, for errors
	lineStart bool   // the text read next starts a line, though no newline of it is left
	err       error
}

// step copies the text up to the next tag, and the tag.
func (n *normaliser) step() {
	at, kind := nextTag(n.rest)
	if at < 0 {
		n.out.WriteString(n.rest)
		n.rest = ""
		return
	}
	text := n.rest[:at]
	n.line += strings.Count(text, "\n")
	n.rest = n.rest[at+2:]
	mark := byte(0)
	if n.rest != "" && (n.rest[0] == '-' || n.rest[0] == '+') {
		mark, n.rest = n.rest[0], n.rest[1:]
	}
	switch {
	case mark == '-':
		text = strings.TrimRight(text, whitespace)
	case mark == 0 && kind != '{':
		text = n.lstrip(text)
	}
	n.text(text)
	n.tag(kind)
}

const whitespace = " \t\n\r\v\f"

// text writes text so that its end cannot make another tag with what follows.
func (n *normaliser) text(text string) {
	if brace, ok := strings.CutSuffix(text, "{"); ok {
		n.out.WriteString(brace + "{{ " + quote("{") + " }}")
		return
	}
	n.out.WriteString(text)
}

// lstrip removes the blanks between the start of a line and a tag.
func (n *normaliser) lstrip(text string) string {
	start := strings.LastIndexByte(text, '\n') + 1
	if (start > 0 || n.lineStart) && strings.Trim(text[start:], whitespace) == "" {
		return text[:start]
	}
	return text
}

// tag reads one tag to its end and writes what it becomes.
func (n *normaliser) tag(kind byte) {
	if kind == '#' {
		end := strings.Index(n.rest, "#}")
		if end < 0 {
			n.fail("a comment is not closed")
			return
		}
		n.skip(end+2, endMark(n.rest, end), kind)
		return
	}
	toks, end, err := lexTag(n.rest, kind)
	if err != nil {
		n.fail(err.Error())
		return
	}
	mark := endMark(n.rest, end-2)
	if kind == '%' && len(toks) == 1 && toks[0].text == "raw" {
		n.skip(end, mark, 'r')
		n.raw()
		return
	}
	tag, err := rewriteTag(toks, kind)
	if err != nil {
		n.fail(err.Error())
		return
	}
	n.out.WriteString(tag)
	n.skip(end, mark, kind)
}

// endMark is the - or + before a tag's closing braces, 0 where there is none.
func endMark(s string, closing int) byte {
	if closing > 0 && (s[closing-1] == '-' || s[closing-1] == '+') {
		return s[closing-1]
	}
	return 0
}

// skip moves behind a tag and the whitespace that goes with its end.
func (n *normaliser) skip(end int, mark, kind byte) {
	n.line += strings.Count(n.rest[:end], "\n")
	n.rest, n.lineStart = n.rest[end:], false
	trimmed := n.rest
	switch {
	case mark == '-':
		trimmed = strings.TrimLeft(n.rest, whitespace)
	case mark == 0 && (kind == '%' || kind == '#'):
		trimmed = strings.TrimPrefix(n.rest, "\n")
	}
	cut := n.rest[:len(n.rest)-len(trimmed)]
	n.line += strings.Count(cut, "\n")
	n.rest, n.lineStart = trimmed, strings.HasSuffix(cut, "\n")
}

// raw copies what stands between {% raw %} and {% endraw %} as a string.
func (n *normaliser) raw() {
	for from := 0; ; {
		at := strings.Index(n.rest[from:], "{%")
		if at < 0 {
			n.fail("a raw block is not closed")
			return
		}
		at += from
		inner := strings.TrimLeft(n.rest[at+2:], "-+")
		toks, end, err := lexTag(inner, '%')
		if err != nil || len(toks) != 1 || toks[0].text != "endraw" {
			from = at + 2
			continue
		}
		text, start := n.rest[:at], len(n.rest)-len(inner)
		switch n.rest[at+2] {
		case '-':
			text = strings.TrimRight(text, whitespace)
		case '+':
		default:
			text = n.lstrip(text)
		}
		n.out.WriteString("{{ " + quote(text) + " }}")
		n.skip(start+end, endMark(inner, end-2), '%')
		return
	}
}

func (n *normaliser) fail(what string) {
	n.err = fmt.Errorf("line %d: %s", n.line+1, what)
}

// nextTag finds the next {{, {% or {#.
func nextTag(s string) (at int, kind byte) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i, s[i+1]
		}
	}
	return -1, 0
}
