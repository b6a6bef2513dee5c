package gx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/codec"
)

// Database answers questions in SQL, in the dialect of SQLite, about one table. It is used by one goroutine.
type Database interface {
	// Create makes the table "batch"; types are INTEGER, REAL, TEXT or BLOB.
	Create(names, types []string) error
	// Add appends a row of nil, int64, float64, string or []byte a column.
	Add(row []any) error
	// Ask runs one SELECT and returns its columns' names and at most so many rows.
	Ask(query string, most int) (names []string, rows [][]any, err error)
	Close() error
}

// keptBytes bounds the rows that are kept for questions in SQL where the options name no bound.
const keptBytes = 256 << 20

// keptRows is all rows, which a question in SQL may ask anything of. It is both what makes the part and the part.
type keptRows struct {
	most  int64
	Rows  int64
	cells codec.Append // of one row after another
}

func (k *keptRows) start() part { return &keptRows{most: k.most} }

func (k *keptRows) add(p *pass) (mask, error) {
	for i := range p.n {
		appendCells(&k.cells, cells(p, i, every(len(p.views))))
	}
	k.Rows += int64(p.n)
	return nil, k.bound()
}

func (k *keptRows) bound() error {
	if int64(len(k.cells)) > k.most {
		return fmt.Errorf("a question in SQL needs all rows, which are more than the %d bytes of memory that it may take; ask it of a smaller table, or raise the bound", k.most)
	}
	return nil
}

func (k *keptRows) merge(next part, _ int64) error {
	o := next.(*keptRows)
	k.cells = append(k.cells, o.cells...)
	k.Rows += o.Rows
	return k.bound()
}

func (k *keptRows) encode(a *codec.Append) error {
	a.Int(k.Rows)
	a.Bytes(k.cells)
	return nil
}

func (k *keptRows) decode(r *codec.Reader) error {
	k.Rows = count(r)
	k.cells = append(k.cells[:0], r.Bytes()...)
	return nil
}

// fill makes a database of the rows.
func (k *keptRows) fill(e *ending) (Database, error) {
	d, err := e.plan.options.Database()
	if err != nil {
		return nil, err
	}
	var names, types []string
	for _, f := range e.plan.schema.Fields {
		names, types = append(names, f.Name), append(types, affinity(f.Type))
	}
	err = d.Create(names, types)
	r := codec.NewReader(k.cells)
	for range k.Rows {
		row := readCells(r)
		if r.Err() != nil || len(row) != len(names) {
			err = errors.Join(err, fmt.Errorf("the rows that were kept are damaged: %w", r.Err()))
		}
		if err != nil {
			break
		}
		for i := range row {
			row[i] = stored(row[i])
		}
		err = d.Add(row)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func affinity(t arrowio.Type) string {
	switch classOf(t) {
	case isInt, isUint, isBool:
		return "INTEGER"
	case isFloat, isNumber:
		return "REAL"
	case isText, isStamp, isDay:
		return "TEXT"
	case isCategory:
		return affinity(t.Elem[0].Type)
	}
	return "BLOB"
}

// stored is a cell as SQLAlchemy puts it into SQLite: points in time as text, decimals as floats.
func stored(c any) any {
	switch v := c.(type) {
	case bool:
		return int64(bit(v))
	case uint64:
		if v > 1<<63-1 {
			return float64(v)
		}
		return int64(v)
	case single:
		return float64(v)
	case stamp:
		return v.time().Format("2006-01-02 15:04:05.000000")
	case day:
		return v.iso()
	case exact:
		return v.float()
	case nil, int64, float64, string, []byte:
		return v
	}
	return printed(c, false)
}

// keepRows registers the rows for questions in SQL.
func (b *builder) keepRows() int {
	most := b.plan.options.Bytes
	if most == 0 {
		most = keptBytes
	}
	return b.plan.share("rows for SQL", &keptRows{most: most})
}

// braces reads a query in the grammar of Python's str.format: {batch} is the table, {{ and }} are braces.
func braces(query, batch string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(query); i++ {
		c := query[i]
		if c != '{' && c != '}' {
			b.WriteByte(c)
			continue
		}
		if i+1 < len(query) && query[i+1] == c {
			b.WriteByte(c)
			i++
			continue
		}
		end := strings.IndexAny(query[i+1:], "{}")
		if c == '}' || end < 0 || query[i+1+end] == '{' {
			return "", refuse("unexpected_rows_query contains an unpaired or malformed brace at byte %d. To include a literal brace in the query, double it: {{ and }}", i)
		}
		name := query[i+1 : i+1+end]
		if name != "batch" {
			return "", fmt.Errorf("`%s` is not a placeholder of the query; there is {batch}. To include a literal brace, double it: {{ and }}", name)
		}
		b.WriteString(batch)
		i += 1 + end
	}
	return b.String(), nil
}
