package quantile

import "math/bits"

// group is keys that share their upper bits, and the rank of the least of them.
type group struct {
	start int64
	keys  []uint64
}

// pick finds the keys at ranks, which are in order and in range, without sorting all: it counts by the 16 upper bits in which keys differ, gathers those that share them with a rank, and sorts those
// alone. keys stay as they are.
func pick(keys []uint64, ranks []int64, out map[int64]uint64) {
	var differ uint64
	for _, k := range keys {
		differ |= k ^ keys[0]
	}
	const digit = 16
	shift := max(bits.Len64(differ)-digit, 0)
	var counts, groupOf [1 << digit]uint32
	for _, k := range keys {
		counts[uint16(k>>shift)]++
	}
	groups := groupsOf(&counts, &groupOf, ranks)
	for _, k := range keys {
		if g := groupOf[uint16(k>>shift)]; g != 0 {
			groups[g-1].keys = append(groups[g-1].keys, k)
		}
	}
	for _, g := range groups {
		sortKeys(g.keys)
		for len(ranks) > 0 && ranks[0]-g.start < int64(len(g.keys)) {
			out[ranks[0]] = g.keys[ranks[0]-g.start]
			ranks = ranks[1:]
		}
	}
}

// groupsOf makes a group for every place that holds a rank, in order, and notes its number plus one in groupOf.
func groupsOf(counts, groupOf *[1 << 16]uint32, ranks []int64) []group {
	var groups []group
	var start int64
	for place, n := range counts {
		end := start + int64(n)
		if len(ranks) > 0 && ranks[0] < end {
			groups = append(groups, group{start, make([]uint64, 0, n)})
			groupOf[place] = uint32(len(groups))
			for len(ranks) > 0 && ranks[0] < end {
				ranks = ranks[1:]
			}
		}
		start = end
	}
	return groups
}
