package pyre

import "unicode/utf8"

// tail is a pattern that only the end of a text decides: a character of one set, any number of another, and the end. It is read backwards, so that a text costs
// what it ends with and not its length.
type tail struct {
	first, after byteSet // ASCII
	newline      bool    // one may end the text behind the match
}

// tailOf is n as such a pattern; nil where it is none.
func tailOf(n *node) *tail {
	parts := flat(n, nil)
	last := len(parts) - 1
	if last < 1 || last > 2 || parts[last].kind != kAssert {
		return nil
	}
	t := &tail{newline: parts[last].place == dollar}
	first, least, _ := repeatedSet(parts[0])
	if !t.newline && parts[last].place != textEnd || first == nil || least != 1 {
		return nil // of many such characters the last one decides
	}
	t.first = asciiOf(first.set)
	if last == 2 {
		after, least, most := repeatedSet(parts[1])
		if after == nil || least != 0 || most != unlimited {
			return nil
		}
		t.after = asciiOf(after.set)
	}
	return t
}

// flat lists what follows each other in n.
func flat(n *node, parts []*node) []*node {
	if n.kind != kCat && n.kind != kGroup {
		return append(parts, n)
	}
	for _, s := range n.subs {
		parts = flat(s, parts)
	}
	return parts
}

// repeatedSet is n as a set that is repeated; nil where it is something else.
func repeatedSet(n *node) (set *node, least, most int) {
	switch {
	case n.kind == kSet:
		return n, 1, 1
	case n.kind == kRepeat && n.subs[0].kind == kSet:
		return n.subs[0], n.min, n.max
	}
	return nil, 0, 0
}

// search reports whether a text holds a match; known is false where a character beyond ASCII would have to be looked at.
func (t *tail) search(text []byte) (match, known bool) {
	match, known = t.endsIn(text)
	if n := len(text) - 1; known && !match && t.newline && n >= 0 && text[n] == '\n' {
		return t.endsIn(text[:n])
	}
	return match, known
}

func (t *tail) endsIn(text []byte) (match, known bool) {
	for i := len(text) - 1; i >= 0; i-- {
		switch b := text[i]; {
		case b >= utf8.RuneSelf:
			return false, false
		case t.first.has(int(b)):
			return true, true
		case !t.after.has(int(b)):
			return false, true
		}
	}
	return false, true
}
