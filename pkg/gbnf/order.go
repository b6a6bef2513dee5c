package gbnf

import (
	"slices"
	"strings"
)

// nullable tells which rules can match nothing. It follows each rule's users, so it takes time linear in the grammar.
func nullable(elems []elem, rules []rule) []bool {
	out := make([]bool, len(rules))
	users := make([][]int32, len(rules))
	for id, r := range rules {
		for _, at := range r.alts {
			for ; elems[at].op != opEnd; at++ {
				if e := elems[at]; e.op == opRule {
					users[e.arg] = append(users[e.arg], int32(id))
				}
			}
		}
	}
	empties := func(id int32) bool {
		return slices.ContainsFunc(rules[id].alts, func(at int32) bool {
			for elems[at].op == opRule && out[elems[at].arg] {
				at++
			}
			return elems[at].op == opEnd
		})
	}
	todo := make([]int32, len(rules))
	for i := range todo {
		todo[i] = int32(i)
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !out[id] && empties(id) {
			out[id] = true
			todo = append(todo, users[id]...)
		}
	}
	return out
}

// leftOrder numbers the rules so that one comes before all that can begin it, and refuses left recursion, which has no such
// order.
func (p *parser) leftOrder(nullable []bool) []int32 {
	order, next := make([]int32, len(p.rules)), int32(len(p.rules))
	const fresh, open, done = 0, 1, 2
	state := make([]byte, len(p.rules))
	var path []int32
	var visit func(id int32)
	visit = func(id int32) {
		state[id] = open
		path = append(path, id)
		for to := range p.lefts(id, nullable) {
			switch state[to] {
			case fresh:
				visit(to)
			case open:
				p.leftRecursion(path[slices.Index(path, to):])
			}
		}
		state[id] = done
		path = path[:len(path)-1]
		next--
		order[id] = next
	}
	for id := range p.rules {
		if state[id] == fresh {
			visit(int32(id))
		}
	}
	return order
}

// lefts yields the rules that can begin a rule.
func (p *parser) lefts(id int32, nullable []bool) func(yield func(int32) bool) {
	return func(yield func(int32) bool) {
		for _, at := range p.rules[id].alts {
			for ; p.elems[at].op == opRule; at++ {
				to := p.elems[at].arg
				if to == p.rules[id].rest {
					break
				}
				if !yield(to) {
					return
				}
				if !nullable[to] {
					break
				}
			}
		}
	}
}

// leftRecursion names the cycle by the rules of the text, at the first of which it points.
func (p *parser) leftRecursion(cycle []int32) {
	var names []string
	at := -1
	for _, id := range cycle {
		if r := p.rules[id]; r.name != "" {
			if names = append(names, r.name); at < 0 {
				at = r.at
			}
		}
	}
	if len(names) == 0 { // parentheses cannot contain themselves: there is always a name
		p.fail(0, "left recursion")
	}
	names = append(names, names[0])
	p.fail(at, "left recursion (%s): a rule must not begin with itself: write a list as item (\",\" item)*", strings.Join(names, " → "))
}
