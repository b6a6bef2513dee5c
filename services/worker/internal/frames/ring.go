package frames

// ring keeps the last deltas of a sequence, encoded, one after another in one piece of memory.
type ring struct {
	buf   []byte
	ends  []int  // ends[i] is where delta first+i−head ends in buf
	head  int    // ends[:head] are dropped
	off   int    // where the oldest delta starts in buf
	first uint32 // index of the oldest delta
}

// keep drops the oldest until at most count deltas and size bytes are left, but never the last one.
func (r *ring) keep(count, size int) {
	for n := len(r.ends) - r.head; n > 1 && (n > count || len(r.buf)-r.off > size); n-- {
		r.off = r.ends[r.head]
		r.head++
		r.first++
	}
	if r.head < count && r.off < size {
		return
	}
	n := copy(r.buf, r.buf[r.off:])
	r.buf = r.buf[:n]
	r.ends = append(r.ends[:0], r.ends[r.head:]...)
	for i := range r.ends {
		r.ends[i] -= r.off
	}
	r.head, r.off = 0, 0
}

// added says that the bytes appended to buf are one more delta.
func (r *ring) added() { r.ends = append(r.ends, len(r.buf)) }

// at returns the encoded delta of an index, and whether it is still there.
func (r *ring) at(index uint32) ([]byte, bool) {
	if index < r.first || int(index-r.first) >= len(r.ends)-r.head {
		return nil, false
	}
	i := r.head + int(index-r.first)
	from := r.off
	if i > r.head {
		from = r.ends[i-1]
	}
	return r.buf[from:r.ends[i]], true
}

// shrink gives back the memory that growing left over, where it is worth a copy.
func (r *ring) shrink() {
	if cap(r.buf) > 2*(len(r.buf)-r.off)+256 {
		r.buf = append(make([]byte, 0, len(r.buf)-r.off), r.buf[r.off:]...)
		ends := make([]int, 0, len(r.ends)-r.head)
		for _, e := range r.ends[r.head:] {
			ends = append(ends, e-r.off)
		}
		r.ends, r.head, r.off = ends, 0, 0
	}
}
