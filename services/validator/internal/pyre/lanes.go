package pyre

import "unicode/utf8"

// lanes is how many texts walk an automaton side by side: a step waits for the one before it in its own text alone, so that four take hardly longer than one.
const lanes = 4

// together searches that many texts for an automaton that does not skip.
func (a *automaton) together(texts *[lanes][]byte, found *[lanes]bool) {
	a0, a1, a2, a3 := texts[0], texts[1], texts[2], texts[3]
	n := min(len(a0), len(a1), len(a2), len(a3))
	at, s := 0, [lanes]int32{a.first, a.first, a.first, a.first}
	if w := a.wide(); w != nil {
		at, s = w.walk(a0[:n], a1[:n], a2[:n], a3[:n])
	}
	for k := range s {
		if k > 0 && a.starts != a.begun { // states have new numbers
			s[k], at = a.first, 0
		}
		found[k] = a.walk(texts[k], at, s[k])
	}
	a.begun = a.starts
}

// wide is an automaton of few states by bytes instead of classes, one look-up a byte: state k is k<<8, and what needs a closer look is below 0.
type wide struct {
	to     []int32 // by state and byte
	stride int32
	first  int32
	made   int // of which version of the automaton
	asked  int // since that changed
}

const (
	widest = 16 // states: 16 KiB
	// settles is how often an automaton is asked without learning anything new until it is made wide.
	settles = 32
)

// wide is a's, made anew where it has learnt since; nil while it learns, and where it is too large.
func (a *automaton) wide() *wide {
	w := &a.byBytes
	if w.made == a.version && w.to != nil {
		return w
	}
	if w.made != a.version {
		w.made, w.asked, w.to = a.version, 0, nil
	}
	states := int32(len(a.table)) / a.stride
	if w.asked++; w.asked < settles || states > widest || a.first <= a.special {
		return nil
	}
	w.to, w.stride, w.first = make([]int32, states<<8), a.stride, a.first/a.stride<<8
	for s := range states {
		for b := range int32(256) {
			w.to[s<<8|b] = -1
			if b >= utf8.RuneSelf || s == 0 {
				continue
			}
			if to := a.table[s*a.stride+int32(a.p.alphabet.ascii[b])]; to > a.special {
				w.to[s<<8|b] = to / a.stride << 8
			}
		}
	}
	return w
}

// walk goes on while all four may: at is how many bytes that was, s the automaton's states there.
func (w *wide) walk(a0, a1, a2, a3 []byte) (at int, s [lanes]int32) {
	to := w.to
	s0, s1, s2, s3 := w.first, w.first, w.first, w.first
	n := len(a0)
	a1, a2, a3 = a1[:n], a2[:n], a3[:n]
	for at < n {
		t0, t1 := to[s0|int32(a0[at])], to[s1|int32(a1[at])]
		t2, t3 := to[s2|int32(a2[at])], to[s3|int32(a3[at])]
		if t0|t1|t2|t3 < 0 {
			break
		}
		s0, s1, s2, s3 = t0, t1, t2, t3
		at++
	}
	return at, [lanes]int32{s0 >> 8 * w.stride, s1 >> 8 * w.stride, s2 >> 8 * w.stride, s3 >> 8 * w.stride}
}
