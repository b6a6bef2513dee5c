package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

func TestMain(m *testing.M) { sourcetest.Main(m, main) }

// database is one to test with.
type database struct {
	name   string
	db     *sql.DB
	config map[string]any
}

func (d database) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	if _, err := d.db.ExecContext(t.Context(), q, args...); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

// with is the database's configuration and more.
func (d database) with(more ...any) map[string]any {
	out := map[string]any{"type": "sql"}
	for k, v := range d.config {
		out[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}

func databases(t *testing.T) []database {
	t.Helper()
	dsn := cluster(t)
	t.Setenv("TEST_DSN", dsn)
	file := filepath.Join(t.TempDir(), "a b.db")
	out := []database{
		{name: "postgres", config: map[string]any{"driver": "postgres", "dsn_env": "TEST_DSN"}},
		{name: "sqlite", config: map[string]any{"driver": "sqlite", "file": file}},
	}
	for i, open := range [][2]string{{"pgx", dsn}, {"sqlite", file}} {
		db, err := sql.Open(open[0], open[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		out[i].db = db
	}
	return out
}

func TestTablesAreReadOnceInAnyNumberOfPartsAndFromAnyCursor(t *testing.T) {
	const rows = 30000
	for _, d := range databases(t) {
		t.Run(d.name, func(t *testing.T) {
			d.exec(t, `CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT)`)
			series := `SELECT i*3, 'text of ' || i || ' and some more of it' FROM (WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM s WHERE i < 30000) SELECT i FROM s) x`
			d.exec(t, `INSERT INTO item `+series)
			for _, n := range []int{0, 1, 7} {
				got, p := sourcetest.All(t, sourcetest.Open(t, d.with("table", "item", "key", "id", "partitions", n)), nil)
				if len(p.Parts) != max(n, 1) || len(got.Rows) != rows || len(got.Rejects) > 0 {
					t.Fatalf("%d partitions: %d parts, %d rows, rejects %v", n, len(p.Parts), len(got.Rows), got.Rejects)
				}
				for i, r := range got.Rows {
					if want := int64(i+1) * 3; r["id"] != want || r["body"] != fmt.Sprintf("text of %d and some more of it", i+1) {
						t.Fatalf("%d partitions: row %d is %v", n, i, r)
					}
				}
			}
			s := sourcetest.Open(t, d.with("query", "SELECT id, body FROM item WHERE id > 30;", "key", "id"))
			p := sourcetest.Plan(t, s, nil)
			d.exec(t, `INSERT INTO item VALUES (1000000, 'came after the plan')`)
			whole, err := sourcetest.Read(t, s, p.Parts[0], nil)
			if err != nil || len(whole.Rows) != rows-10 || len(whole.After) < 2 {
				t.Fatalf("%d rows in %d chunks, error %v", len(whole.Rows), len(whole.After), err)
			}
			rest, err := sourcetest.Read(t, s, p.Parts[0], whole.After[0])
			if err != nil || len(rest.Rows) != len(whole.Rows)-whole.Ends[0] || rest.Rows[0]["id"] != whole.Rows[whole.Ends[0]]["id"] {
				t.Errorf("from %s on: %d rows, error %v", whole.After[0], len(rest.Rows), err)
			}
		})
	}
}

func TestALaterRunReadsWhatIsNewerThanTheWatermark(t *testing.T) {
	for _, d := range databases(t) {
		t.Run(d.name, func(t *testing.T) {
			d.exec(t, `CREATE TABLE item (id INTEGER PRIMARY KEY, at TIMESTAMP)`)
			d.exec(t, `INSERT INTO item VALUES (1, '2026-01-01 00:00:00'), (2, '2026-01-02 00:00:00.5')`)
			s := sourcetest.Open(t, d.with("table", "item", "key", "id", "watermark", "at"))
			first, p := sourcetest.All(t, s, nil)
			none, q := sourcetest.All(t, s, p.Next)
			d.exec(t, `INSERT INTO item VALUES (3, '2026-01-02 00:00:01')`)
			d.exec(t, `UPDATE item SET at = '2026-01-03 00:00:00' WHERE id = 1`)
			then, _ := sourcetest.All(t, s, q.Next)
			var ids []any
			for _, r := range then.Rows {
				ids = append(ids, r["id"])
			}
			if len(first.Rows) != 2 || len(none.Rows) != 0 || fmt.Sprint(ids) != "[1 3]" {
				t.Errorf("first %v, then %v, then %v", first.Rows, none.Rows, ids)
			}
			if len(first.Rows) == 2 && first.Rows[1]["at"] != time.Date(2026, 1, 2, 0, 0, 0, 5e8, time.UTC) {
				t.Errorf("a time came as %v", first.Rows[1]["at"])
			}
		})
	}
}

func TestPostgresTypesKeepTheirValues(t *testing.T) {
	d := databases(t)[0]
	d.exec(t, `CREATE TABLE v (id UUID PRIMARY KEY, s SMALLINT, i INT, b BIGINT, r REAL, d DOUBLE PRECISION, n NUMERIC(20,4), big NUMERIC(50,2), any_n NUMERIC,
		t TEXT, c CHAR(4), vc VARCHAR(9), bo BOOLEAN, by BYTEA, da DATE, ts TIMESTAMP, tz TIMESTAMPTZ, ti TIME, j JSONB, a INT[], iv INTERVAL)`)
	d.exec(t, `INSERT INTO v VALUES ('00000000-0000-0000-0000-000000000001', -2, 3, 9223372036854775807, 0.5, 0.1, 1234567890123456.7891, 123456789012345678901234567890123456.78,
		1.50, 'ü', 'ab', 'x', true, '\x00ff', '1969-12-31', '2026-02-03 04:05:06.789', '2026-02-03 04:05:06+02', '23:59:59.5', '{"k": [1]}', '{1,NULL,3}', '1 day')`)
	d.exec(t, `INSERT INTO v (id) VALUES ('00000000-0000-0000-0000-000000000002')`)
	d.exec(t, `INSERT INTO v (id, ts) VALUES ('00000000-0000-0000-0000-000000000003', 'infinity')`)
	d.exec(t, `INSERT INTO v (id, n) VALUES ('00000000-0000-0000-0000-000000000004', 'NaN')`)
	got, p := sourcetest.All(t, sourcetest.Open(t, d.with("table", "public.v", "key", "id")), nil)
	rat := func(s string) *big.Rat { r, _ := new(big.Rat).SetString(s); return r }
	want := map[string]any{
		"s": int64(-2), "i": int64(3), "b": int64(9223372036854775807), "r": 0.5, "d": 0.1, "n": rat("1234567890123456.7891"), "big": rat("123456789012345678901234567890123456.78"),
		"any_n": "1.50", "t": "ü", "c": "ab", "vc": "x", "bo": true, "by": []byte{0, 255}, "da": time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
		"ts": time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC), "tz": time.Date(2026, 2, 3, 2, 5, 6, 0, time.UTC), "ti": 23*time.Hour + 59*time.Minute + 59500*time.Millisecond,
		"j": `{"k": [1]}`, "a": "[1,null,3]", "iv": "1 day", "id": "00000000-0000-0000-0000-000000000001",
	}
	if len(got.Rows) != 2 || len(got.Rejects) != 2 {
		t.Fatalf("%d rows, rejects %+v", len(got.Rows), got.Rejects)
	}
	for name, w := range want {
		if fmt.Sprintf("%T %v", got.Rows[0][name], got.Rows[0][name]) != fmt.Sprintf("%T %v", w, w) {
			t.Errorf("%s (%s) is %T %v, want %v", name, p.Schema.Fields[p.Schema.Index(name)].Type, got.Rows[0][name], got.Rows[0][name], w)
		}
		if v := got.Rows[1][name]; name != "id" && v != nil {
			t.Errorf("%s of an empty row is %v", name, v)
		}
	}
	for i, r := range got.Rejects {
		if r.Line != int64(3+i) || !strings.Contains(r.Reason, []string{`"ts"`, `"n"`}[i]) {
			t.Errorf("reject %+v", r)
		}
	}
}

func TestSqliteValuesOfAnotherTypeThanTheirColumnAreRefusedByRow(t *testing.T) {
	d := databases(t)[1]
	d.exec(t, `CREATE TABLE v (id INTEGER PRIMARY KEY, n INTEGER, r REAL, t VARCHAR(5), b BLOB, bo BOOLEAN, p DECIMAL(10,2))`)
	d.exec(t, `INSERT INTO v VALUES (1, 7, 0.5, 'x', x'00ff', 1, 1.25), (2, 'seven', 1, 'y', x'', 0, 2), (3, NULL, NULL, NULL, NULL, NULL, NULL)`)
	got, _ := sourcetest.All(t, sourcetest.Open(t, d.with("table", "v", "key", "id")), nil)
	if len(got.Rows) != 2 || len(got.Rejects) != 1 || got.Rejects[0].Line != 2 || !strings.Contains(got.Rejects[0].Reason, `"n"`) {
		t.Fatalf("rows %v, rejects %+v", got.Rows, got.Rejects)
	}
	if s := fmt.Sprint(got.Rows[0]); s != "map[b:[0 255] bo:true id:1 n:7 p:1.25 r:0.5 t:x]" {
		t.Errorf("row %s", s)
	}
}

func TestMistakesAreNamedAndNoPasswordIsShown(t *testing.T) {
	ds := databases(t)
	ds[1].exec(t, `CREATE TABLE item (id INTEGER PRIMARY KEY, kind TEXT)`)
	ds[1].exec(t, `INSERT INTO item VALUES (1, 'a'), (2, 'a')`)
	ds[1].exec(t, `CREATE TABLE holes (id INTEGER PRIMARY KEY, k TEXT)`)
	ds[1].exec(t, `INSERT INTO holes VALUES (1, 'a'), (2, NULL)`)
	t.Setenv("BAD_DSN", "postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=1")
	t.Setenv("WORSE_DSN", "postgres://u:hunter2@[::/")
	for _, c := range []struct {
		config map[string]any
		says   string
		code   string
	}{
		{ds[0].with("table", "nothing", "key", "id"), "nothing", "bad_query"},
		{ds[1].with("table", "item", "key", "no"), `no column "no"`, "bad_config"},
		{ds[1].with("table", "item", "key", "kind", "partitions", 2), "integers", "bad_config"},
		{ds[1].with("table", "item", "key", "kind"), "two rows", "key_not_unique"},
		{ds[1].with("table", "item", "key", "id", "watermarks", "x"), "watermarks", "bad_config"},
		{ds[1].with("table", "holes", "key", "k"), "null in 1 rows", "null_key"},
		{ds[1].with("table", "holes", "key", "id", "watermark", "k"), "null in 1 rows", "null_watermark"},
		{ds[1].with("table", "item"), "key", "bad_config"},
		{ds[1].with("file", "/nowhere.db", "table", "item", "key", "id"), "/nowhere.db", "no_such_input"},
		{ds[0].with("dsn_env", "BAD_DSN", "table", "t", "key", "id"), "connect", ""},
		{ds[0].with("dsn_env", "WORSE_DSN", "table", "t", "key", "id"), "WORSE_DSN", "bad_config"},
	} {
		s := sourcetest.Open(t, c.config)
		p, err := s.Plan(t.Context(), nil)
		if err == nil {
			_, err = sourcetest.Read(t, s, p.Parts[0], json.RawMessage(nil))
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || source.CodeOf(err) != c.code || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: error %v (code %q), want %q with %q", c.config, err, source.CodeOf(err), c.code, c.says)
		}
	}
}
