package arrowio

import (
	"cmp"
	"fmt"
	"sort"
)

// Rechunker cuts a stream of batches into batches of about one size, so that the same rows give the same cuts however they came in. It is
// used by one goroutine, and holds up to one batch's rows.
type Rechunker struct {
	target int64
	room   int64 // bits of rows in a batch, once the schema is known
	schema *Schema
	held   []*Batch
	used   int64 // bits of the rows held
	rows   int
	most   int // rows
}

// DefaultRows bounds batches whose rows take next to nothing.
const DefaultRows = 1 << 20

// What a Rechunker's batches are encoded in unless told otherwise, in bytes: a message of the bus holds 1 MiB.
const (
	DefaultTarget = 700 << 10
	DefaultMost   = 900 << 10
)

// NewRechunker makes batches whose encoding is as near to target bytes as whole rows allow and not above it, nor above most, unless one row alone is:
// that one comes alone. Zeros are the defaults.
func NewRechunker(target, most int64) *Rechunker {
	return &Rechunker{target: min(cmp.Or(max(target, 0), DefaultTarget), cmp.Or(max(most, 0), DefaultMost)), most: DefaultRows}
}

// Add takes rows and returns the batches that are full. A schema other than the first one's is an error.
func (r *Rechunker) Add(b *Batch) ([]*Batch, error) {
	if r.schema == nil {
		if err := r.begin(b.schema); err != nil {
			return nil, err
		}
	}
	if d := r.schema.Difference(b.schema); b.schema != r.schema && d != "" {
		return nil, fmt.Errorf("rechunk: the schema changes in the middle: %s", d)
	}
	if b.rows == 0 {
		return nil, nil
	}
	b, f := measured(b, r.schema)
	var out []*Batch
	for from := 0; from < b.rows; {
		n := r.fit(f, from, b.rows)
		if n > 0 {
			r.hold(b.Slice(from, from+n), f(from+n)-f(from))
			from += n
		}
		if from == b.rows {
			break
		}
		full, err := r.Flush()
		if err != nil {
			return nil, err
		}
		out = append(out, full...)
	}
	return out, nil
}

// MaxRows bounds a batch's rows too, by another number than DefaultRows.
func (r *Rechunker) MaxRows(n int) *Rechunker {
	r.most = n
	return r
}

// begin sets aside what the schema and every buffer's padding take of a message.
func (r *Rechunker) begin(s *Schema) error {
	empty, err := Encode(NewBuilder(s).Batch())
	if err != nil {
		return fmt.Errorf("rechunk: %w", err)
	}
	r.schema = s
	// A buffer is padded to 8 bytes, a row of nulls' validity to 64; offsets have one more than rows.
	r.room = 8 * max(r.target-int64(len(empty))-128*int64(fieldsOf(s.Fields)), 1)
	return nil
}

func fieldsOf(fs []Field) int {
	n := len(fs)
	for i := range fs {
		n += fieldsOf(fs[i].Type.Elem)
	}
	return n
}

// measured is the batch in canonical form, as what nulls hide must not count, and what its first i rows cost.
func measured(b *Batch, s *Schema) (*Batch, cost) {
	out := (&Batch{schema: s, rows: b.rows, columns: b.columns}).Canonical()
	var costs []cost
	for i, c := range out.columns {
		costs = append(costs, costOf(s.Fields[i].Type, c.data))
	}
	return out, func(i int) int64 {
		n := int64(0)
		for _, f := range costs {
			n += f(i)
		}
		return n
	}
}

// fit is how many rows from from on go into the batch that is held; a batch that has none takes one whatever its size.
func (r *Rechunker) fit(f cost, from, to int) int {
	base := f(from) - r.used
	n := sort.Search(min(to-from, r.most-r.rows), func(i int) bool { return f(from+i+1)-base > r.room })
	if n == 0 && r.rows == 0 {
		return 1
	}
	return n
}

func (r *Rechunker) hold(b *Batch, bits int64) {
	r.held, r.used, r.rows = append(r.held, b), r.used+bits, r.rows+b.rows
}

// Flush returns what is held, as one batch, or none. Rows that are added after begin a new one.
func (r *Rechunker) Flush() ([]*Batch, error) {
	if r.rows == 0 {
		return nil, nil
	}
	b, err := Concat(r.held...)
	if err != nil {
		return nil, fmt.Errorf("rechunk: %w", err)
	}
	r.held, r.used, r.rows = nil, 0, 0
	return []*Batch{b}, nil
}
