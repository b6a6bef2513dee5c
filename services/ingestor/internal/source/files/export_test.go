package files

// GroupSizes is how many units of these sizes each partition holds.
func GroupSizes(sizes []int64, size int64, most int) []int {
	units := make([]Unit, len(sizes))
	for i, n := range sizes {
		units[i].Bytes = n
	}
	var out []int
	for _, g := range group(units, size, most) {
		out = append(out, len(g))
	}
	return out
}
