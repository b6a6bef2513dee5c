package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/catalog/hadoop"
	"github.com/apache/iceberg-go/table"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/file"
	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/internal/sourcetest"
)

// parquet writes the ids from from to to.
func parquet(t *testing.T, path string, from, to int64) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	b := arrowio.BatchOf(arrowio.Of("id", numbers(from, to)))
	w, err := file.NewParquetWriter(f, b.Schema(), file.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{w.Write(b), w.Close(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// withDeletes is a table of 3000 ids in three files, in a directory as Hadoop's tables have it: 100 to 199 are deleted by position (in version 3 by a deletion
// vector), and where equal is set 1500 to 1599 by value.
func withDeletes(t *testing.T, version string, equal bool) *table.Table {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cat, err := hadoop.NewCatalog("test", dir, nil)
	must(err)
	must(cat.CreateNamespace(ctx, table.Identifier{"db"}, nil))
	schema := iceberg.NewSchema(0, iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64})
	props := iceberg.Properties{"format-version": version, table.WriteDeleteModeKey: table.WriteModeMergeOnRead}
	tbl, err := cat.CreateTable(ctx, table.Identifier{"db", "log"}, schema, catalog.WithProperties(props))
	must(err)
	var paths []string
	for i := range int64(3) {
		paths = append(paths, parquet(t, filepath.Join(dir, fmt.Sprintf("%d.parquet", i)), 1000*i, 1000*(i+1)))
	}
	tx := tbl.NewTransaction()
	must(tx.AddFiles(ctx, paths, nil, false))
	tbl, err = tx.Commit(ctx)
	must(err)
	id := iceberg.Reference("id")
	tbl, err = tbl.Delete(ctx, iceberg.NewAnd(iceberg.GreaterThanEqual(id, int64(100)), iceberg.LessThan(id, int64(200))), nil)
	must(err)
	if !equal {
		return tbl
	}
	_, records, err := tbl.Scan(table.WithRowFilter(iceberg.NewAnd(iceberg.GreaterThanEqual(id, int64(1500)), iceberg.LessThan(id, int64(1600))))).ToArrowRecords(ctx)
	must(err)
	tx = tbl.NewTransaction()
	must(tx.CommitEqualityDeletes(ctx, []int{1}, records, nil))
	tbl, err = tx.Commit(ctx)
	must(err)
	return tbl
}

func TestDeletedRowsAreNotRead(t *testing.T) {
	for _, c := range []struct {
		version string
		equal   bool
	}{{"2", false}, {"2", true}, {"3", false}, {"3", true}} {
		t.Run(fmt.Sprint("version ", c.version, " by value ", c.equal), func(t *testing.T) {
			tbl := withDeletes(t, c.version, c.equal)
			tasks, err := tbl.Scan().PlanFiles(t.Context())
			positions, vectors, values := 0, 0, 0
			for _, k := range tasks {
				positions, vectors, values = positions+len(k.DeleteFiles), vectors+len(k.DeletionVectorFiles), values+len(k.EqualityDeleteFiles)
			}
			if err != nil || (positions > 0) != (c.version == "2") || (vectors > 0) != (c.version == "3") || (values > 0) != c.equal {
				t.Fatalf("the table has %d, %d and %d files of deletes, error %v: it does not test what it should", positions, vectors, values, err)
			}
			want := slices.Concat(numbers(0, 100), numbers(200, 3000))
			if c.equal {
				want = slices.Concat(numbers(0, 100), numbers(200, 1500), numbers(1600, 3000))
			}
			s := sourcetest.Open(t, settings("path", strings.TrimPrefix(tbl.Location(), "file://")))
			got, p := sourcetest.All(t, s, nil)
			if !slices.Equal(ids(got), want) {
				t.Fatalf("%d rows, want %d", len(got.Rows), len(want))
			}
			whole, err := sourcetest.Read(t, s, p.Parts[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			rest, err := sourcetest.Read(t, s, p.Parts[0], source.Cursor(`{"file":0,"rows":150}`))
			if err != nil || fmt.Sprint(rest.Rows) != fmt.Sprint(whole.Rows[150:]) {
				t.Errorf("from row 150 of the first file on: %d rows, error %v", len(rest.Rows), err)
			}
		})
	}
}

// The catalog is this test's own: it says of what a REST catalog says only where a table's metadata is.
func TestATableOfARESTCatalog(t *testing.T) {
	tbl := withDeletes(t, "2", false)
	metadata, err := os.ReadFile(strings.TrimPrefix(tbl.MetadataLocation(), "file://"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer hunter2":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"error": {"message": "no", "type": "NotAuthorizedException", "code": 401}}`)
		case r.URL.Path == "/v1/config":
			_, _ = fmt.Fprint(w, `{"defaults": {}, "overrides": {}}`)
		case r.URL.Path == "/v1/namespaces/db/tables/log":
			_, _ = fmt.Fprintf(w, `{"metadata-location": %q, "metadata": %s, "config": {}}`, tbl.MetadataLocation(), metadata)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"error": {"message": "none", "type": "NoSuchTableException", "code": 404}}`)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("TOKEN", "hunter2")
	at := map[string]any{"type": "rest", "uri": server.URL, "token_env": "TOKEN"}
	if got, _ := sourcetest.All(t, sourcetest.Open(t, settings("catalog", at, "table", "db.log")), nil); len(got.Rows) != 2900 {
		t.Errorf("%d rows", len(got.Rows))
	}
	if _, err := sourcetest.Open(t, settings("catalog", at, "table", "db.none")).Plan(t.Context(), nil); source.CodeOf(err) != source.Missing {
		t.Errorf("a table that is not there: error %v", err)
	}
	t.Run("bounded", func(t *testing.T) { // a catalog's tables are the machine's own where the catalog says so
		t.Setenv("LEAT_SOURCE_PATHS", t.TempDir())
		if _, err := sourcetest.Open(t, settings("catalog", at, "table", "db.log")).Plan(t.Context(), nil); source.CodeOf(err) != source.Denied {
			t.Errorf("error %v", err)
		}
	})
	t.Setenv("TOKEN", "wrong")
	if _, err := sourcetest.Open(t, settings("catalog", at, "table", "db.log")).Plan(t.Context(), nil); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with a wrong token: error %v", err)
	}
}
