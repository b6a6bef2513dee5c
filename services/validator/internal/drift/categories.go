package drift

import (
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/services/validator/internal/codec"
)

// DefaultCategories is the bound on a column's categories.
const DefaultCategories = 1 << 12

// Categories is the summary of a column of categories: counts by the 64-bit hash of a value, or, above the bound, by as many upper bits of it as keep the bound. A test over such groups of categories
// is as valid as one over categories; it sees less. Not for concurrent use.
type Categories struct {
	grid    grid
	missing uint64
}

// NewCategories returns an empty summary of at most bound groups; 0 is DefaultCategories.
func NewCategories(bound int) *Categories {
	if bound <= 0 {
		bound = DefaultCategories
	}
	return &Categories{grid: newGrid(bound)}
}

// AddText adds a row; there says whether it holds a value.
func (s *Categories) AddText(value []byte, there bool) {
	if !there {
		s.missing++
		return
	}
	s.grid.add(xxh3.Hash(value), 1)
}

// Count returns how many rows held a value.
func (s *Categories) Count() uint64 { return s.grid.count }

// Missing returns how many rows held none.
func (s *Categories) Missing() uint64 { return s.missing }

// Exact reports whether categories are told apart one by one.
func (s *Categories) Exact() bool { return s.grid.drop == 0 }

// Merge adds the rows of next, which has the same bound and is not changed. The order of merges does not matter.
func (s *Categories) Merge(next *Categories) error {
	s.missing += next.missing
	return s.grid.merge(&next.grid)
}

const categoriesName = "DRFC"

// MarshalBinary returns the summary's bytes, the same for the same rows in any order.
func (s *Categories) MarshalBinary() ([]byte, error) {
	var out codec.Append
	out.Header(categoriesName, wireVersion)
	out.Uint(s.missing)
	s.grid.write(&out)
	return out, nil
}

// UnmarshalBinary reads what MarshalBinary wrote, and refuses damaged bytes with an error that says where; s then is as it was.
func (s *Categories) UnmarshalBinary(data []byte) error {
	r := codec.NewReader(data)
	r.Header(categoriesName, wireVersion)
	n := Categories{missing: r.Uint()}
	n.grid = readGrid(r, 1, func(_, _ uint64) bool { return true })
	if err := r.Done(); err != nil {
		return fmt.Errorf("read a summary of categories: %w", err)
	}
	*s = n
	return nil
}
