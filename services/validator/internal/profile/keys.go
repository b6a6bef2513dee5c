package profile

// keys knows whether values are unique, up to Keyed of them: integers by themselves, texts by a hash of 64 bits. Two texts of one hash would make a unique column look as if it were not, never the other way.
type keys struct {
	seen map[uint64]struct{}
	gone bool // one occurred twice, or there are too many
}

func (k *keys) give() { k.seen, k.gone = nil, true }

func (k *keys) add(key uint64) {
	if k.gone {
		return
	}
	if k.seen == nil {
		k.seen = map[uint64]struct{}{}
	}
	before := len(k.seen)
	if k.seen[key] = struct{}{}; len(k.seen) == before || before == Keyed {
		k.give()
	}
}

func (k *keys) merge(next *keys) {
	if next.gone {
		k.give()
		return
	}
	if len(k.seen) < len(next.seen) && !k.gone {
		k.seen, next.seen = next.seen, k.seen
	}
	for key := range next.seen {
		k.add(key)
	}
}

func (k *keys) unique() bool { return !k.gone && len(k.seen) > 1 }
