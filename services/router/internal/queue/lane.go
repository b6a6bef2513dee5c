package queue

import "slices"

// lane is items that wait for the same workers, in the order of service. All lanes share the queue's bounds.
type lane[V any] struct {
	name    string
	class   [classes]ring[V]
	relief  int
	blocked Class // items of this class and those below are kept back
}

func newLane[V any](name string, cfg Config) *lane[V] {
	l := &lane[V]{name: name, relief: cfg.Relief, blocked: classes}
	for i := range l.class {
		l.class[i] = ring[V]{quantum: cfg.Quantum, byName: map[string]*tenant[V]{}}
	}
	return l
}

func (l *lane[V]) push(it *Item[V]) {
	it.lane = l
	l.class[it.Class].push(it)
}

// next is the item to be served next, or nil, and how it ranks among those of other lanes: by its class, and before every
// class where it has been passed over for long enough.
func (l *lane[V]) next() (it *Item[V], rank int) {
	for c := range l.class {
		if r := &l.class[c]; l.relief > 0 && r.len() > 0 && r.passed >= l.relief {
			return r.next(), -1
		}
	}
	for c := range l.class {
		if r := &l.class[c]; r.len() > 0 {
			return r.next(), c
		}
	}
	return nil, classes
}

// pass notes that an item of a class was served while lower ones wait.
func (l *lane[V]) pass(served Class) {
	for c := served + 1; c < classes; c++ {
		if l.class[c].len() > 0 {
			l.class[c].passed++
		}
	}
}

func (l *lane[V]) empty() bool {
	for c := range l.class {
		if l.class[c].len() > 0 {
			return false
		}
	}
	return true
}

// nextOfAll is Next where there are side lanes: the first by class, then by arrival, of what the lanes would serve.
func (q *Queue[V]) nextOfAll() (best *Item[V]) {
	at := classes
	consider := func(l *lane[V]) {
		it, rank := l.next()
		if it != nil && it.Class < l.blocked && (best == nil || rank < at || rank == at && it.seq < best.seq) {
			best, at = it, rank
		}
	}
	consider(q.main)
	for _, l := range q.sides {
		consider(l)
	}
	return best
}

// Block keeps what is in the item's lane, and of no higher class than the item, out of Next until Unblock: it cannot be
// served now.
func (q *Queue[V]) Block(it *Item[V]) { it.lane.blocked = it.Class }

// Unblock lets Next serve all lanes again.
func (q *Queue[V]) Unblock() {
	q.main.blocked = classes
	for _, l := range q.sides {
		l.blocked = classes
	}
}

// Aside moves a waiting item into the lane of a name, where it keeps its place by arrival. Between lanes there is no
// fairness but that of classes and arrival.
func (q *Queue[V]) Aside(it *Item[V], name string) {
	to := q.side(name)
	if to == nil {
		to = newLane[V](name, q.cfg)
		q.sides = append(q.sides, to)
	}
	if it.lane != to {
		q.leave(it)
		to.push(it)
	}
}

// Blocked says whether an item of a class would be kept back in the lane of a name.
func (q *Queue[V]) Blocked(name string, c Class) bool {
	l := q.side(name)
	return l != nil && c >= l.blocked
}

func (q *Queue[V]) side(name string) *lane[V] {
	for _, l := range q.sides {
		if l.name == name {
			return l
		}
	}
	return nil
}

// Lanes are the names of the lanes that are not the first and have items.
func (q *Queue[V]) Lanes() (names []string) {
	for _, l := range q.sides {
		names = append(names, l.name)
	}
	return names
}

// NextIn returns the item of a side lane that is served next, kept back or not, or nil.
func (q *Queue[V]) NextIn(name string) *Item[V] {
	l := q.side(name)
	if l == nil {
		return nil
	}
	it, _ := l.next()
	return it
}

// ClassLen is the number of waiting items of one class, in all lanes.
func (q *Queue[V]) ClassLen(c Class) int {
	n := q.main.class[c].len()
	for _, l := range q.sides {
		n += l.class[c].len()
	}
	return n
}

// Behind is whether items of a higher class wait in the item's lane, or in the first one where it does not wait itself.
func (q *Queue[V]) Behind(it *Item[V]) bool {
	l := it.lane
	if l == nil {
		l = q.main
	}
	for c := range it.Class {
		if l.class[c].len() > 0 {
			return true
		}
	}
	return false
}

// leave takes an item out of its lane, and the lane away that is empty.
func (q *Queue[V]) leave(it *Item[V]) {
	l, r := it.lane, &it.lane.class[it.Class]
	it.lane = nil
	r.remove(it)
	if r.len() == 0 {
		r.passed = 0
	}
	if l != q.main && l.empty() {
		q.sides = slices.DeleteFunc(q.sides, func(o *lane[V]) bool { return o == l })
	}
}
