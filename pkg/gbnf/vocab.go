package gbnf

import (
	"bytes"
	"errors"
	"slices"
)

// Mask is a set of token ids. It is shared: do not change it.
type Mask []uint64

// Has tells whether a token is in the set.
func (m Mask) Has(id int32) bool {
	return id >= 0 && int(id>>6) < len(m) && m[id>>6]>>(id&63)&1 != 0
}

// Empty tells that no token is in the set.
func (m Mask) Empty() bool { return !slices.ContainsFunc(m, func(w uint64) bool { return w != 0 }) }

// Vocab is the bytes of a model's tokens as a tree. It is immutable.
type Vocab struct {
	size  int
	nodes []node
	ids   []int32 // sorted by their bytes
	deep  int
}

// node is one byte of the tree. Nodes lie in the order of a walk: those below follow, up to skip.
type node struct {
	skip   int32
	first  int32 // of the tokens that end here, in Vocab.ids
	tokens uint16
	depth  uint16
	b      byte
}

// mask is a set of tokens for one vocabulary.
type mask struct {
	v      *Vocab
	tokens Mask
	err    error
}

// ErrTooComplex says that a grammar allows too much at once to find the tokens that fit within bounds.
var ErrTooComplex = errors.New("the grammar is too ambiguous to find the tokens that it allows")

// longest is the most bytes of a token that an index takes.
const longest = 1 << 12

// NewVocab indexes tokens, whose ids are their places, by their bytes. Tokens without bytes are never allowed, nor those
// above 4 KiB.
func NewVocab(pieces [][]byte) *Vocab {
	v := &Vocab{size: len(pieces)}
	for id, p := range pieces {
		if len(p) > 0 && len(p) <= longest {
			v.ids = append(v.ids, int32(id))
		}
	}
	slices.SortStableFunc(v.ids, func(a, b int32) int { return bytes.Compare(pieces[a], pieces[b]) })
	var open []int32 // the path to the last token
	var last []byte
	for i, id := range v.ids {
		p := pieces[id]
		if bytes.Equal(p, last) && v.nodes[len(v.nodes)-1].tokens < 1<<16-1 {
			v.nodes[len(v.nodes)-1].tokens++
			continue
		}
		same := common(p, last)
		v.leave(open[same:])
		open = open[:same]
		for d := same; d < len(p); d++ {
			open = append(open, int32(len(v.nodes)))
			v.nodes = append(v.nodes, node{b: p[d], depth: uint16(d)})
		}
		end := &v.nodes[len(v.nodes)-1]
		end.first, end.tokens = int32(i), 1
		v.deep, last = max(v.deep, len(p)), p
	}
	v.leave(open)
	return v
}

// leave marks where the walk goes on behind the given nodes.
func (v *Vocab) leave(nodes []int32) {
	for _, i := range nodes {
		v.nodes[i].skip = int32(len(v.nodes))
	}
}

func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// Allowed returns the tokens that may follow s. It is remembered with the state.
func (v *Vocab) Allowed(s State) (Mask, error) {
	if s.c == nil {
		return make(Mask, (v.size+63)/64), nil
	}
	if m := s.c.mask.Load(); m != nil && m.v == v {
		return m.tokens, m.err
	}
	s.g.walking.Lock()
	defer s.g.walking.Unlock()
	c := s.g.live(s.c)
	m := c.mask.Load()
	if m == nil || m.v != v {
		m = &mask{v: v, tokens: make(Mask, (v.size+63)/64)}
		m.err = v.search(s.g, c, m.tokens)
		c.mask.Store(m)
		c.tab.bytes.Add(8 * int64(len(m.tokens)))
	}
	s.c.mask.Store(m)
	return m.tokens, m.err
}

// search walks the tree from c and puts the tokens that it reaches into the set.
func (v *Vocab) search(g *Grammar, c *config, into Mask) error {
	g.walks++
	path := make([]*config, v.deep+1) // by depth: the configuration before the byte there
	path[0] = c
	cost := 0
	for i := 0; i < len(v.nodes); {
		nd := &v.nodes[i]
		before := path[nd.depth]
		after := before.next[g.classOf[nd.b]].Load()
		if after == nil {
			before = g.live(before)
			path[nd.depth] = before
			after = g.explore(before, g.classOf[nd.b])
		}
		if after == dead {
			i = int(nd.skip)
			continue
		}
		if after.walk != g.walks {
			after.walk = g.walks
			if cost += 1 + len(after.items) + after.weight/8; cost > maxCost {
				return ErrTooComplex
			}
		}
		for _, id := range v.ids[nd.first : nd.first+int32(nd.tokens)] {
			into[id>>6] |= 1 << (id & 63)
		}
		path[nd.depth+1] = after
		i++
	}
	return nil
}
