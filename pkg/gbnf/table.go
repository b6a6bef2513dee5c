package gbnf

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync/atomic"
	"unsafe"
)

// item is a place in the grammar with the stack of places to return to. In a frame it is such a place itself.
type item struct {
	at    int32
	frame *frame
}

// frame is the top of all stacks that a rule may return to; they share what is below. Frames are interned: within a table,
// equal frames are the same.
type frame struct {
	id      uint32
	weight  int    // returns of this frame and of all below, counted as often as they are reached, up to easyWeight
	mark    uint64 // the last weighing that came by
	returns []item
}

// config is a configuration: every place at which the next byte may stand. Interned like frames.
type config struct {
	tab    *table
	accept bool
	items  []item
	weight int // of its items' frames
	// next is by class of bytes; nil: not worked out, dead: nothing there.
	next []atomic.Pointer[config]
	mask atomic.Pointer[mask]
	walk uint64 // the last search that came by; guarded by Grammar.walking
}

// easyWeight is what needs no exact weighing, in which shared frames count once.
const easyWeight = 1 << 12

// dead is the configuration of what cannot match.
var dead = &config{}

// table holds what one generation of configurations shares. Its maps are guarded by the grammar's mutex.
type table struct {
	frames  map[string]*frame
	configs map[string]*config
	first   *config
	bytes   atomic.Int64
}

// scratch is room for working out one configuration, guarded by the grammar's mutex.
type scratch struct {
	todo    []item
	seen    map[item]struct{}
	items   []item
	calls   map[int32][]item
	queue   []int32 // a heap of called rules by order
	nitems  int
	accept  bool
	key     []byte
	weighed uint64
	adopted map[*frame]*frame
}

// begin makes the first table.
func (g *Grammar) begin() error {
	g.seen, g.calls = map[item]struct{}{}, map[int32][]item{}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.renew(); g.tab.Load().first == nil {
		return errAmbiguous
	}
	return nil
}

// renew begins a table anew. The old one lives as long as states of it do.
func (g *Grammar) renew() {
	t := &table{frames: map[string]*frame{}, configs: map[string]*config{}}
	g.adopted = map[*frame]*frame{}
	bottom := g.frame(t, []item{{at: 0}})
	g.reset()
	g.call(item{at: 0, frame: bottom}, g.root)
	if g.nullable[g.root] {
		g.accept = true
	}
	t.first = g.settle(t)
	g.tab.Store(t)
}

// live returns c as a configuration of the current table.
func (g *Grammar) live(c *config) *config {
	if c.tab == g.tab.Load() {
		return c
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.adopt(c)
}

// adopt is live under the mutex.
func (g *Grammar) adopt(c *config) *config {
	t := g.tab.Load()
	if c.tab == t {
		return c
	}
	items := make([]item, len(c.items))
	for i, it := range c.items {
		items[i] = item{it.at, g.adoptFrame(t, it.frame)}
	}
	return g.config(t, items, c.accept)
}

func (g *Grammar) adoptFrame(t *table, f *frame) *frame {
	if f == nil {
		return nil
	}
	if n := g.adopted[f]; n != nil {
		return n
	}
	returns := make([]item, len(f.returns))
	for i, it := range f.returns {
		returns[i] = item{it.at, g.adoptFrame(t, it.frame)}
	}
	n := g.frame(t, returns)
	g.adopted[f] = n
	return n
}

// frame interns the frame of the given returns, which it takes over.
func (g *Grammar) frame(t *table, returns []item) *frame {
	returns = g.sortItems(returns)
	if f := t.frames[string(g.key)]; f != nil {
		return f
	}
	f := &frame{id: uint32(len(t.frames) + 1), returns: returns}
	for _, r := range returns {
		f.weight++
		if r.frame != nil {
			f.weight += r.frame.weight
		}
		f.weight = min(f.weight, easyWeight)
	}
	t.frames[string(g.key)] = f
	t.bytes.Add(int64(len(g.key)) + 64 + int64(len(returns))*int64(unsafe.Sizeof(item{})))
	return f
}

// config interns a configuration, whose items it takes over; nil where it would weigh too much.
func (g *Grammar) config(t *table, items []item, accept bool) *config {
	items = g.sortItems(items)
	if accept {
		g.key = append(g.key, 1)
	}
	if c := t.configs[string(g.key)]; c != nil {
		return c
	}
	weight := g.weigh(items)
	if weight > maxWeight {
		return nil
	}
	c := &config{tab: t, items: items, weight: weight, accept: accept, next: make([]atomic.Pointer[config], g.classes)}
	t.configs[string(g.key)] = c
	t.bytes.Add(int64(len(g.key)) + 96 + int64(len(items))*int64(unsafe.Sizeof(item{})) + 8*int64(g.classes))
	return c
}

// weigh counts the returns of all frames below items, which are sorted by frame. Where there may be many it counts each
// frame once; it stops above maxWeight.
func (g *Grammar) weigh(items []item) int {
	sum := 0
	var last *frame
	for _, it := range items {
		if it.frame != last {
			sum += it.frame.weight
			last = it.frame
		}
	}
	if sum < easyWeight {
		return sum
	}
	g.weighed++
	sum = 0
	todo := slices.Clone(items)
	for len(todo) > 0 && sum <= maxWeight {
		f := todo[len(todo)-1].frame
		todo = todo[:len(todo)-1]
		if f == nil || f.mark == g.weighed {
			continue
		}
		f.mark = g.weighed
		sum += len(f.returns)
		todo = append(todo, f.returns...)
	}
	return sum
}

// sortItems brings items in order, drops doubles, and leaves their spelling in g.key.
func (g *Grammar) sortItems(items []item) []item {
	slices.SortFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.frame.number(), b.frame.number()), cmp.Compare(a.at, b.at))
	})
	items = slices.Compact(items)
	g.key = g.key[:0]
	for _, it := range items {
		g.key = binary.AppendUvarint(g.key, uint64(it.frame.number()))
		g.key = binary.AppendUvarint(g.key, uint64(it.at))
	}
	return items
}

func (f *frame) number() uint32 {
	if f == nil {
		return 0
	}
	return f.id
}
