package held

import (
	"cmp"
	"slices"
)

// Active returns the sequences that run, oldest first.
func (t *Table) Active() []*Sequence {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*Sequence, 0, len(t.active))
	for s := range t.active {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Sequence) int {
		return cmp.Or(a.Accepted.Compare(b.Accepted), cmp.Compare(a.Number, b.Number))
	})
	return out
}

// Held returns how many sequences run, and whether another one would be taken.
func (t *Table) Held() (held int, room bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.active), t.closed == None && len(t.active) < t.limits.Slots
}

// Holding is what is held of one router's dispatches.
type Holding struct {
	Router  string
	Highest uint64
	Numbers []uint64 // rising
}

// Holdings returns what is held for each router, in the order of their names.
func (t *Table) Holdings() []Holding {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Holding, 0, len(t.books))
	for r, b := range t.books {
		h := Holding{Router: r, Highest: b.highest, Numbers: make([]uint64, 0, len(b.open))}
		for n := range b.open {
			h.Numbers = append(h.Numbers, n)
		}
		slices.Sort(h.Numbers)
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Holding) int { return cmp.Compare(a.Router, b.Router) })
	return out
}
