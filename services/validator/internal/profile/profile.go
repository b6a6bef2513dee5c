// Package profile looks at data once and says what is in its columns: how many values, which, how they are spread, what they look like; and suggests a suite of expectations that such data meets.
//
// States of parts merge, and what they say does not depend on the order of rows, on batches or on parts. Memory is bounded by column, not by rows: numbers are told apart up to a bound
// (package drift), values are listed up to Listed, and whether they are unique is known up to Keyed rows. Package gx judges data; nothing here does.
package profile

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/columns"
)

const (
	// Listed is how many different texts of a column are counted one by one. Above it none is.
	Listed = 1000
	// Keyed is up to how many rows it is known whether a column's values are unique; about 20 bytes a row.
	Keyed = 2 << 20
	// short is how long a text is, in bytes, that may be a name, a code or a key. Longer ones are documents, of which shapes are not looked for.
	short = 256
)

// State is what is known of some rows. It is one goroutine's.
type State struct {
	schema  *arrowio.Schema
	rows    int64
	columns []column
}

// column is what is known of a column; which kind there is depends on its type.
type column interface {
	add(c *arrowio.Column)
	merge(next column) error
	describe(c *Column)
}

// New returns the state of no rows. Columns of one name are refused, as suites name columns.
func New(schema *arrowio.Schema) (*State, error) {
	if name, twice := schema.Duplicate(); twice {
		return nil, fmt.Errorf("the data has two columns %q; rename one, since expectations name columns", name)
	}
	s := &State{schema: schema}
	for _, f := range schema.Fields {
		s.columns = append(s.columns, newColumn(f.Type))
	}
	return s, nil
}

func newColumn(t arrowio.Type) column {
	switch classOf(t) {
	case Number:
		return newNumbers(columns.Whole(t))
	case Time:
		return newNumbers(false)
	case Text:
		return newTexts(true)
	case Category:
		return newTexts(false)
	case Flag:
		return &flags{}
	}
	return &others{}
}

// Add takes the next rows, which must have the schema of the state.
func (s *State) Add(b *arrowio.Batch) error {
	if diff := s.schema.Difference(b.Schema()); diff != "" {
		return fmt.Errorf("the batch after row %d differs from the schema of the first: %s", s.rows, diff)
	}
	for i, c := range s.columns {
		c.add(b.Column(i))
	}
	s.rows += int64(b.Rows())
	return nil
}

// Merge adds the rows of next, which has the same schema and must not be used after.
func (s *State) Merge(next *State) error {
	if diff := s.schema.Difference(next.schema); diff != "" {
		return fmt.Errorf("merge profiles: the schemas differ: %s", diff)
	}
	for i, c := range s.columns {
		if err := c.merge(next.columns[i]); err != nil {
			return fmt.Errorf("merge profiles: column %q: %w", s.schema.Fields[i].Name, err)
		}
	}
	s.rows += next.rows
	return nil
}

// Summary says what is known.
func (s *State) Summary() *Summary {
	out := &Summary{Rows: s.rows}
	for i, f := range s.schema.Fields {
		c := Column{Name: f.Name, Type: f.Type.String(), Class: classOf(f.Type), Rows: s.rows, arrow: f.Type}
		s.columns[i].describe(&c)
		out.Columns = append(out.Columns, c)
	}
	return out
}
