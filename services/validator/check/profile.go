package check

import (
	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/profile"
)

type (
	// Profile is what is in the columns of some rows. It is one goroutine's; profiles of parts merge, in any order.
	Profile = profile.State
	// Summary is what a profile says.
	Summary = profile.Summary
	// Column is what a profile says of a column.
	Column = profile.Column
	// Suite is a suite that was read.
	Suite = gx.Suite
)

// NewProfile is of no rows.
func NewProfile(schema *arrowio.Schema) (*Profile, error) { return profile.New(schema) }

// Suggest writes a suite, as JSON, that data meets which a summary was made of. See profile.Suggest.
func Suggest(name string, s *Summary) ([]byte, error) { return profile.Suggest(name, s) }

// Read reads a suite of Great Expectations 0.x or 1.x.
func Read(suite []byte) (*Suite, error) { return gx.ParseSuite(suite) }
