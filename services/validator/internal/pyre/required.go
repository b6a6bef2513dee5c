package pyre

import "strings"

// required is the rarest text that every match of n holds, or "".
func required(n *node) string {
	switch n.kind {
	case kSet:
		if r, ok := n.set.only(); ok && (r < 0xD800 || r > 0xDFFF) && r != 0xFFFD {
			return string(r)
		}
	case kGroup, kAtomic:
		return required(n.subs[0])
	case kRepeat:
		if n.min > 0 {
			return required(n.subs[0])
		}
	case kCat:
		return requiredOf(n.subs)
	}
	return ""
}

// requiredOf joins neighbours that are one character each.
func requiredOf(subs []*node) string {
	best := ""
	var run strings.Builder
	take := func(s string) {
		if rarity(s) > rarity(best) {
			best = s
		}
	}
	for _, s := range subs {
		if s.kind == kAssert || s.kind == kLook {
			continue
		}
		one := required(s)
		if s.kind == kSet && one != "" {
			run.WriteString(one)
			continue
		}
		take(run.String())
		run.Reset()
		take(one)
	}
	take(run.String())
	return best
}

// rarity guesses how seldom a text is: letters are common, and some letters more than others.
func rarity(s string) int {
	n := 0
	for i := range len(s) {
		switch b := s[i]; {
		case strings.IndexByte(common, b) >= 0:
			n++
		case 'a' <= b && b <= 'z':
			n += 2
		default:
			n += 4
		}
	}
	return n
}
