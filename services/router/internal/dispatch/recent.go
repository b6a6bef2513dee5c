package dispatch

// recent remembers where the last finished sequences ran, so that a gateway that missed every frame of a short answer
// can ask that worker to send it again.
type recent struct {
	at   map[Ref]string
	ring []Ref
	next int
}

func newRecent(n int) recent { return recent{at: make(map[Ref]string, n), ring: make([]Ref, n)} }

func (r *recent) add(ref Ref, worker string) {
	i := r.next % len(r.ring)
	if r.next >= len(r.ring) {
		delete(r.at, r.ring[i])
	}
	r.ring[i] = ref
	r.at[ref] = worker
	r.next++
}

func (r *recent) worker(ref Ref) string { return r.at[ref] }
