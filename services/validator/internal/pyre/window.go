package pyre

import (
	"slices"
	"unicode/utf8"
)

// windowLen is how many bytes a window looks at.
const windowLen = 3

// byteSet is a set of bytes.
type byteSet [4]uint64

func (s *byteSet) add(b int) { s[b>>6] |= 1 << (b & 63) }

func (s *byteSet) has(b int) bool { return s[b>>6]>>(b&63)&1 == 1 }

func (s *byteSet) union(o byteSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// inner are the bytes of a character behind its first; anyByte are all.
var inner, anyByte = byteSet{2: ^uint64(0)}, byteSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// window is bytes that follow each other somewhere in a match: byte k of it is in set k.
type window [windowLen]byteSet

// weights guess each byte's share of texts.
type weights [256]float64

// plainly are those of texts of ASCII, widely of texts in which characters beyond it are common.
var plainly, widely = newWeights(false), newWeights(true)

func newWeights(wide bool) *weights {
	const letters = "etaoinsrhldcumfpgwybvkxjqz"
	var w weights
	for b := range w {
		switch {
		case b < ' ':
			w[b] = 1e-6
		case '0' <= b && b <= '9', 'A' <= b && b <= 'Z':
			w[b] = .002
		case b < utf8.RuneSelf:
			w[b] = .001
		case wide && b < 0xC0:
			w[b] = .01
		case wide:
			w[b] = .005
		}
	}
	for i := range len(letters) {
		w[letters[i]] = .1 / (1 + float64(i)*.35)
	}
	w[' '], w['\n'], w['.'], w[','] = .17, .01, .01, .01
	return &w
}

// often is about how large a part of a text's places a window fits: the higher, the less it tells.
func (ws *weights) often(w *window) float64 {
	f := 1.0
	for k := range w {
		if w[k] == anyByte {
			continue
		}
		sum := 0.0
		for b := range 256 {
			if w[k].has(b) {
				sum += ws[b]
			}
		}
		f *= sum
	}
	return f
}

// windows are such that every match holds one of them; none where the pattern is not known to hold any.
func (ws *weights) windows(n *node) []window {
	switch n.kind {
	case kSet:
		return spelt(n.set)
	case kGroup, kAtomic:
		return ws.windows(n.subs[0])
	case kRepeat, kCat:
		return ws.rarest(n)
	case kAlt:
		var all []window
		for _, s := range n.subs {
			own := ws.windows(s)
			if own == nil {
				return nil
			}
			all = append(all, own...)
		}
		return all
	}
	return nil
}

// any is how often any of some windows fits.
func (ws *weights) any(all []window) float64 {
	sum := 0.0
	for i := range all {
		sum += ws.often(&all[i])
	}
	return sum
}

// finder walks a sequence and keeps the windows that tell most.
type finder struct {
	*weights
	best []window
	run  []runeSet // characters that follow each other
}

// longestRun bounds what of a run is looked at.
const longestRun = 64

func (ws *weights) rarest(n *node) []window {
	f := &finder{weights: ws}
	f.walk(n)
	f.cut()
	return f.best
}

func (f *finder) offer(ws []window) {
	if ws != nil && (f.best == nil || f.any(ws) < f.any(f.best)) {
		f.best = ws
	}
}

// cut ends the run: what comes next need not follow.
func (f *finder) cut() {
	for at := range f.run {
		f.offer([]window{windowAt(f.run[at:])})
	}
	if len(f.run) == 1 {
		f.offer(spelt(f.run[0]))
	}
	f.run = nil
}

func (f *finder) walk(n *node) {
	switch n.kind {
	case kSet:
		if f.run = append(f.run, n.set); len(f.run) >= longestRun {
			f.cut()
		}
	case kAssert, kLook: // they take no characters
	case kGroup, kAtomic:
		f.walk(n.subs[0])
	case kCat:
		for _, s := range n.subs {
			f.walk(s)
		}
	case kRepeat:
		f.repeat(n)
	default:
		f.cut()
		f.offer(f.windows(n))
	}
}

func (f *finder) repeat(n *node) {
	if n.min == 0 {
		f.cut()
		return
	}
	for range min(n.min, windowLen) { // more say the same
		f.walk(n.subs[0])
	}
	if n.min <= windowLen && n.max == n.min {
		return
	}
	f.cut()
	f.walk(n.subs[0]) // the last one, which the next follows
}

// windowAt is what bytes characters that follow each other begin with. A character beyond ASCII has two to four bytes, so that where the next one begins
// is known only for ASCII.
func windowAt(chars []runeSet) window {
	var w window
	var begins [windowLen + 5][]bool // by byte: which characters may begin there
	for k := range begins {
		begins[k] = make([]bool, len(chars)+1)
	}
	begins[0][0] = true
	var inside [windowLen + 5]bool // by byte: a character may go on there
	for k := range windowLen {
		if inside[k] {
			w[k].union(inner)
		}
		for i := range min(len(chars), windowLen+1) {
			if !begins[k][i] {
				continue
			}
			first, more := leads(chars[i])
			w[k].union(first)
			if first[0]|first[1] != 0 {
				begins[k+1][i+1] = true
			}
			if more {
				inside[k+1], inside[k+2], inside[k+3] = true, true, true
				begins[k+2][i+1], begins[k+3][i+1], begins[k+4][i+1] = true, true, true
			}
		}
		if len(chars) <= k+1 && begins[k][len(chars)] || w[k] == (byteSet{}) { // the run may have ended
			w[k] = anyByte
		}
	}
	return w
}

// leads are the bytes that the characters of a set begin with, in well-formed text, and whether any is beyond ASCII.
func leads(s runeSet) (first byteSet, more bool) {
	for i := 0; i+1 < len(s); i += 2 {
		for b := int(lead(s[i])); b <= int(lead(s[i+1])); b++ {
			if b < utf8.RuneSelf || b >= 0xC2 {
				first.add(b)
			}
		}
		more = more || s[i+1] >= utf8.RuneSelf
	}
	return first, more
}

// asciiOf are the ASCII characters of a set.
func asciiOf(s runeSet) byteSet {
	all, _ := leads(s)
	return byteSet{all[0], all[1]}
}

// bytesOf are all bytes of the characters of a set.
func bytesOf(s runeSet) byteSet {
	all, more := leads(s)
	if more {
		all.union(inner)
	}
	return all
}

// mostSpelt is how many ranges of characters beyond ASCII get windows of their own.
const mostSpelt = 3

// spelt are the windows of one character: those of ASCII together, and the others by their bytes where they are few.
func spelt(s runeSet) []window {
	var ascii runeSet
	var out []window
	for i := 0; i+1 < len(s); i += 2 {
		if s[i] < utf8.RuneSelf {
			ascii = append(ascii, s[i], min(s[i+1], utf8.RuneSelf-1))
		}
		if s[i+1] < utf8.RuneSelf {
			continue
		}
		lo, hi := utf8.AppendRune(nil, max(s[i], utf8.RuneSelf)), utf8.AppendRune(nil, s[i+1])
		if !utf8.ValidRune(s[i]) || !utf8.ValidRune(s[i+1]) || len(lo) != len(hi) || lo[0] != hi[0] || len(out) == mostSpelt {
			return []window{windowAt([]runeSet{s})}
		}
		w := window{anyByte, anyByte, anyByte}
		for k, same := 0, true; k < min(len(lo), windowLen); k++ {
			w[k] = inner
			if same {
				w[k] = byteSet{}
				for b := int(lo[k]); b <= int(hi[k]); b++ {
					w[k].add(b)
				}
			}
			same = same && lo[k] == hi[k]
		}
		out = append(out, w)
	}
	return append(out, halved(ascii)...)
}

// halved are the windows of one ASCII character of a set, so cut that low and high halves of bytes together tell which it has.
func halved(ascii runeSet) []window {
	if len(ascii) == 0 {
		return nil
	}
	set := asciiOf(ascii)
	var lows [8]uint16
	for b := range utf8.RuneSelf {
		if set.has(b) {
			lows[b>>4] |= 1 << (b & 15)
		}
	}
	var out []window
	for h, low := range lows {
		if low == 0 || slices.Contains(lows[:h], low) {
			continue
		}
		w := window{{}, anyByte, anyByte}
		for b := range utf8.RuneSelf {
			if lows[b>>4] == low && low>>(b&15)&1 == 1 {
				w[0].add(b)
			}
		}
		out = append(out, w)
	}
	return out
}
