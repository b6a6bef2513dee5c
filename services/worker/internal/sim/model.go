package sim

import (
	"cmp"
	"math"
	"slices"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// The language model: the distribution of the next token is a function of all tokens before it and of the weights'
// number, and of nothing else. So an answer does not depend on load, and a prompt that is continued by a part of its
// answer goes on with the rest of it.
const (
	ranks     = 24   // tokens that have a probability worth the name
	fragments = 1024 // of which they are chosen; a power of two
	restMass  = 1e-4 // weight of the whole rest of the vocabulary, against 1 for the likeliest token
	restSize  = 1 << 21
)

// fragment is the id of one of the model's word pieces: a space and three letters, or now and then a full stop.
func fragment(i uint64) int32 {
	const consonants, vowels = "bdfgklmnprstvwz", "aeiou"
	i %= fragments
	if i%64 == 63 {
		return asciiBase | '.'
	}
	c1, v, c2 := consonants[i%15], vowels[i/15%5], consonants[i/75%15]
	return asciiBase | ' ' | int32(c1)<<7 | int32(v)<<14 | int32(c2)<<21
}

// mix is splitmix64's finaliser.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// after is the model's state once it has read one more token.
func after(h uint64, id int32) uint64 { return mix(h ^ uint64(uint32(id)) + 0x9e3779b97f4a7c15) }

// unit is a number in [0,1) drawn from a state and a purpose.
func unit(h, purpose uint64) float64 {
	return float64(mix(h+purpose*0xd1342543de82ef95)>>11) / (1 << 53)
}

// candidate is a token with its logit and, once normalised, its log-probability.
type candidate struct {
	id    int32
	logit float64
}

// dist is the distribution at one position; its arrays are reused from position to position.
type dist struct {
	top  []candidate // falling
	logZ float64
}

// at computes the distribution in a state; meanOutput is the mean distance of the end-of-text token.
func (d *dist) at(h uint64, meanOutput int) {
	d.top = d.top[:0]
	if unit(h, 1)*float64(meanOutput) < 1 {
		d.top = append(d.top, candidate{idEOS, 0.5})
	}
	base, stride := mix(h+2), mix(h+3)|1
	logit, z := 0.0, restMass
	for i := uint64(0); len(d.top) < ranks; i++ {
		id := fragment(base + i*stride)
		if slices.ContainsFunc(d.top, func(c candidate) bool { return c.id == id }) {
			continue
		}
		d.top = append(d.top, candidate{id, logit})
		logit -= 0.5 + 0.4*unit(h, 16+i)
	}
	for _, c := range d.top {
		z += math.Exp(c.logit)
	}
	d.logZ = math.Log(z)
}

func (d *dist) logit(id int32) float64 {
	for _, c := range d.top {
		if c.id == id {
			return c.logit
		}
	}
	return math.Log(restMass / restSize)
}

// logprob is one token's entry, with n alternatives.
func (d *dist) logprob(id int32, n int) engine.TokenLogprob {
	text, _ := appendToken(nil, id)
	lp := engine.TokenLogprob{ID: id, Text: text, Logprob: d.logit(id) - d.logZ}
	if n = min(n, len(d.top)); n > 0 {
		lp.Top = make([]engine.TopLogprob, n)
		for i, c := range d.top[:n] {
			text, _ := appendToken(nil, c.id)
			lp.Top[i] = engine.TopLogprob{ID: c.id, Text: text, Logprob: c.logit - d.logZ}
		}
	}
	return lp
}

func byLogit(a, b candidate) int {
	if c := cmp.Compare(b.logit, a.logit); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}
