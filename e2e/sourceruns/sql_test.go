package sourceruns_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // "sqlite"

	"github.com/leathq/leat/e2e/driver/procs"
)

// orders is a run over a table of SQLite, in three partitions, through a suite.
const orders = `
name: orders
source: {type: sql, driver: sqlite, file: shop.db, table: orders, key: id, partitions: 3, watermark: changed}
validate:
  suite:
    name: orders
    meta: {}
    expectations:
    - {type: expect_column_values_to_not_be_null, kwargs: {column: changed}}
    - {type: expect_column_values_to_be_unique, kwargs: {column: id}}
  gates: {min_new_rows: 1}
dataset: ` + dataset + "\n"

// order is a row of the table.
type order struct {
	ID      int64   `json:"id"`
	Note    any     `json:"note"` // a text, or null
	Amount  float64 `json:"amount"`
	Paid    bool    `json:"paid"`
	Changed string  `json:"changed"`
}

// some are the orders from one number up to another, which is not among them.
func some(from, to int64) []order {
	out := make([]order, 0, to-from)
	for i := from; i < to; i++ {
		o := order{ID: i, Note: fmt.Sprintf("order %d — \"ü\"\n%s", i, strings.Repeat("and so on, ", 80+int(i%20))), Amount: float64(i) / 8, Paid: i%3 == 0,
			Changed: time.Date(2026, 1, 1, 0, 0, int(i), 1000*int(i%1000), time.UTC).Format(time.RFC3339Nano)}
		if i%7 == 0 {
			o.Note = nil
		}
		out = append(out, o)
	}
	return out
}

// insert puts orders into the table, where no reader holds it by then.
func insert(t *testing.T, db *sql.DB, rows []order) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing once it is committed
	st, err := tx.PrepareContext(t.Context(), "INSERT INTO orders VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, o := range rows {
		if _, err := st.ExecContext(t.Context(), o.ID, o.Note, o.Amount, o.Paid, strings.TrimSuffix(strings.Replace(o.Changed, "T", " ", 1), "Z")); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// Runs over a table take every row once, each run those that are new since the last: also one whose ingestor is killed in mid-read, so that the program is started
// anew, while rows are inserted that are the next run's.
func TestRunsOverATableTakeEveryRowOnce(t *testing.T) {
	f := newFleet(t, "sql")
	// A writer waits so long for readers: a program that outlived its ingestor would keep it from writing.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.dir, "shop.db")+"?_pragma=busy_timeout(20000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT, amount REAL, paid BOOLEAN, changed DATETIME)"); err != nil {
		t.Fatal(err)
	}
	insert(t, db, some(0, 3000))
	same(t, "the first run", takes[order](f, "first", orders), some(0, 3000))

	insert(t, db, some(3000, 9000))
	f.validator.Stop(t) // so that the run cannot end before its ingestor is killed
	second := f.submit("second", orders)
	// Until both of the partitions that are read at a time are beyond the first batch of their programs (some 600 rows), so that there is a place to read on from.
	procs.Within(t, patience, "the second run reads", func() bool { return len(f.reading("sql")) > 0 && f.read("second") > 2000 })
	before, n := f.reading("sql"), f.read("second")
	f.ingestor.Kill(t)
	if n >= 6000 {
		t.Errorf("the second run had read %d rows when its ingestor was killed, which is all of them", n)
	}
	insert(t, db, some(9000, 9500))
	procs.Within(t, patience, "the programs end with their ingestor", func() bool { return len(f.reading("sql")) == 0 })
	f.startIngestor(f.ingestor.GRPC)
	procs.Within(t, patience, "the program is started anew", func() bool { return len(f.reading("sql")) > 0 })
	t.Logf("killed after %d rows of 6000, programs %v, then %v", n, before, f.reading("sql"))
	f.startValidator()
	same(t, "the second run", rows[order](f, second.ends("complete")), some(3000, 9000))

	same(t, "the third run", takes[order](f, "third", orders), some(9000, 9500))
	f.findsNothing("fourth", orders)
	insert(t, db, some(9500, 9501))
	same(t, "the fifth run", takes[order](f, "fifth", orders), some(9500, 9501))
}

// read is how many rows a run has read so far.
func (f *fleet) read(run string) uint64 {
	f.t.Helper()
	var s state
	if err := json.Unmarshal(f.leat("data", "status", run, "--addr", f.ingestor.GRPC, "--format", "json"), &s); err != nil {
		f.t.Fatal(err)
	}
	if len(s.Stages) == 0 {
		return 0
	}
	return s.Stages[0].Counts.In
}

// reading are the processes of a source program that read partitions.
func (f *fleet) reading(source string) (pids []string) {
	found, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range found {
		exe, err := os.Readlink(filepath.Join(p, "exe")) // none where it is over by now, and nobody has waited for it
		if err != nil || exe != filepath.Join(f.sources, "leat-source-"+source) {
			continue
		}
		if args, err := os.ReadFile(filepath.Join(p, "cmdline")); err == nil && strings.HasSuffix(string(args), "\x00read\x00") {
			pids = append(pids, filepath.Base(p))
		}
	}
	return pids
}
