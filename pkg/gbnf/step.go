package gbnf

import "slices"

// step returns the configuration behind byte b, nil where b cannot stand there.
func (g *Grammar) step(c *config, b byte) *config {
	class := g.classOf[b]
	n := c.next[class].Load()
	if n == nil {
		n = g.explore(c, class)
	}
	if n == dead {
		return nil
	}
	return n
}

// explore works out what follows a class of bytes. Where the table is full it begins anew.
func (g *Grammar) explore(c *config, class uint8) *config {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := c.next[class].Load(); n != nil {
		return n
	}
	if g.tab.Load().bytes.Load() > maxCache {
		g.renew()
	}
	from := g.adopt(c)
	if n := from.next[class].Load(); n != nil { // only after an adoption
		return n
	}
	g.reset()
	for _, it := range from.items {
		if g.member[g.elems[it.at].arg][class>>6]>>(class&63)&1 != 0 {
			g.push(item{it.at + 1, it.frame})
		}
	}
	n := dead
	if len(g.todo) > 0 {
		g.close()
		if r := g.settle(from.tab); r != nil {
			n = r
		}
	}
	from.next[class].Store(n)
	return n
}

func (g *Grammar) reset() {
	g.todo, g.items, g.queue = g.todo[:0], g.items[:0], g.queue[:0]
	g.nitems, g.accept = 0, false
	clear(g.seen)
	clear(g.calls)
}

// push adds a place that is reached without reading anything more.
func (g *Grammar) push(it item) {
	if _, ok := g.seen[it]; !ok && g.count() {
		g.seen[it] = struct{}{}
		g.todo = append(g.todo, it)
	}
}

// count bounds the work on one configuration.
func (g *Grammar) count() bool {
	g.nitems++
	return g.nitems <= 4*maxItems
}

// close follows the places in g.todo to where a byte is read or a rule is called. They stand on frames of earlier steps
// only: that a new call returns without reading is covered by stepping over rules that can match nothing (Aycock and
// Horspool 2002, "Practical Earley Parsing").
func (g *Grammar) close() {
	for len(g.todo) > 0 {
		it := g.todo[len(g.todo)-1]
		g.todo = g.todo[:len(g.todo)-1]
		switch e := g.elems[it.at]; e.op {
		case opAccept:
			g.accept = true
		case opEnd:
			for _, r := range it.frame.returns {
				g.push(r)
			}
		case opByte:
			g.items = append(g.items, it)
		case opRule:
			next := item{it.at + 1, it.frame}
			g.call(next, e.arg)
			if g.nullable[e.arg] {
				g.push(next)
			}
		}
	}
}

// call notes that a rule is called and where it returns to. A return to a place that itself returns at once is one to
// that place's own returns, so that loops do not grow the stack.
func (g *Grammar) call(back item, id int32) {
	if _, ok := g.calls[id]; !ok {
		g.enqueue(id)
	}
	list := g.calls[id]
	if g.nitems > 4*maxItems {
		return
	}
	if g.elems[back.at].op != opEnd {
		list = append(list, back)
		g.count()
	} else {
		list = append(list, back.frame.returns...)
		g.nitems += len(back.frame.returns)
	}
	g.calls[id] = list
}

// settle begins the called rules, each after all that call it, and interns the result; nil: it would be too large.
func (g *Grammar) settle(t *table) *config {
	for len(g.queue) > 0 {
		id := g.dequeue()
		f := g.frame(t, slices.Clone(g.calls[id]))
		if g.nitems > 4*maxItems {
			return nil
		}
		for _, at := range g.rules[id].alts {
			g.enter(id, at, f)
		}
	}
	if g.nitems > 4*maxItems || len(g.items) > maxItems {
		return nil
	}
	return g.config(t, slices.Clone(g.items), g.accept)
}

// enter begins one alternative of a rule that returns to f.
func (g *Grammar) enter(id, at int32, f *frame) {
	for {
		g.count()
		switch e := g.elems[at]; {
		case e.op == opByte:
			g.items = append(g.items, item{at, f})
			return
		case e.op != opRule, e.arg == g.rules[id].rest:
			return
		default:
			g.call(item{at + 1, f}, e.arg)
			if !g.nullable[e.arg] {
				return
			}
		}
		at++
	}
}

// enqueue and dequeue keep a binary heap of rules, least order first.
func (g *Grammar) enqueue(id int32) {
	q := append(g.queue, id)
	for i := len(q) - 1; i > 0; {
		up := (i - 1) / 2
		if g.order[q[up]] <= g.order[q[i]] {
			break
		}
		q[up], q[i] = q[i], q[up]
		i = up
	}
	g.queue = q
}

func (g *Grammar) dequeue() int32 {
	q := g.queue
	top, n := q[0], len(q)-1
	q[0] = q[n]
	q = q[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && g.order[q[c+1]] < g.order[q[c]] {
			c++
		}
		if g.order[q[i]] <= g.order[q[c]] {
			break
		}
		q[i], q[c] = q[c], q[i]
		i = c
	}
	g.queue = q
	return top
}
