package gx

import (
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/codec"
	"github.com/leathq/leat/services/validator/internal/spill"
)

// keptBytes bounds the rows that are kept until the end where the options name no bound.
const keptBytes = 256 << 20

// sqlSpec makes parts of the rows that questions in SQL are asked of.
type sqlSpec struct {
	most   int64 // bytes of all rows, as sqlRows counts them
	raise  string
	apart  bool  // rows are counted alone: see Options.Apart
	memory int64 // bytes in memory, above which they go to space
	space  spill.Space
}

// sqlRows is all rows, as they go into a database, for a question in SQL may ask anything of them. Above the bound none are kept, and the questions
// fail: whether they do depends on all rows together, not on how they were cut.
type sqlRows struct {
	spec  *sqlSpec
	Rows  int64
	Bytes int64        // of all rows, kept or not
	runs  []spill.Run  // whole rows, one after another, before those in memory
	cells codec.Append // rows in memory, one after another
}

// sqlRows registers the rows for questions in SQL.
func (b *builder) sqlRows() int {
	o := b.plan.options
	s := &sqlSpec{most: o.SQLBytes, raise: o.Raise, apart: o.Apart, memory: o.Bytes, space: o.Space}
	if s.most == 0 {
		s.most = keptBytes
	}
	if s.memory == 0 {
		s.memory = 32 << 20
	}
	if s.raise == "" {
		s.raise = "raise the bound"
	}
	return b.plan.share("rows for SQL", s)
}

func (s *sqlSpec) start() part { return &sqlRows{spec: s} }

func (k *sqlRows) add(p *pass) (mask, error) {
	if k.spec.apart {
		defer func() { k.cells = k.cells[:0] }()
	}
	for i := range p.n {
		before := len(k.cells)
		appendCells(&k.cells, storedRow(p, i, len(p.views)))
		k.Bytes += int64(len(k.cells) - before)
		if k.spec.apart || k.over() {
			k.cells = k.cells[:0]
		}
	}
	k.Rows += int64(p.n)
	return nil, k.settle()
}

// storedRow is a row of the first columns of a batch, as a database has it.
func storedRow(p *pass, row, columns int) []any {
	out := make([]any, columns)
	for i := range out {
		out[i] = stored(p.view(i).cell(row))
	}
	return out
}

func (k *sqlRows) over() bool { return k.Bytes > k.spec.most }

// settle lets go of rows that are too many, and takes them out of memory where they are many.
func (k *sqlRows) settle() error {
	if k.over() {
		return k.Close()
	}
	if k.spec.space == nil || int64(len(k.cells)) < k.spec.memory {
		return nil
	}
	return k.flush()
}

// flush takes all rows out of memory.
func (k *sqlRows) flush() error {
	if len(k.cells) == 0 {
		return nil
	}
	run, err := k.spec.space.Create()
	if err != nil {
		return err
	}
	k.runs = append(k.runs, run)
	_, err = run.Write(k.cells)
	k.cells = nil
	return err
}

func (k *sqlRows) merge(next part, _ int64) error {
	o := next.(*sqlRows)
	k.Rows += o.Rows
	k.Bytes += o.Bytes
	if k.over() || k.spec.apart {
		return k.settle()
	}
	if len(o.runs) > 0 {
		if err := k.flush(); err != nil {
			return err
		}
		k.runs, o.runs = append(k.runs, o.runs...), nil
	}
	k.cells = append(k.cells, o.cells...)
	return k.settle()
}

// Close removes the rows.
func (k *sqlRows) Close() error {
	var err error
	for _, r := range k.runs {
		err = errors.Join(err, r.Remove())
	}
	k.runs, k.cells = nil, nil
	return err
}

func (k *sqlRows) encode(a *codec.Append) error {
	a.Int(k.Rows)
	a.Int(k.Bytes)
	if k.over() || k.spec.apart {
		return nil
	}
	return k.each(func(rows []byte) error { *a = append(*a, rows...); return nil })
}

func (k *sqlRows) decode(r *codec.Reader) error {
	k.Rows, k.Bytes = count(r), count(r)
	if r.Err() != nil || k.over() || k.spec.apart {
		return r.Err()
	}
	if k.Bytes > int64(r.Left()) {
		r.Fail("%d bytes of rows are announced and %d are left", k.Bytes, r.Left())
		return r.Err()
	}
	k.cells = append(k.cells, r.Raw(int(k.Bytes))...)
	return k.settle()
}

// each hands on the bytes of all rows, in order, in pieces of whole rows.
func (k *sqlRows) each(take func(rows []byte) error) error {
	for _, run := range k.runs {
		in, err := run.Open()
		if err != nil {
			return err
		}
		rows, err := io.ReadAll(in)
		if err = errors.Join(err, in.Close()); err == nil {
			err = take(rows)
		}
		if err != nil {
			return fmt.Errorf("rows for SQL: %w", err)
		}
	}
	return take(k.cells)
}

// database makes a database of the rows, of which the ending's source has them where they were only counted. refused says why no question can be
// asked of these rows; err, why it is not known.
func (k *sqlRows) database(e *ending) (d Database, refused, err error) {
	if k.over() {
		return nil, fmt.Errorf("a question in SQL may ask anything of all rows, which are %d bytes, more than the bound of %d: ask it of less data, or %s", k.Bytes, k.spec.most, k.spec.raise), nil
	}
	if d, err = e.plan.options.Database(); err != nil {
		return nil, nil, err
	}
	var names, types []string
	for _, f := range e.plan.schema.Fields {
		names, types = append(names, f.Name), append(types, affinity(f.Type))
	}
	if refused = d.Create(names, types); refused != nil { // such as columns that differ in case alone
		return nil, refused, d.Close()
	}
	if k.spec.apart {
		err = k.fillFrom(e.source, d, len(names))
	} else {
		err = k.each(func(rows []byte) error { return fill(d, rows, len(names)) })
	}
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return d, nil, nil
}

func fill(d Database, rows []byte, columns int) error {
	for r := codec.NewReader(rows); r.Left() > 0; {
		row := readCells(r)
		if r.Err() != nil || len(row) != columns {
			return fmt.Errorf("the rows that were kept are damaged: %d columns of %d: %w", len(row), columns, r.Err())
		}
		if err := d.Add(row); err != nil {
			return err
		}
	}
	return nil
}

// fillFrom puts rows that were counted into a database, and holds them against what was counted.
func (k *sqlRows) fillFrom(source Source, d Database, columns int) error {
	if source == nil {
		return errors.New("the rows for SQL were counted alone, and there is nothing to read them from: please report this")
	}
	var cells codec.Append
	var rows, bytes int64
	err := source(func(b *arrowio.Batch) error {
		p := newPass(b, rows)
		for i := range p.n {
			row := storedRow(p, i, columns)
			cells = cells[:0]
			appendCells(&cells, row)
			bytes += int64(len(cells))
			if err := d.Add(row); err != nil {
				return err
			}
		}
		rows += int64(p.n)
		return nil
	})
	if err == nil && (rows != k.Rows || bytes != k.Bytes) {
		err = fmt.Errorf("%d rows (%d bytes) were read for SQL where %d (%d bytes) were seen: please report this", rows, bytes, k.Rows, k.Bytes)
	}
	return err
}
