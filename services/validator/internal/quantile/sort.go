package quantile

// sortKeys sorts by 11 bits at a time from the lowest, leaving out digits that are the same in all keys.
func sortKeys(keys []uint64) {
	const bits, digits = 11, 6
	if len(keys) < 2 {
		return
	}
	var counts [digits][1 << bits]uint32
	for _, k := range keys {
		for d := range digits {
			counts[d][k>>(d*bits)&(1<<bits-1)]++
		}
	}
	from, to := keys, make([]uint64, len(keys))
	for d := range digits {
		place := &counts[d]
		if place[from[0]>>(d*bits)&(1<<bits-1)] == uint32(len(keys)) {
			continue
		}
		var sum uint32
		for i, n := range place {
			place[i] = sum
			sum += n
		}
		for _, k := range from {
			at := &place[k>>(d*bits)&(1<<bits-1)]
			to[*at] = k
			*at++
		}
		from, to = to, from
	}
	if &from[0] != &keys[0] {
		copy(keys, from)
	}
}
