package queue

// tenant is one tenant's items of one class, and its place in the round.
type tenant[V any] struct {
	name       string
	items      heap[V]
	deficit    int
	prev, next *tenant[V]
}

// ring is one class: deficit round robin between the tenants that wait (Shreedhar and Varghese, SIGCOMM 1995).
//
// A tenant at its turn gets quantum tokens of credit and is served while its credit covers its next item; credit is
// kept while it waits and lost when it runs empty. Two tenants that both wait all the time therefore never differ in
// served tokens by more than a quantum plus their largest items.
type ring[V any] struct {
	quantum int
	head    *tenant[V] // whose turn it is
	active  int        // tenants in the ring
	count   int        // items
	passed  int        // items of higher classes served while this class waited
	fresh   bool       // head has not had the credit of this turn yet
	byName  map[string]*tenant[V]
	spare   *tenant[V] // one emptied tenant, kept to save allocations
}

func (r *ring[V]) len() int { return r.count }

func (r *ring[V]) push(it *Item[V]) {
	t := r.byName[it.Tenant]
	if t == nil {
		t = r.join(it.Tenant)
	}
	it.tenant = t
	t.items.push(it)
	r.count++
}

// join puts a tenant at the end of the round, without credit.
func (r *ring[V]) join(name string) *tenant[V] {
	t := r.spare
	if r.spare = nil; t == nil {
		t = &tenant[V]{items: heap[V]{less: dueBefore[V], at: atTenant[V]}}
	}
	t.name, t.deficit = name, 0
	r.byName[name] = t
	r.active++
	if r.head == nil {
		t.prev, t.next = t, t
		r.head, r.fresh = t, true
		return t
	}
	t.prev, t.next = r.head.prev, r.head
	t.prev.next, t.next.prev = t, t
	return t
}

// next turns the ring until the head's credit covers its first item, which it returns.
func (r *ring[V]) next() *Item[V] {
	if r.head == nil {
		return nil
	}
	for visits := 0; ; visits++ {
		if visits > r.active { // a whole round served nobody: grant the missing rounds at once
			r.skip()
			visits = 0
		}
		if r.fresh {
			r.head.deficit += r.quantum
			r.fresh = false
		}
		if it := r.head.items.first(); it.Cost <= r.head.deficit {
			return it
		}
		r.head, r.fresh = r.head.next, true
	}
}

// skip grants every tenant the rounds after which the first of them can be served, less one.
func (r *ring[V]) skip() {
	rounds := -1
	for t, i := r.head, 0; i < r.active; t, i = t.next, i+1 {
		need := (t.items.first().Cost - t.deficit + r.quantum - 1) / r.quantum
		if rounds < 0 || need < rounds {
			rounds = need
		}
	}
	if rounds <= 1 {
		return
	}
	for t, i := r.head, 0; i < r.active; t, i = t.next, i+1 {
		t.deficit += (rounds - 1) * r.quantum
	}
}

// charge takes the item's cost from its tenant's credit.
func (r *ring[V]) charge(it *Item[V]) { it.tenant.deficit -= it.Cost }

func (r *ring[V]) remove(it *Item[V]) {
	t := it.tenant
	t.items.remove(it.inTenant)
	it.tenant = nil
	r.count--
	if t.items.len() == 0 {
		r.leave(t)
	}
}

func (r *ring[V]) leave(t *tenant[V]) {
	delete(r.byName, t.name)
	r.active--
	if r.active == 0 {
		r.head = nil
	} else {
		t.prev.next, t.next.prev = t.next, t.prev
		if r.head == t {
			r.head, r.fresh = t.next, true
		}
	}
	t.prev, t.next, t.name = nil, nil, ""
	r.spare = t
}
