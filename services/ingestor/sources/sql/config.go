// Command leat-source-sql reads a table or a query of Postgres or SQLite, in the order of a unique key, from a read-only snapshot.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // "pgx"
	"modernc.org/sqlite"               // "sqlite"

	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

func main() { sdk.Main("leat-source-sql", "1", open) }

type config struct {
	Driver     string `json:"driver"`     // postgres or sqlite
	DSN        string `json:"dsn_env"`    // postgres: the variable of the environment with the connection string
	File       string `json:"file"`       // sqlite
	Table      string `json:"table"`      // one of Table and Query
	Query      string `json:"query"`      // without a semicolon
	Key        string `json:"key"`        // a column that is unique and not null: rows come in its order, and reading goes on from it
	Partitions int    `json:"partitions"` // ranges of an integer key; 0: one
	Watermark  string `json:"watermark"`  // a column that grows: a later run reads what is larger than the largest of this one
}

func open(raw json.RawMessage) (sdk.Source, error) {
	var c config
	if err := sdk.Config(raw, &c); err != nil {
		return nil, err
	}
	return &tables{cfg: c}, c.validate()
}

func (c config) validate() error {
	switch {
	case c.Driver != "postgres" && c.Driver != "sqlite":
		return fmt.Errorf("driver: must be postgres or sqlite, not %q", c.Driver)
	case c.Driver == "postgres" && c.DSN == "":
		return fmt.Errorf("dsn_env: must name the variable of the environment that holds the connection string")
	case c.Driver == "sqlite" && c.File == "":
		return fmt.Errorf("file: must name the database")
	case (c.Table == "") == (c.Query == ""):
		return fmt.Errorf("one of table and query must be set")
	case c.Key == "":
		return fmt.Errorf("key: must name a unique column; without an order, a run that goes on after a crash would read other rows")
	case c.Partitions < 0 || c.Partitions > 256:
		return fmt.Errorf("partitions: must be from 0 to 256, not %d", c.Partitions)
	}
	return nil
}

// from is what is selected from.
func (c config) from() string {
	if c.Query != "" {
		return "(" + strings.TrimRight(strings.TrimSpace(c.Query), ";") + ") AS q"
	}
	parts := strings.Split(c.Table, ".")
	for i := range parts {
		parts[i] = quoted(parts[i])
	}
	return strings.Join(parts, ".") + " AS q"
}

// of is a column of what is selected from. Its bare name could also mean the expression in the list.
func of(name string) string { return "q." + quoted(name) }

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// snapshot opens the database in a transaction that only reads, and sees one state of it.
func (c config) snapshot(ctx context.Context) (*sql.Tx, func(), error) {
	driver, dsn := "pgx", os.Getenv(c.DSN)
	options := &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	if c.Driver == "sqlite" {
		if err := sdk.Readable(c.File); err != nil {
			return nil, nil, err
		}
		if _, err := os.Stat(c.File); err != nil {
			return nil, nil, sdk.Fail("no_such_input", "the database %s cannot be read: %v", c.File, err)
		}
		driver, dsn = "sqlite", (&url.URL{Scheme: "file", Path: c.File, OmitHost: true}).String()+"?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(10000)"
		options = nil // SQLite's own are snapshots; mode=ro keeps them from writing
	} else if dsn == "" {
		return nil, nil, sdk.Fail("bad_config", "dsn_env: the variable %s is empty; set it for the ingestor", c.DSN)
	} else if _, err := pgx.ParseConfig(dsn); err != nil {
		return nil, nil, sdk.Fail("bad_config", "the connection string in %s cannot be read; it looks like postgres://user:password@host/database", c.DSN)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("open %s: %w", c.Driver, err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("connect to %s: %w", c.Driver, err)
	}
	closed := func() { _ = conn.Close(); _ = db.Close() }
	tx, err := begin(ctx, conn, options)
	if err != nil {
		closed()
		return nil, nil, fmt.Errorf("connect to %s: %w", c.Driver, err)
	}
	return tx, func() { _ = tx.Rollback(); closed() }, nil
}

// begin begins a transaction. A query is a text of whoever submits runs, and SQLite takes several statements in one: those that do
// more than read the database, such as ATTACH of another file, are refused as they are compiled.
func begin(ctx context.Context, conn *sql.Conn, options *sql.TxOptions) (*sql.Tx, error) {
	err := conn.Raw(func(c any) error {
		if lite, ok := c.(sqlite.AuthorizerRegisterer); ok {
			return lite.RegisterAuthorizer(reads)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return conn.BeginTx(ctx, options)
}

// reads lets a statement of SQLite read, and no more.
func reads(action sqlite.AuthorizerActionCode, _, _, _, _ string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthFunction, sqlite.AuthRecursive, sqlite.AuthTransaction:
		return sqlite.AuthorizerOK
	}
	return sqlite.AuthorizerDeny
}
