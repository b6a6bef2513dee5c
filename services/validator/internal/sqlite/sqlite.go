// Package sqlite puts rows into a database of their own for questions in SQL that a suite asks. It refuses to write, to attach other files and to
// run for long; the database is scratch and goes when it is closed.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	lite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Table is the name of the table that holds the rows.
const Table = "batch"

// patience is how long one question may take: a suite is text from outside, and a recursive query need not end.
const patience = 2 * time.Minute

// DB is one table. It is used by one goroutine.
type DB struct {
	dir    string // removed with the database; empty: in memory
	pool   *sql.DB
	conn   *sql.Conn
	insert *sql.Stmt
	asked  bool
}

// Open makes an empty database in a new directory under scratch, or in memory where that is empty.
func Open(scratch string) (*DB, error) {
	d := &DB{}
	name := ":memory:"
	if scratch != "" {
		dir, err := os.MkdirTemp(scratch, "sqlite-")
		if err != nil {
			return nil, fmt.Errorf("make room for a database: %w", err)
		}
		d.dir, name = dir, filepath.Join(dir, "rows.db")
	}
	var err error
	if d.pool, err = sql.Open("sqlite", name); err == nil {
		d.conn, err = d.pool.Conn(context.Background())
	}
	if err == nil {
		err = d.restrict(scratch)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a database: %w", err), d.Close())
	}
	return d, nil
}

// restrict keeps a question within this database; a crash may lose it, since it is scratch. What a question sorts or groups goes where the rows are:
// of 250 MB of rows it is as much again. The directory is the process's, and SQLite takes another where it is gone.
func (d *DB) restrict(scratch string) error {
	if _, err := lite.Limit(d.conn, sqlite3.SQLITE_LIMIT_ATTACHED, 0); err != nil {
		return err
	}
	aside := "PRAGMA temp_store=MEMORY"
	if scratch != "" {
		aside = "PRAGMA temp_store=FILE; PRAGMA temp_store_directory='" + strings.ReplaceAll(scratch, "'", "''") + "'"
	}
	return d.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; " + aside + "; BEGIN")
}

func (d *DB) exec(statement string) error {
	_, err := d.conn.ExecContext(context.Background(), statement)
	return err
}

// Create makes the table. types are SQLite's: INTEGER, REAL, TEXT, BLOB.
func (d *DB) Create(names, types []string) error {
	var columns, marks []string
	for i, n := range names {
		columns = append(columns, quoted(n)+" "+types[i])
		marks = append(marks, "?")
	}
	if err := d.exec("CREATE TABLE " + Table + " (" + strings.Join(columns, ", ") + ")"); err != nil {
		return fmt.Errorf("make a table of %d columns: %w", len(names), err)
	}
	var err error
	d.insert, err = d.conn.PrepareContext(context.Background(), "INSERT INTO "+Table+" VALUES ("+strings.Join(marks, ", ")+")")
	return err
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Add appends a row: nil, int64, float64, string or []byte a column.
func (d *DB) Add(row []any) error {
	if _, err := d.insert.ExecContext(context.Background(), row...); err != nil {
		return fmt.Errorf("put a row into the database: %w", err)
	}
	return nil
}

// Trouble is an error that says nothing of the question: there is no room, or the disk fails.
type Trouble struct{ err error }

// Error says what to look at.
func (t *Trouble) Error() string {
	return fmt.Sprintf("%v: see whether there is room in the scratch directory", t.err)
}

// Unwrap is SQLite's own error.
func (t *Trouble) Unwrap() error { return t.err }

// Again says that the question may be answered another time.
func (t *Trouble) Again() bool { return true }

// told tells trouble from what is wrong with a question.
func told(err error) error {
	if e := (*lite.Error)(nil); errors.As(err, &e) {
		switch e.Code() & 0xff { // what is above says more of it
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM:
			return &Trouble{err}
		}
	}
	return err
}

// Ask runs one SELECT and returns the names of its columns and at most so many rows. No row can be added after that. A Trouble is no answer; any other
// error is one.
func (d *DB) Ask(query string, most int) (names []string, rows [][]any, err error) {
	if err := single(query); err != nil {
		return nil, nil, err
	}
	names, rows, err = d.ask(query, most)
	return names, rows, told(err)
}

func (d *DB) ask(query string, most int) (names []string, rows [][]any, err error) {
	if !d.asked {
		if err := d.exec("COMMIT; PRAGMA query_only=ON"); err != nil {
			return nil, nil, err
		}
		d.asked = true
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found, err := d.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	if names, err = found.Columns(); err != nil {
		return nil, nil, err
	}
	for len(rows) < most && found.Next() {
		row, places := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			places[i] = &row[i]
		}
		if err := found.Scan(places...); err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
	}
	return names, rows, found.Err()
}

// Close removes the database.
func (d *DB) Close() error {
	var err error
	if d.insert != nil {
		err = d.insert.Close()
	}
	if d.conn != nil {
		err = errors.Join(err, d.conn.Close())
	}
	if d.pool != nil {
		err = errors.Join(err, d.pool.Close())
	}
	if d.dir != "" {
		err = errors.Join(err, os.RemoveAll(d.dir))
	}
	return err
}
