package files

import "io/fs"

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

// Reach opens and walks a file as Local does once it has looked at it: a link may have come in between.
func (l Local) Reach(name string) (opened, walked error) {
	f, opened := l.open(name)
	if opened == nil {
		_ = f.Close()
	}
	return opened, l.walk(name, func(_ string, _ fs.DirEntry, err error) error { return err })
}
