package record

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
)

// Rows collects records as rows of a schema. It is used by one goroutine.
type Rows struct {
	b      *arrowio.Builder
	at     map[string]int
	filled []bool
	only   bool
}

// New collects rows of a schema. Where only is set, a field that the schema does not name is dropped; else it is a reason to refuse the record: a schema
// that was inferred must not lose what appeared later.
func New(s *arrowio.Schema, only bool) (*Rows, error) {
	if name, twice := s.Duplicate(); twice {
		return nil, fmt.Errorf("the schema has the column %q twice; name it once", name)
	}
	r := &Rows{b: arrowio.NewBuilder(s), at: map[string]int{}, filled: make([]bool, len(s.Fields)), only: only}
	for i, f := range s.Fields {
		r.at[f.Name] = i
	}
	return r, nil
}

// Len is how many rows wait for Batch; Bytes how large they are.
func (r *Rows) Len() int { return r.b.Rows() }

// Bytes is how large the rows that wait for Batch are.
func (r *Rows) Bytes() int64 { return r.b.Bytes() }

// Batch is the rows so far, and begins anew.
func (r *Rows) Batch() (*arrowio.Batch, error) {
	if err := r.b.Err(); err != nil {
		return nil, err
	}
	return r.b.Batch(), nil
}

// Add appends a record with further values by column, which come from beside it (headers, a number) and win over its own. An error is the reason why
// the record is no row; the rows are then as before.
func (r *Rows) Add(raw []byte, beside map[string]any) error {
	rows := r.b.Rows()
	clear(r.filled)
	err := r.add(raw, beside)
	if err != nil {
		r.b.Truncate(rows)
	}
	return err
}

func (r *Rows) add(raw []byte, beside map[string]any) error {
	if raw != nil {
		if !utf8.Valid(raw) {
			return fmt.Errorf("not UTF-8, from byte %d on", invalidAt(raw))
		}
		if err := fields(raw, func(name string, v json.RawMessage) error {
			if _, ok := beside[name]; ok {
				return nil
			}
			i, ok := r.at[name]
			if !ok && !r.only {
				return fmt.Errorf("has a field %q that the schema lacks; name it in the schema, or set `schema` to take the named fields only", name)
			}
			if !ok {
				return nil
			}
			return r.set(i, v)
		}); err != nil {
			return err
		}
	}
	for i, f := range r.b.Schema().Fields {
		if r.filled[i] {
			continue
		}
		if err := r.b.Column(i).Value(beside[f.Name]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rows) set(i int, raw json.RawMessage) error {
	f := r.b.Schema().Fields[i]
	v, err := Value(f, raw)
	if err != nil {
		return err
	}
	r.filled[i] = true
	return r.b.Column(i).Value(v)
}
