package sqlite_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/leathq/leat/services/validator/internal/sqlite"
)

func filled(t *testing.T, scratch string) *sqlite.DB {
	t.Helper()
	d, err := sqlite.Open(scratch)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Create([]string{"n", `odd "name"`, "f"}, []string{"INTEGER", "TEXT", "REAL"}); err != nil {
		t.Fatal(err)
	}
	for i, text := range []any{"a", nil, "c"} {
		if err := d.Add([]any{int64(i), text, float64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// Rows come back as they went in, in memory and on disk, and nothing stays on disk.
func TestAsk(t *testing.T) {
	for _, scratch := range []string{"", t.TempDir()} {
		d := filled(t, scratch)
		names, rows, err := d.Ask(`SELECT * FROM batch WHERE n > 0 ORDER BY n DESC`, 10)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]any{{int64(2), "c", 2.0}, {int64(1), nil, 1.0}}
		if !reflect.DeepEqual(rows, want) || names[1] != `odd "name"` {
			t.Errorf("%v: %v, want %v", names, rows, want)
		}
		if _, rows, err = d.Ask(`SELECT n FROM batch`, 2); err != nil || len(rows) != 2 {
			t.Errorf("%d rows where 2 are wanted: %v", len(rows), err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if scratch != "" {
			if left, _ := filepath.Glob(scratch + "/*"); len(left) > 0 {
				t.Errorf("%v is left behind", left)
			}
		}
	}
}

// What a question sorts or groups goes to the scratch directory, whatever its name, and to memory only where there is none.
func TestWhatAQuestionNeedsGoesToScratch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite", ":memory:") // the directory is the process's
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	for scratch, want := range map[string]int64{"": 2, dir: 1} {
		d := filled(t, scratch)
		_, rows, err := d.Ask(`SELECT temp_store FROM pragma_temp_store`, 1)
		if err != nil || rows[0][0] != want {
			t.Errorf("scratch %q: %v %v, want %d", scratch, rows, err, want)
		}
		var where string
		if err := other.QueryRowContext(t.Context(), "PRAGMA temp_store_directory").Scan(&where); scratch != "" && (err != nil || where != dir) {
			t.Errorf("it goes to %q, not to %s: %v", where, dir, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A suite comes from outside: its query changes nothing, reads no other file, and writes none.
func TestAskIsKeptIn(t *testing.T) {
	d := filled(t, "")
	defer func() { _ = d.Close() }()
	dir := t.TempDir()
	for _, query := range []string{
		`DELETE FROM batch`, `DROP TABLE batch`, `SELECT 1; DELETE FROM batch`, `PRAGMA query_only=OFF; DELETE FROM batch`,
		fmt.Sprintf(`ATTACH DATABASE '%s/other.db' AS o`, dir), fmt.Sprintf(`SELECT 1; ATTACH DATABASE '%s/other.db' AS o; SELECT 2`, dir),
		fmt.Sprintf(`VACUUM INTO '%s/copy.db'`, dir), `SELECT load_extension('x')`, `SELECT readfile('/etc/passwd')`, `nonsense`,
		`PRAGMA query_only=OFF`, `SELECT ';' -- ;` + "\n; DELETE FROM batch", `WITH x AS (SELECT 1) DELETE FROM batch`,
	} {
		if _, _, err := d.Ask(query, 1); err == nil {
			t.Errorf("%s is run", query)
		}
	}
	for _, query := range []string{`SELECT ';' ;`, "-- a ; note\nSELECT \"n\" FROM batch", `/* ; */ WITH x AS (SELECT 'it''s;' AS y) SELECT y FROM x`, `VALUES (1)`} {
		if _, _, err := d.Ask(query, 1); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v was written", left)
	}
	if _, rows, err := d.Ask(`SELECT COUNT(*) FROM batch`, 1); err != nil || rows[0][0] != int64(3) {
		t.Errorf("%v rows are left of 3: %v", rows, err)
	}
}

// Whatever a query is, the rows stay as they are.
func FuzzAsk(f *testing.F) {
	for _, seed := range []string{"SELECT * FROM batch", "WITH x AS (SELECT 1) DELETE FROM batch", "SELECT ';' -- \n; DROP TABLE batch", "VALUES (1), (2)", "[;", "/*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 200 {
			return
		}
		d := filled(t, "")
		defer func() { _ = d.Close() }()
		_, _, _ = d.Ask(query, 5)
		if _, rows, err := d.Ask(`SELECT COUNT(*) FROM batch`, 1); err != nil || rows[0][0] != int64(3) {
			t.Fatalf("after %q there are %v rows of 3: %v", query, rows, err)
		}
	})
}
