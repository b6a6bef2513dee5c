package queue

// heap is a binary min-heap of items that keeps each item's position in the item, so that any item can be removed.
type heap[V any] struct {
	s    []*Item[V]
	less func(a, b *Item[V]) bool
	at   func(it *Item[V]) *int
}

func dueBefore[V any](a, b *Item[V]) bool {
	switch {
	case a.Due.Equal(b.Due):
		return a.seq < b.seq
	case a.Due.IsZero():
		return false
	case b.Due.IsZero():
		return true
	}
	return a.Due.Before(b.Due)
}

func expiresBefore[V any](a, b *Item[V]) bool { return a.Expire.Before(b.Expire) }

func atTenant[V any](it *Item[V]) *int { return &it.inTenant }
func atExpiry[V any](it *Item[V]) *int { return &it.inExpiry }

func (h *heap[V]) len() int { return len(h.s) }

func (h *heap[V]) first() *Item[V] {
	if len(h.s) == 0 {
		return nil
	}
	return h.s[0]
}

func (h *heap[V]) push(it *Item[V]) {
	h.s = append(h.s, it)
	*h.at(it) = len(h.s) - 1
	h.up(len(h.s) - 1)
}

func (h *heap[V]) remove(i int) {
	last := len(h.s) - 1
	h.swap(i, last)
	h.s[last] = nil
	h.s = h.s[:last]
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h *heap[V]) swap(i, j int) {
	h.s[i], h.s[j] = h.s[j], h.s[i]
	*h.at(h.s[i]), *h.at(h.s[j]) = i, j
}

func (h *heap[V]) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if !h.less(h.s[i], h.s[p]) {
			return
		}
		h.swap(i, p)
		i = p
	}
}

func (h *heap[V]) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.s) {
			return
		}
		if c+1 < len(h.s) && h.less(h.s[c+1], h.s[c]) {
			c++
		}
		if !h.less(h.s[c], h.s[i]) {
			return
		}
		h.swap(i, c)
		i = c
	}
}
