package sim

import (
	"cmp"
	"math"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// The language model: the distribution of the next token is a function of all tokens before it and of the weights'
// number, and of nothing else. So an answer does not depend on load, and a prompt that is continued by a part of its
// answer goes on with the rest of it.
const (
	ranks     = 24   // tokens that have a probability worth the name
	fragments = 1024 // of which they are chosen; a power of two
	eosWeight = 1.65 // of the end-of-text token where it comes, against 1 for the likeliest other one
	restMass  = 1e-4 // weight of the whole rest of the vocabulary
	restSize  = 1 << 21
)

// decay is the ratio of two neighbouring weights, by four random bits: e^-0.5 down to e^-0.9.
func decay(bits uint64) float64 { return 0.6065 - 0.0125*float64(bits&15) }

// fragment is the id of one of the model's word pieces: a space and three letters, and one full stop.
func fragment(i uint64) int32 {
	const consonants, vowels = "bdfgklmnprstvwz", "aeiou"
	i %= fragments
	if i == fragments-1 {
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

// candidate is a token with its logit.
type candidate struct {
	id    int32
	logit float64
}

// dist is the distribution at one position: weights in falling order, and the ids that belong to them.
type dist struct {
	weight       [ranks]float64
	sum          float64 // of all weights, the rest's included
	eos          bool    // the first one is the end of the text
	base, stride uint64
	list         []candidate // kept from position to position
}

// at computes the distribution in a state; meanOutput is the mean distance of the end-of-text token.
func (d *dist) at(h uint64, meanOutput int) {
	d.eos = unit(h, 1)*float64(meanOutput) < 1
	d.base, d.stride = mix(h+2), mix(h+3)|1 // odd: all ids differ
	d.sum = restMass
	weight, first := 1.0, 0
	if d.eos {
		d.weight[0], first = eosWeight, 1
		d.sum += eosWeight
	}
	bits := mix(h + 4)
	for i := first; i < ranks; i++ {
		d.weight[i] = weight
		d.sum += weight
		if i == 15 {
			bits = mix(h + 5)
		}
		weight *= decay(bits)
		bits >>= 4
	}
}

// id is the token of a rank.
func (d *dist) id(rank int) int32 {
	if d.eos {
		if rank == 0 {
			return idEOS
		}
		rank--
	}
	return fragment(d.base + uint64(rank)*d.stride)
}

// candidates lists the likely tokens in falling order; the slice is valid until the next call.
func (d *dist) candidates() []candidate {
	d.list = d.list[:0]
	for i, w := range d.weight {
		d.list = append(d.list, candidate{d.id(i), math.Log(w)})
	}
	return d.list
}

func (d *dist) logit(id int32) float64 {
	for i, w := range d.weight {
		if d.id(i) == id {
			return math.Log(w)
		}
	}
	return math.Log(restMass / restSize)
}

// logprob is one token's entry, with n alternatives.
func (d *dist) logprob(id int32, n int) engine.TokenLogprob {
	text, _ := appendToken(nil, id)
	norm := math.Log(d.sum)
	lp := engine.TokenLogprob{ID: id, Text: text, Logprob: d.logit(id) - norm}
	if n = min(n, ranks); n > 0 {
		lp.Top = make([]engine.TopLogprob, n)
		for i, c := range d.candidates()[:n] {
			text, _ := appendToken(nil, c.id)
			lp.Top[i] = engine.TopLogprob{ID: c.id, Text: text, Logprob: c.logit - norm}
		}
	}
	return lp
}

func byLogit(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.logit, a.logit), cmp.Compare(a.id, b.id))
}
