package main

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// Where the ingestor bounds which files may be read, no table of its machine is, by whatever way it is named: its files name others.
func TestBoundedATableOfThisMachineIsRefused(t *testing.T) {
	t.Setenv("LEAT_SOURCE_PATHS", t.TempDir())
	for name, c := range map[string]config{
		"a directory": {Path: "/etc"}, "a file": {Metadata: "/etc/passwd"}, "its URL": {Metadata: "file:///etc/passwd"},
		"its URL in capitals": {Metadata: "FILE:///etc/passwd"}, "a directory's URL": {Path: "File:///etc"}, "an opaque URL": {Metadata: "file:/etc/passwd"},
		"a catalog": {Catalog: &catalogConfig{Type: "sql", Name: "c", File: "/etc/passwd"}, Table: "a.b"},
	} {
		_, err := c.table(t.Context())
		if e := (*sdk.Error)(nil); !errors.As(err, &e) || e.Code != source.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The catalog that is read is the file that was judged: what a name has of the signs of URLs leads to no other.
func TestTheCatalogIsTheFileThatIsNamed(t *testing.T) {
	top := t.TempDir()
	open := filepath.Join(top, "open")
	named := filepath.Join(open, "%2e%2e", "c.db")
	if err := os.MkdirAll(filepath.Dir(named), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{named, filepath.Join(top, "c.db")} {
		db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, OmitHost: true}).String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), `CREATE TABLE iceberg_tables (catalog_name TEXT, table_namespace TEXT, table_name TEXT, metadata_location TEXT);
			INSERT INTO iceberg_tables VALUES ('c', 'a', 'b', 's3://'||?)`, filepath.Base(filepath.Dir(file)))
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("LEAT_SOURCE_PATHS", open)
	c := config{Catalog: &catalogConfig{Type: "sql", Name: "c", File: named}, Table: "a.b"}
	if got, err := c.fromSQL(t.Context()); err != nil || got != "s3://%2e%2e" {
		t.Errorf("the table is at %q, %v", got, err)
	}
}
