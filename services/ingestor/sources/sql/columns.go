package main

import (
	"context"
	"database/sql"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// column is one of the result: how it is selected, and what it becomes.
type column struct {
	field arrowio.Field
	sql   string // the expression
	name  string // of the database's type, in lower case
}

// maxDigits is what a decimal column holds (arrow's decimal256).
const maxDigits = 76

// columns asks the database for the result's columns without running the query.
func (c config) columns(ctx context.Context, tx *sql.Tx) ([]column, error) {
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+c.from()+" LIMIT 0")
	if err != nil {
		return nil, sdk.Fail("bad_query", "%s refuses the query: %v", c.Driver, err)
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := make([]column, len(types))
	for i, t := range types {
		if c.Driver == "sqlite" {
			out[i] = sqliteColumn(t)
		} else {
			out[i] = postgresColumn(t)
		}
	}
	return out, rows.Err()
}

var postgres = map[string]arrowio.Type{
	"bool": {Kind: arrowio.Bool}, "int2": {Kind: arrowio.Int16}, "int4": {Kind: arrowio.Int32}, "int8": {Kind: arrowio.Int64},
	"float4": {Kind: arrowio.Float32}, "float8": {Kind: arrowio.Float64}, "text": {Kind: arrowio.String}, "varchar": {Kind: arrowio.String},
	"bytea": {Kind: arrowio.Binary}, "date": {Kind: arrowio.Date32}, "timestamp": {Kind: arrowio.Timestamp, Unit: arrowio.Micro},
	"timestamptz": {Kind: arrowio.Timestamp, Unit: arrowio.Micro, Zone: "UTC"},
}

// postgresColumn maps a type of Postgres. Decimals of a declared size are decimals, others their digits as text; arrays and rows are JSON; what has no
// counterpart is the text that Postgres shows.
func postgresColumn(t *sql.ColumnType) column {
	name := strings.ToLower(t.DatabaseTypeName())
	c := column{name: name, sql: of(t.Name()), field: arrowio.Field{Name: t.Name(), Nullable: true, Type: arrowio.Type{Kind: arrowio.String}}}
	if known, ok := postgres[name]; ok {
		c.field.Type = known
		return c
	}
	switch {
	case strings.HasPrefix(name, "_"):
		c.sql = "to_json(" + c.sql + ")::text"
	case name == "numeric":
		if digits, scale, ok := t.DecimalSize(); ok && digits > 0 && digits <= maxDigits && scale >= 0 {
			c.field.Type = decimal(digits, scale)
		}
		c.sql += "::text"
	case name == "time":
		c.field.Type = arrowio.Type{Kind: arrowio.Time64, Unit: arrowio.Micro}
		c.sql += "::text"
	default:
		c.sql += "::text"
	}
	return c
}

func decimal(digits, scale int64) arrowio.Type {
	t := arrowio.Type{Kind: arrowio.Decimal128, Precision: int32(digits), Scale: int32(scale)}
	if digits > 38 {
		t.Kind = arrowio.Decimal256
	}
	return t
}

// sqliteColumn maps a declared type by SQLite's own rules of affinity (sqlite.org/datatype3.html §3.1), with dates and booleans beside them. Any value may
// stand in any column there: one that does not fit is refused by row.
func sqliteColumn(t *sql.ColumnType) column {
	name := strings.ToLower(t.DatabaseTypeName())
	c := column{name: name, sql: of(t.Name()), field: arrowio.Field{Name: t.Name(), Nullable: true}}
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(name, p) {
				return true
			}
		}
		return false
	}
	kind := arrowio.String
	switch {
	case has("int"):
		kind = arrowio.Int64
	case has("char", "clob", "text"):
	case has("blob"):
		kind = arrowio.Binary
	case has("real", "floa", "doub", "numeric", "decimal"): //nolint:misspell // SQLite's rule has "DOUB"
		kind = arrowio.Float64 // that is how SQLite keeps decimals too
	case has("bool"):
		kind = arrowio.Bool
	case has("date", "time"):
		kind = arrowio.Timestamp
	}
	c.field.Type.Kind = kind
	if kind == arrowio.Timestamp {
		c.field.Type.Unit = arrowio.Micro
	}
	return c
}

func find(cs []column, setting, name string) (column, error) {
	var known []string
	for _, c := range cs {
		if c.field.Name == name {
			return c, nil
		}
		known = append(known, c.field.Name)
	}
	return column{}, sdk.Fail("bad_config", "%s: the result has no column %q; it has %s", setting, name, strings.Join(known, ", "))
}
