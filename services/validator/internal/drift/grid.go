package drift

import (
	"fmt"
	"maps"
	"slices"

	"github.com/leathq/leat/services/validator/internal/codec"
)

// grid counts 64-bit keys exactly while there are at most bound different ones, and above that by as many upper bits as keep it so. How many bits are dropped at the end is the least number for which
// all keys together fit: it follows from the keys alone, not from their order or from merges, because the keys of a part never need more dropped than those of the whole.
type grid struct {
	bound int
	drop  uint // low bits that are not told apart
	cells map[uint64]uint64
	count uint64
}

func newGrid(bound int) grid { return grid{bound: bound, cells: map[uint64]uint64{}} }

func (g *grid) add(key, n uint64) {
	g.cells[key>>g.drop] += n
	g.count += n
	for len(g.cells) > g.bound {
		g.coarsen(g.drop + 1)
	}
}

func (g *grid) coarsen(drop uint) {
	if drop <= g.drop {
		return
	}
	cells := make(map[uint64]uint64, len(g.cells))
	for k, n := range g.cells {
		cells[k>>(drop-g.drop)] += n
	}
	g.cells, g.drop = cells, drop
}

func (g *grid) merge(next *grid) error {
	if g.bound != next.bound {
		return fmt.Errorf("merge summaries: their bounds differ (%d, %d)", g.bound, next.bound)
	}
	g.coarsen(next.drop)
	for k, n := range next.cells {
		g.add(k<<next.drop, n)
	}
	return nil
}

func (g *grid) clone() grid {
	c := *g
	c.cells = maps.Clone(g.cells)
	return c
}

// together returns both grids with as many bits dropped as the coarser one, and all their keys in order.
func together(a, b *grid) (x, y grid, keys []uint64) {
	x, y = a.clone(), b.clone()
	x.coarsen(y.drop)
	y.coarsen(x.drop)
	all := maps.Clone(x.cells)
	maps.Copy(all, y.cells)
	return x, y, slices.Sorted(maps.Keys(all))
}

func (g *grid) write(out *codec.Append) {
	out.Uint(uint64(g.bound))
	out.Uint(uint64(g.drop))
	out.Uint(uint64(len(g.cells)))
	var last uint64
	for _, k := range slices.Sorted(maps.Keys(g.cells)) {
		out.Uint(k - last)
		out.Uint(g.cells[k])
		last = k
	}
}

// readGrid reads a grid of cells that are sound by the caller's judgement of their lowest and highest key.
func readGrid(r *codec.Reader, least int, sound func(low, high uint64) bool) grid {
	bound, drop := r.Uint(), r.Uint()
	if bound < uint64(least) || bound > 1<<24 || drop > 52 {
		r.Fail("a bound of %d cells with %d bits dropped cannot be", bound, drop)
	}
	g := newGrid(int(bound))
	g.drop = uint(drop)
	var key uint64
	for i := range r.Count(2) {
		step, n := r.Uint(), r.Uint()
		if r.Err() != nil {
			return g
		}
		if i > 0 && step == 0 || key+step < key || (key+step)>>(64-drop) != 0 || n == 0 || n > 1<<60 || g.count > 1<<60 || !sound((key+step)<<drop, (key+step)<<drop|(1<<drop-1)) {
			r.Fail("cell %d is out of order or counted wrongly", i)
			return g
		}
		key += step
		g.cells[key] = n
		g.count += n
	}
	if len(g.cells) > g.bound {
		r.Fail("%d cells are more than the bound of %d", len(g.cells), g.bound)
	}
	return g
}
