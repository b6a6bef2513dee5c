package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

func TestMain(m *testing.M) { sourcetest.Main(m, main, func() { _ = os.RemoveAll(lakeDir) }) }

// state is a table at some moment, as tables.py notes it.
type state struct {
	Metadata  string
	Snapshots []int64
	At        []int64 // ms since 1970
}

var (
	written sync.Once
	lakeDir string
	states  map[string]state
)

// tables has pyiceberg write its tables, once for all tests: nobody changes them.
func tables(t *testing.T) map[string]state {
	t.Helper()
	python := sourcetest.Python(t)
	written.Do(func() {
		dir, err := os.MkdirTemp("", "leat-iceberg-")
		if err != nil {
			t.Fatal(err)
		}
		lakeDir = dir
		if out, err := exec.Command(python, "tables.py", dir).CombinedOutput(); err != nil {
			t.Fatalf("tables.py: %v\n%s", err, out)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "expect.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &states); err != nil {
			t.Fatal(err)
		}
	})
	if states == nil {
		t.Fatal("tables.py failed in another test")
	}
	return states
}

func settings(more ...any) map[string]any {
	out := map[string]any{"type": "iceberg"}
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}

// named is a table of the SQL catalog.
func named(name string, more ...any) map[string]any {
	return settings(append([]any{"catalog", map[string]any{"type": "sql", "name": "leat", "file": filepath.Join(lakeDir, "catalog.db")}, "table", "db." + name}, more...)...)
}

func where(column, op string, value any) map[string]any {
	return map[string]any{"column": column, "op": op, "value": value}
}

// ids are the values of the column id, in order.
func ids(r sourcetest.Result) []int64 {
	out := make([]int64, len(r.Rows))
	for i, row := range r.Rows {
		out[i] = row["id"].(int64)
	}
	slices.Sort(out)
	return out
}

func numbers(from, to int64) (out []int64) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func TestTypesOfPyicebergKeepTheirValues(t *testing.T) {
	tables(t)
	got, p := sourcetest.All(t, sourcetest.Open(t, named("types")), nil)
	rat, _ := new(big.Rat).SetString("1234567890123456.7891")
	want := map[string]any{
		"id": int64(1), "b": true, "i": int64(-7), "f": 0.5, "d": 0.1, "n": rat, "day": time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
		"clock": 23*time.Hour + 59*time.Minute + 59500*time.Millisecond, "at": time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC), "tz": time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
		"s": "ü…", "raw": []byte{0, 255}, "fixed": []byte("abcd"), "tags": []any{"x", nil}, "meta": map[string]any{"lang": "nl", "n": int64(3)},
	}
	if len(got.Rows) != 2 || len(got.Rejects) > 0 {
		t.Fatalf("%d rows, rejects %v", len(got.Rows), got.Rejects)
	}
	for name, w := range want {
		if v := got.Rows[0][name]; fmt.Sprintf("%T %v", v, v) != fmt.Sprintf("%T %v", w, w) {
			t.Errorf("%s (%s) is %T %v, want %v", name, p.Schema.Fields[p.Schema.Index(name)].Type, v, v, w)
		}
		if v := got.Rows[1][name]; name != "id" && v != nil {
			t.Errorf("%s of an empty row is %v", name, v)
		}
	}
	if s := fmt.Sprint(got.Rows[0]["kv"]); !strings.Contains(s, "k") || !strings.Contains(s, "5") {
		t.Errorf("a map came as %s", s)
	}
}

func TestATableIsReadOnceInAnyNumberOfPartsAndFromAnyCursor(t *testing.T) {
	tables(t)
	var before []map[string]any
	for _, bytes := range []int{1, 1 << 30} {
		s := sourcetest.Open(t, named("parted", "partition_bytes", bytes))
		got, p := sourcetest.All(t, s, nil)
		if !slices.Equal(ids(got), numbers(0, 3000)) || len(p.Parts) != map[int]int{1: 6, 1 << 30: 1}[bytes] {
			t.Fatalf("%d bytes a part: %d parts, %d rows", bytes, len(p.Parts), len(got.Rows))
		}
		if before != nil && fmt.Sprint(before) != fmt.Sprint(got.Rows) {
			t.Error("the number of parts changed the order of rows")
		}
		before = got.Rows
		if again := sourcetest.Plan(t, s, nil); fmt.Sprint(again.Parts) != fmt.Sprint(p.Parts) {
			t.Error("the same table has another plan")
		}
	}
	s := sourcetest.Open(t, named("parted"))
	p := sourcetest.Plan(t, s, nil)
	whole, err := sourcetest.Read(t, s, p.Parts[0], nil)
	if err != nil || len(whole.After) < 6 {
		t.Fatalf("%d chunks, error %v", len(whole.After), err)
	}
	for i := range whole.After {
		rest, err := sourcetest.Read(t, s, p.Parts[0], whole.After[i])
		if err != nil || fmt.Sprint(rest.Rows) != fmt.Sprint(whole.Rows[whole.Ends[i]:]) {
			t.Fatalf("from %s on: %d rows, error %v", whole.After[i], len(rest.Rows), err)
		}
	}
	half := json.RawMessage(`{"file":1,"rows":100}`)
	if rest, err := sourcetest.Read(t, s, p.Parts[0], half); err != nil || fmt.Sprint(rest.Rows) != fmt.Sprint(whole.Rows[whole.Ends[0]+100:]) {
		t.Errorf("from the middle of a file on: %d rows, error %v", len(rest.Rows), err)
	}
}

func TestFiltersLeaveOutFilesAndRows(t *testing.T) {
	tables(t)
	for name, c := range map[string]struct {
		filter []any
		keep   func(i int64) bool
		files  int64
	}{
		"a partition":      {[]any{where("lang", "=", "de")}, func(i int64) bool { return i%3 == 0 }, 2},
		"a day":            {[]any{where("at", ">=", "2026-01-02T00:00:00")}, func(i int64) bool { return i%2 == 1 }, 3},
		"rows":             {[]any{where("id", "<", 10), where("lang", "is not null", nil)}, func(i int64) bool { return i < 10 && i%3 != 2 }, 4},
		"nulls":            {[]any{where("lang", "is null", nil)}, func(i int64) bool { return i%3 == 2 }, 2},
		"some of a list":   {[]any{where("lang", "in", []string{"nl", "xx"}), where("id", "not in", []int{1, 4})}, func(i int64) bool { return i%3 == 1 && i > 4 }, 2},
		"texts that begin": {[]any{where("lang", "starts with", "d")}, func(i int64) bool { return i%3 == 0 }, 2},
		"nothing":          {[]any{where("id", ">", 1<<40)}, func(int64) bool { return false }, 0},
	} {
		got, p := sourcetest.All(t, sourcetest.Open(t, named("parted", "filter", c.filter, "columns", []string{"id"}, "partition_bytes", 1)), nil)
		if want := slices.DeleteFunc(numbers(0, 3000), func(i int64) bool { return !c.keep(i) }); !slices.Equal(ids(got), want) || int64(len(p.Parts)) != c.files {
			t.Errorf("%s: %d rows of %d, from %d files", name, len(got.Rows), len(want), len(p.Parts))
		}
		if len(p.Schema.Fields) != 1 {
			t.Errorf("%s: the schema is %v", name, p.Schema.Fields)
		}
	}
}

func TestRowsFromBeforeASchemaChangedHaveTheNewSchema(t *testing.T) {
	tables(t)
	got, _ := sourcetest.All(t, sourcetest.Open(t, named("evolved")), nil)
	var rows []string
	for _, r := range got.Rows {
		rows = append(rows, fmt.Sprint(r))
	}
	slices.Sort(rows)
	want := []string{"map[id:1 lang:<nil> title:a]", "map[id:1099511627776 lang:nl title:c]", "map[id:2 lang:<nil> title:b]"}
	if !slices.Equal(rows, want) {
		t.Errorf("rows %v", rows)
	}
	old, _ := sourcetest.All(t, sourcetest.Open(t, named("evolved", "snapshot", states["evolved"].Snapshots[0])), nil)
	if len(old.Rows) != 2 || fmt.Sprint(old.Rows[0]) != "map[gone:9 id:1 name:a]" {
		t.Errorf("as it was: %v", old.Rows)
	}
}

func TestSnapshotsTagsBranchesAndTimesAreWhatTheTableThenWas(t *testing.T) {
	s := tables(t)
	deleted := append(numbers(0, 500), numbers(1500, 4000)...)
	for name, c := range map[string]struct {
		config map[string]any
		want   []int64
	}{
		"now":          {named("log"), deleted},
		"by file":      {settings("metadata", s["log3"].Metadata), numbers(0, 4000)},
		"by directory": {settings("path", filepath.Join(lakeDir, "warehouse", "db", "log")), deleted},
		"snapshot":     {named("log", "snapshot", s["log2"].Snapshots[2]), numbers(0, 3000)},
		"tag":          {named("log", "ref", "two"), numbers(0, 2000)},
		"branch":       {named("log", "ref", "side"), numbers(0, 2000)},
		"time":         {named("log", "as_of", time.UnixMilli(s["log1"].At[1]).UTC().Format(time.RFC3339Nano)), numbers(0, 2000)},
		"empty":        {named("empty"), nil},
	} {
		got, p := sourcetest.All(t, sourcetest.Open(t, c.config), nil)
		if !slices.Equal(ids(got), c.want) {
			t.Errorf("%s: %d rows, want %d", name, len(got.Rows), len(c.want))
		}
		if name == "empty" && (len(p.Schema.Fields) != 3 || len(p.Parts) > 0) {
			t.Errorf("a table without rows has %d columns, %d parts", len(p.Schema.Fields), len(p.Parts))
		}
	}
}

func TestALaterRunReadsWhatWasAppended(t *testing.T) {
	s := tables(t)
	first, p := sourcetest.All(t, sourcetest.Open(t, settings("metadata", s["log0"].Metadata)), nil)
	none, q := sourcetest.All(t, sourcetest.Open(t, settings("metadata", s["log0"].Metadata)), p.Next)
	then, r := sourcetest.All(t, sourcetest.Open(t, settings("metadata", s["log3"].Metadata)), q.Next)
	if len(first.Rows) != 1000 || len(none.Rows) != 0 || !slices.Equal(ids(then), numbers(1000, 4000)) {
		t.Errorf("first %d rows, then %d, then %d", len(first.Rows), len(none.Rows), len(then.Rows))
	}
	for name, c := range map[string]struct {
		config map[string]any
		since  source.Watermark
	}{
		"rows were deleted": {named("log"), r.Next},
		"an older snapshot": {settings("metadata", s["log0"].Metadata), r.Next},
		"another table":     {named("types"), r.Next},
	} {
		if _, err := sourcetest.Open(t, c.config).Plan(t.Context(), c.since); source.CodeOf(err) != source.Changed || !strings.Contains(err.Error(), "--full") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	s := tables(t)
	t.Setenv("NO_TOKEN", "")
	for _, c := range []struct {
		config     map[string]any
		says, code string
	}{
		{named("nothing"), "db.nothing", source.Missing},
		{named("log", "snapshot", 5), "[main side two]", source.Missing},
		{named("log", "ref", "three"), "three", source.Missing},
		{named("log", "as_of", "2001-01-01T00:00:00Z"), "2001", source.Missing},
		{named("log", "columns", []string{"id", "texts"}), "id, text", "bad_config"},
		{named("log", "filter", []any{where("ids", "=", 1)}), "id, text", "bad_config"},
		{named("log", "filter", []any{where("id", "~", 1)}), "starts with", "bad_config"},
		{named("log", "filter", []any{map[string]any{"column": "id", "opp": "="}}), "opp", "bad_config"},
		{named("log", "colour", "red"), "colour", "bad_config"},
		{named("log", "metadata", "x"), "exactly one", "bad_config"},
		{named("log", "ref", "two", "snapshot", 5), "at most one", "bad_config"},
		{settings("metadata", s["log0"].Metadata+"x"), "metadata.jsonx", source.Missing},
		{settings("path", lakeDir), lakeDir, source.Missing},
		{settings("table", "a.b", "catalog", map[string]any{"type": "hive"}), "rest or sql", "bad_config"},
		{settings("table", "a.b", "catalog", map[string]any{"type": "rest", "uri": "http://127.0.0.1:1", "token_env": "NO_TOKEN"}), "NO_TOKEN", "bad_config"},
	} {
		_, err := sourcetest.Open(t, c.config).Plan(t.Context(), nil)
		if err == nil || source.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: error %v (code %q), want %s that names %s", c.config, err, source.CodeOf(err), c.code, c.says)
		}
	}
}
