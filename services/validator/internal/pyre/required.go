package pyre

import "strings"

// required is the longest text that every match of n holds, or "".
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
		if len(s) > len(best) {
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
