package chat

import (
	"errors"
	"fmt"
	"strings"
)

// rewriteTag writes a tag's tokens back, conditional expressions made into and/or, and the guards added.
func rewriteTag(toks []token, kind byte) (string, error) {
	if kind == '{' {
		return "{{ " + element(toks) + " }}", nil
	}
	if len(toks) == 0 {
		return "", errors.New("an empty statement")
	}
	word, rest := toks[0].text, toks[1:]
	tag := "{% " + word + " " + groups(rest) + " %}"
	switch word {
	case "generation", "endgeneration": // marks what the assistant said, for training; it changes no text
		return "", nil
	case "if", "elif", "do":
		return "{% " + word + " " + element(rest) + " %}", nil
	case "set":
		if i := index(rest, "="); i >= 0 {
			target := groups(rest[:i])
			return "{% set " + target + " = " + element(rest[i+1:]) + " %}{% " + guardSize + " " + target + " %}", nil
		}
	case "for":
		if n := len(rest); n > 0 && rest[n-1].text == "recursive" {
			return "", errors.New("recursive loops are not supported")
		}
		return "{% for " + loop(rest) + " %}{% " + guardStep + " %}", nil
	case "macro":
		return tag + "{% " + guardEnter + " %}", nil
	case "endmacro":
		return "{% " + guardLeave + " %}" + tag, nil
	case guardStep, guardEnter, guardLeave, guardSize:
		return "", fmt.Errorf("the statement %s is not supported", word)
	}
	return tag, nil
}

// loop writes the head of a for; its "if" is a filter of the loop unless an "else" follows.
func loop(toks []token) string {
	in := index(toks, "in")
	if in < 0 {
		return groups(toks)
	}
	head, over := groups(toks[:in])+" in ", toks[in+1:]
	if i := index(over, "if"); i >= 0 && index(over[i:], "else") < 0 {
		return head + groups(over[:i]) + " if " + groups(over[i+1:])
	}
	return head + element(over)
}

// element writes one expression that may be conditional: a if b else c is ((b) and [a] or [c])[0], which evaluates
// no more than Jinja does and, unlike b and a or c, is right where a is false.
func element(toks []token) string {
	i := index(toks, "if")
	if i < 0 {
		return groups(toks)
	}
	yes, rest, no := groups(toks[:i]), toks[i+1:], "__none__"
	if j := index(rest, "else"); j >= 0 {
		no, rest = element(rest[j+1:]), rest[:j]
	}
	return "((" + groups(rest) + ") and [" + yes + "] or [" + no + "])[0]"
}

// groups writes tokens; every part between the brackets, commas, colons and = within is an element of its own.
func groups(toks []token) string {
	var b strings.Builder
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if i > 0 {
			b.WriteByte(' ')
		}
		if !t.opens() && !t.quoted {
			b.WriteString(t.text)
			continue
		}
		end := i + 1
		text := quote(t.text)
		if t.opens() {
			end = i + matching(toks[i:])
			text = t.text + parts(toks[i+1:end])
			if end < len(toks) {
				text += toks[end].text
				end++
			}
		}
		if i == 0 || !toks[i-1].operand() {
			text, end = methods(text, toks, end)
		}
		b.WriteString(text)
		i = end - 1
	}
	return b.String()
}

// methods turns the calls in (a).b(c).d(e) and "a".b(c) into filters, for the engine knows methods only of variables.
func methods(text string, toks []token, at int) (string, int) {
	for at+2 < len(toks) && toks[at].text == "." && toks[at+2].text == "(" && !toks[at+2].quoted {
		end := at + 2 + matching(toks[at+2:])
		if end >= len(toks) {
			break
		}
		args := quote(toks[at+1].text)
		if given := parts(toks[at+3 : end]); given != "" {
			args += ", " + given
		}
		text, at = "("+text+" | "+filterMethod+"("+args+"))", end+1
	}
	return text, at
}

// opens reports whether the token is an opening bracket.
func (t token) opens() bool { return !t.quoted && len(t.text) == 1 && brackets(t.text[0]) > 0 }

// operand reports whether the token ends a value, so that a bracket behind it is a call or an index.
func (t token) operand() bool {
	if t.quoted {
		return true
	}
	switch t.text {
	case "and", "or", "not", "in", "is", "if", "else":
		return false
	}
	last := t.text[len(t.text)-1]
	return isWord(last) || brackets(last) < 0
}

// parts writes what stands within a pair of brackets.
func parts(toks []token) string {
	var b strings.Builder
	for {
		i := index(toks, ",", ":", "=")
		if i < 0 {
			b.WriteString(element(toks))
			return b.String()
		}
		b.WriteString(element(toks[:i]) + toks[i].text + " ")
		toks = toks[i+1:]
	}
}

// index finds the first of some words outside brackets.
func index(toks []token, words ...string) int {
	depth := 0
	for i, t := range toks {
		if t.quoted {
			continue
		}
		if depth == 0 {
			for _, w := range words {
				if t.text == w {
					return i
				}
			}
		}
		if len(t.text) == 1 {
			depth += brackets(t.text[0])
		}
	}
	return -1
}

// matching is the index of the bracket that closes the first token.
func matching(toks []token) int {
	depth := 0
	for i, t := range toks {
		if t.quoted || len(t.text) != 1 {
			continue
		}
		if depth += brackets(t.text[0]); depth == 0 {
			return i
		}
	}
	return len(toks)
}
