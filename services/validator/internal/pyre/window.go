package pyre

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

// beyond are the bytes of characters beyond ASCII; anyByte are all.
var beyond, anyByte = byteSet{2: ^uint64(0), 3: ^uint64(0)}, byteSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// window is bytes that follow each other somewhere in a match: byte k of it is in set k.
type window [windowLen]byteSet

// often is about how large a part of a text's places a window fits: the higher, the less it tells.
func (w *window) often() float64 {
	f := 1.0
	for k := range w {
		if w[k] == anyByte {
			continue
		}
		sum := 0.0
		for b := range 256 {
			if w[k].has(b) {
				sum += frequency(byte(b))
			}
		}
		f *= sum
	}
	return f
}

// frequency guesses a byte's share of a text.
func frequency(b byte) float64 {
	const letters = "etaoinsrhldcumfpgwybvkxjqz"
	switch {
	case b == ' ':
		return .17
	case 'a' <= b && b <= 'z':
		for i := range len(letters) {
			if letters[i] == b {
				return .1 / (1 + float64(i)*.35)
			}
		}
	case b == '\n', b == '.', b == ',':
		return .01
	case '0' <= b && b <= '9', 'A' <= b && b <= 'Z':
		return .002
	case b < ' ':
		return 1e-6
	case b < 0x80:
		return .001
	}
	return 5e-4
}

// windows are such that every match holds one of them; none where the pattern is not known to hold any.
func windows(n *node) []window {
	switch n.kind {
	case kSet:
		return []window{windowAt([]runeSet{n.set})}
	case kGroup, kAtomic:
		return windows(n.subs[0])
	case kRepeat, kCat:
		return rarest(n)
	case kAlt:
		var all []window
		for _, s := range n.subs {
			own := windows(s)
			if own == nil {
				return nil
			}
			all = append(all, own...)
		}
		return all
	}
	return nil
}

func often(ws []window) float64 {
	sum := 0.0
	for i := range ws {
		sum += ws[i].often()
	}
	return sum
}

// finder walks a sequence and keeps the windows that tell most.
type finder struct {
	best []window
	run  []runeSet // characters that follow each other
}

// longestRun bounds what of a run is looked at.
const longestRun = 64

func rarest(n *node) []window {
	f := &finder{}
	f.walk(n)
	f.cut()
	return f.best
}

func (f *finder) offer(ws []window) {
	if ws != nil && (f.best == nil || often(ws) < often(f.best)) {
		f.best = ws
	}
}

// cut ends the run: what comes next need not follow.
func (f *finder) cut() {
	for at := range f.run {
		f.offer([]window{windowAt(f.run[at:])})
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
		f.offer(windows(n))
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
			w[k].union(beyond)
		}
		for i := range min(len(chars), windowLen+1) {
			if !begins[k][i] {
				continue
			}
			ascii, more := leads(chars[i])
			w[k].union(ascii)
			if ascii != (byteSet{}) {
				begins[k+1][i+1] = true
			}
			if more {
				w[k].union(beyond)
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

// leads are the ASCII characters of a set, and whether it has others.
func leads(s runeSet) (ascii byteSet, more bool) {
	for i := 0; i+1 < len(s); i += 2 {
		for r := s[i]; r <= min(s[i+1], 0x7F); r++ {
			ascii.add(int(r))
		}
		more = more || s[i+1] > 0x7F
	}
	return ascii, more
}
