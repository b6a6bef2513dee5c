package pyre

import "unicode/utf8"

// lanes is how many texts walk an automaton side by side: a step waits for the one before it in its own text alone, so that four take hardly longer than one.
const lanes = 4

// together searches that many texts for an automaton that does not skip.
func (a *automaton) together(texts *[lanes][]byte, found *[lanes]bool) {
	a0, a1, a2, a3 := texts[0], texts[1], texts[2], texts[3]
	n := min(len(a0), len(a1), len(a2), len(a3))
	at, s := 0, [lanes]int32{a.first, a.first, a.first, a.first}
	if a.first > a.special {
		ascii, table, special := &a.p.alphabet.ascii, a.table, a.special
		s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
		a0, a1, a2, a3 = a0[:n], a1[:n], a2[:n], a3[:n]
		for i := range n {
			b0, b1, b2, b3 := a0[i], a1[i], a2[i], a3[i]
			if b0|b1|b2|b3 >= utf8.RuneSelf {
				break
			}
			t0, t1 := table[s0+int32(ascii[b0])], table[s1+int32(ascii[b1])]
			t2, t3 := table[s2+int32(ascii[b2])], table[s3+int32(ascii[b3])]
			if min(t0, t1, t2, t3) <= special {
				break
			}
			s0, s1, s2, s3 = t0, t1, t2, t3
			at++
		}
		s = [lanes]int32{s0, s1, s2, s3}
	}
	for k := range s {
		if k > 0 && a.starts != a.begun { // states have new numbers
			s[k], at = a.first, 0
		}
		found[k] = a.walk(texts[k], at, s[k])
	}
	a.begun = a.starts
}
