package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

// A query reads the database that is named, and reaches no other file: what may be read is bounded by who runs the ingestor.
func TestAQueryReachesNoOtherFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mine", "secret"} {
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), `CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO item VALUES (1, '`+name+`')`); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	made := filepath.Join(dir, "made")
	for statement, what := range map[string]string{
		"ATTACH '" + filepath.Join(dir, "secret") + "' AS s":                                               "another database",
		"PRAGMA query_only=0; ATTACH '" + made + "' AS s; CREATE TABLE s.item AS SELECT 1 AS id, 'x' AS v": "a new file",
		"CREATE TEMP TABLE s AS SELECT 1":                                                                  "a table of its own", "PRAGMA temp_store_directory='" + dir + "'": "a setting",
	} {
		query := "SELECT id, v FROM item) AS q; " + statement + "; SELECT * FROM (SELECT id, v FROM item"
		s := sourcetest.Open(t, map[string]any{"type": "sql", "driver": "sqlite", "file": filepath.Join(dir, "mine"), "key": "id", "query": query})
		if _, err := s.Plan(t.Context(), nil); source.CodeOf(err) != "bad_query" || !strings.Contains(err.Error(), "not authorized") {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(made); err == nil {
			t.Errorf("%s: it made a file", what)
		}
	}
	s := sourcetest.Open(t, map[string]any{"type": "sql", "driver": "sqlite", "file": filepath.Join(dir, "mine"), "key": "id",
		"query": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3) SELECT i AS id, upper(v) || e.value AS v FROM n, item, json_each('[7]') AS e;"})
	if got, _ := sourcetest.All(t, s, nil); len(got.Rows) != 3 || got.Rows[2]["v"] != "MINE7" {
		t.Errorf("a query that only reads gives %v", got.Rows)
	}
}

// Where the ingestor bounds which files may be read, a database is read below those directories alone.
func TestADatabaseLiesBelowTheRoots(t *testing.T) {
	dir := t.TempDir()
	open, secret := filepath.Join(dir, "open"), filepath.Join(dir, "secret.db")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{secret, filepath.Join(open, "a.db")} {
		db, err := sql.Open("sqlite", file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE item (id INTEGER PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(open, "leak.db")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LEAT_SOURCE_PATHS", open)
	for file, code := range map[string]string{
		"a.db": "", "leak.db": source.Denied, "../secret.db": source.Denied, "a.db?x=/../../secret.db": source.Denied,
	} {
		s := sourcetest.Open(t, map[string]any{"type": "sql", "driver": "sqlite", "file": open + "/" + file, "key": "id", "table": "item"})
		if _, err := s.Plan(t.Context(), nil); source.CodeOf(err) != code {
			t.Errorf("%s: %v, want %q", file, err, code)
		}
	}
}
