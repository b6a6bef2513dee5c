package pyre

import (
	"slices"
	"sync"

	"github.com/leathq/leat/services/validator/internal/pyunicode"
)

// categories without the flag a, by letter. Capital letters are their complements.
func category(c byte, ascii bool) runeSet {
	var s runeSet
	switch {
	case c >= 'A' && c <= 'Z':
		return category(c-'A'+'a', ascii).not()
	case ascii && c == 'd':
		s = runeSet{'0', '9'}
	case ascii && c == 's':
		s = runeSet{'\t', '\r', ' ', ' '}
	case ascii:
		s = runeSet{'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}
	case c == 'd':
		s = runeSet(pyunicode.Decimal)
	case c == 's':
		s = runeSet(pyunicode.Space)
	default:
		s = runeSet(pyunicode.Word)
	}
	return s
}

// resolve gives every set below n its characters.
func (n *node) resolve() {
	if n.kind == kSet && n.set == nil {
		n.set = n.members()
	}
	for _, s := range n.subs {
		s.resolve()
	}
}

func (n *node) members() runeSet {
	s := plain(n.items, n.flags)
	if n.flags&flagI != 0 {
		s = folded(n.items, n.flags, s)
	}
	if n.not {
		s = s.not()
	}
	return s
}

func plain(items []item, f flags) runeSet {
	var pairs []rune
	for _, it := range items {
		if it.category != 0 {
			pairs = append(pairs, category(it.category, f&flagA != 0)...)
			continue
		}
		pairs = append(pairs, it.lo, it.hi)
	}
	return normal(pairs)
}

// folding is how a place compares without case: by lower cases, and by further letters of the same upper case unless ASCII.
type folding struct {
	ascii bool
}

func (f folding) lower(r rune) rune {
	if f.ascii {
		return pyunicode.LowerASCII(r)
	}
	return pyunicode.Lower(r)
}

func (f folding) cased(r rune) bool {
	if f.ascii {
		return 'a' <= r|0x20 && r|0x20 <= 'z' && r < 0x80
	}
	return pyunicode.Cased(r)
}

func (f folding) extra(r rune) []rune {
	if f.ascii {
		return nil
	}
	return pyunicode.Extra(r)
}

// folded is the set of characters that match items without regard to case, as re decides it: the set is lowered once, then each
// character of the text is lowered and looked up. A set without any cased character is left as it is; so is a lone letter such as
// ß, which has no simple upper case, though ẞ would lower to it.
func folded(items []item, f flags, written runeSet) runeSet {
	fold := folding{ascii: f&flagA != 0}
	low, above, cased := lowered(items, f, fold)
	if !cased {
		return written
	}
	if len(items) == 1 && items[0].letter() { // re compiles it as a letter, not as a set
		l := fold.lower(items[0].lo)
		low, above = normal(pairsOf(append([]rune{l}, fold.extra(l)...))), nil
	}
	return unlower(low, above, fold)
}

// lowered is the lowered set, the ranges above U+FFFF, and whether anything in it has a case.
func lowered(items []item, f flags, fold folding) (low, above runeSet, cased bool) {
	var pairs, high, letters []rune
	for _, it := range items {
		if it.category != 0 {
			pairs = append(pairs, category(it.category, f&flagA != 0)...)
			continue
		}
		for r := it.lo; r <= min(it.hi, 0xFFFF); r++ {
			l := fold.lower(r)
			letters = append(append(letters, l), fold.extra(l)...)
			cased = cased || fold.cased(r)
		}
		if it.hi <= 0xFFFF {
			continue
		}
		cased = true
		if it.letter() {
			pairs = append(pairs, it.lo, it.lo)
			continue
		}
		high = append(high, it.lo, it.hi)
	}
	return normal(append(pairs, pairsOf(letters)...)), normal(high), cased
}

func pairsOf(letters []rune) []rune {
	slices.Sort(letters)
	letters = slices.Compact(letters)
	pairs := make([]rune, 0, 2*len(letters))
	for _, r := range letters {
		pairs = append(pairs, r, r)
	}
	return pairs
}

// fewLetters is how large a set may be to be looked at letter by letter.
const fewLetters = 64

// unlower is every character whose lower case is in low, or is in above itself or by its upper case.
func unlower(low, above runeSet, fold folding) runeSet {
	if few := letterCount(low); len(above) == 0 && few <= fewLetters {
		return unlowerFew(low, fold)
	}
	in := func(l rune) bool {
		return low.has(l) || above.has(l) || above.has(pyunicode.UpperAbove(l))
	}
	var gone, come []rune
	each := func(r, l rune) {
		gone = append(gone, r)
		if in(l) {
			come = append(come, r)
		}
	}
	if fold.ascii {
		for r := 'A'; r <= 'Z'; r++ {
			each(r, fold.lower(r))
		}
	} else {
		pyunicode.EachLowered(each)
	}
	pyunicode.EachLowered(func(_, l rune) { // letters above that are in only by their upper case
		if !low.has(l) && in(l) {
			come = append(come, l)
		}
	})
	return low.union(above).minus(normal(pairsOf(gone))).union(normal(pairsOf(come)))
}

func letterCount(s runeSet) (n int) {
	for i := 0; i < len(s); i += 2 {
		n += int(s[i+1]-s[i]) + 1
	}
	return n
}

// uppers are the characters that have a given lower case and are not that themselves.
var uppers = sync.OnceValue(func() map[rune][]rune {
	out := map[rune][]rune{}
	pyunicode.EachLowered(func(r, l rune) { out[l] = append(out[l], r) })
	return out
})

func unlowerFew(low runeSet, fold folding) runeSet {
	var letters []rune
	for i := 0; i < len(low); i += 2 {
		for l := low[i]; l <= low[i+1]; l++ {
			if fold.lower(l) == l {
				letters = append(letters, l)
			}
			for _, r := range uppers()[l] {
				if fold.lower(r) == l {
					letters = append(letters, r)
				}
			}
		}
	}
	return normal(pairsOf(letters))
}
