// Package check holds batches against a suite of expectations within the caller's process: what a validator does, without the service. It is
// internal/gx under names that others may use.
package check

import (
	"bytes"
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/gx"
	"github.com/leathq/leat/services/validator/internal/spill"
	"github.com/leathq/leat/services/validator/internal/sqlite"
)

type (
	// Plan is a suite for batches of one schema. Concurrent use is safe.
	Plan = gx.Plan
	// State is what is known of some rows in order. It is one goroutine's; states of neighbouring rows merge.
	State = gx.State
	// Rows says which rows of a batch fail which expectations.
	Rows = gx.Rows
	// Result is what a suite came to; its JSON is Great Expectations' own.
	Result = gx.SuiteResult
	// Expectation is what one expectation came to.
	Expectation = gx.Result
)

// ErrOutgrown ends a state of Plan.NewTotal: see there.
var ErrOutgrown = gx.ErrOutgrown

// Options say how.
type Options struct {
	ResultFormat string // BOOLEAN_ONLY, BASIC, SUMMARY, COMPLETE, or a JSON object; empty: SUMMARY
	Parameters   []byte // values of $PARAMETERs, a JSON object; nil: none
	Memory       int64  // bytes for the values of one column within one state; 0: a bound by itself
	Scratch      string // a directory for values above that; empty: reaching the bound is an error
	SQLBytes     int64  // of all rows that queries in SQL may be asked of, above which they fail; 0: 256 MiB
	Raise        string // what a result says to do where they are more; empty: raise the bound
	SQL          bool   // run what Great Expectations runs on databases alone (LIKE, queries), as on an SQLite made of the rows
	Tables       []byte // rows of other tables that a suite compares with, a JSON object of names and numbers; nil: none
}

// Compile prepares a suite, as Great Expectations 0.x or 1.x writes it. Its errors name what cannot be; an expectation that Great Expectations
// refuses is none of them: it is part of the result, and fails it.
func Compile(suite []byte, schema *arrowio.Schema, o Options) (*Plan, error) {
	s, err := gx.ParseSuite(suite)
	if err != nil {
		return nil, err
	}
	own := gx.Options{Format: gx.ResultFormat{Level: gx.Summary, Partial: -1}, Bytes: o.Memory}
	if o.ResultFormat != "" {
		if own.Format, err = format(o.ResultFormat); err != nil {
			return nil, fmt.Errorf("result format: %w", err)
		}
	}
	if len(o.Parameters) > 0 {
		if own.Parameters, err = gx.ReadParameters(o.Parameters); err != nil {
			return nil, err
		}
	}
	if o.Scratch != "" {
		own.Space = spill.Dir(o.Scratch)
	}
	if own.Tables, err = gx.ReadTables(o.Tables); err != nil {
		return nil, err
	}
	own.SQL, own.SQLBytes, own.Raise = o.SQL, o.SQLBytes, o.Raise
	own.Database = func() (gx.Database, error) { return sqlite.Open(o.Scratch) }
	return gx.Compile(s, schema, own)
}

func format(text string) (gx.ResultFormat, error) {
	if bytes.HasPrefix(bytes.TrimSpace([]byte(text)), []byte("{")) {
		return gx.ReadResultFormat([]byte(text))
	}
	return gx.ParseResultFormat(text)
}
