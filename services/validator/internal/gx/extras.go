package gx

import (
	"fmt"
	"slices"

	"github.com/leathq/leat/services/validator/internal/codec"
)

// extra is what a result shows of a row beside its value, kept only where it is asked for.
type extra struct{ Keys, Row []any }

// extras are kept of every row that a check looks at where which rows fail is known at the end only. Above the bound none are kept, and the check
// fails: whether it does depends on all rows together, not on how they were cut.
type extras struct {
	most  int64
	Bytes int64 // of all rows, kept or not
	rows  map[int64]extra
}

func (b *builder) extras() extras {
	most := b.plan.options.Bytes
	if most == 0 {
		most = keptBytes
	}
	return extras{most: most}
}

func (x *extras) empty() extras { return extras{most: x.most, rows: map[int64]extra{}} }

func (x *extras) put(p *pass, i int, r *rowCheck) {
	e := extra{cells(p, i, r.columns, r.index), cells(p, i, every(len(p.views)))}
	var a codec.Append
	appendCells(&a, e.Keys)
	appendCells(&a, e.Row)
	x.Bytes += int64(len(a))
	if x.Bytes > x.most {
		clear(x.rows)
		return
	}
	x.rows[p.first+int64(i)] = e
}

func (x *extras) merge(next extras, shift int64) {
	x.Bytes += next.Bytes
	if x.Bytes > x.most {
		clear(x.rows)
		return
	}
	for row, e := range next.rows {
		x.rows[row+shift] = e
	}
}

// err says that there were more rows than may be kept.
func (x *extras) err() error {
	if x.Bytes <= x.most {
		return nil
	}
	return fmt.Errorf("which rows fail is known at the end only, and unexpected rows or index columns were asked for: all rows would have to be kept, which are %d bytes, more than the bound of %d; leave include_unexpected_rows and unexpected_index_column_names out of this expectation's result format, or raise the bound", x.Bytes, x.most)
}

func (x *extras) encode(a *codec.Append) {
	rows := make([]int64, 0, len(x.rows))
	for row := range x.rows {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	a.Int(x.Bytes)
	a.Uint(uint64(len(rows)))
	for _, row := range rows {
		a.Int(row)
		appendCells(a, x.rows[row].Keys)
		appendCells(a, x.rows[row].Row)
	}
}

func (x *extras) decode(r *codec.Reader) {
	x.Bytes = count(r)
	for range r.Count(3) {
		row := r.Int()
		x.rows[row] = extra{Keys: readCells(r), Row: readCells(r)}
	}
}
