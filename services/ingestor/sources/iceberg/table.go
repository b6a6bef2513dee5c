package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/catalog/rest"
	"github.com/apache/iceberg-go/io"
	_ "github.com/apache/iceberg-go/io/gocloud" // s3, gs, abfs
	"github.com/apache/iceberg-go/table"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

// strictly reads JSON into v, refusing keys that v does not have and keeping numbers as they are written.
func strictly(raw []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	return dec.Decode(v)
}

// table finds the table as it is now.
func (c config) table(ctx context.Context) (*table.Table, error) {
	switch {
	case c.Metadata != "":
		return c.at(ctx, c.Metadata)
	case c.Path != "":
		if err := remote(c.Path); err != nil {
			return nil, err
		}
		file, err := newest(c.Path)
		if err != nil {
			return nil, err
		}
		return c.at(ctx, file)
	case c.Catalog.Type == "rest":
		return c.fromREST(ctx)
	}
	file, err := c.fromSQL(ctx)
	if err != nil {
		return nil, err
	}
	return c.at(ctx, file)
}

// at reads a metadata file.
func (c config) at(ctx context.Context, file string) (*table.Table, error) {
	if err := remote(file); err != nil {
		return nil, err
	}
	name := strings.Split(c.Table, ".")
	if c.Table == "" {
		name = []string{"table"}
	}
	t, err := table.NewFromLocation(ctx, name, file, io.LoadFSFunc(c.Storage, file), nil)
	if errors.Is(err, os.ErrNotExist) {
		return nil, sdk.Fail(source.Missing, "%s: there is no such metadata file: %v", file, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the table's metadata %s: %w", file, err)
	}
	return t, nil
}

// remote refuses tables on this machine where the ingestor bounds which files may be read: a table's own files name others, wherever these lie.
func remote(location string) error {
	if scheme, _, ok := strings.Cut(location, "://"); sdk.Bounded() && (!ok || strings.EqualFold(scheme, "file")) {
		return sdk.Fail(source.Denied, "%s: tables on the ingestor's machine are not read where ingestor.paths bounds which files may be; put the table into an object store", location)
	}
	return nil
}

var numbered = regexp.MustCompile(`^v?(\d+)(-.*)?(\.gz)?\.metadata\.json$`)

// newest is the metadata file with the highest number in a table's directory. Writers number them: 00003-<uuid>.metadata.json, or v3.metadata.json.
func newest(dir string) (string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "metadata"))
	if err != nil {
		return "", sdk.Fail(source.Missing, "%s is no directory of an Iceberg table: %v", dir, err)
	}
	best, names := int64(-1), []string(nil)
	for _, e := range entries {
		m := numbered.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil || n < best {
			continue
		}
		if n > best {
			best, names = n, nil
		}
		names = append(names, e.Name())
	}
	switch len(names) {
	case 0:
		return "", sdk.Fail(source.Missing, "%s has no metadata files of a table", filepath.Join(dir, "metadata"))
	case 1:
		return filepath.Join(dir, "metadata", names[0]), nil
	}
	// Two writers at once leave two files of a number, of which a catalog knows the one that counts.
	slices.Sort(names)
	return "", sdk.Fail("ambiguous_table", "%s has %d metadata files of number %d (%s); name one as metadata, or give the catalog", dir, len(names), best, strings.Join(names, ", "))
}

func (c config) fromREST(ctx context.Context) (*table.Table, error) {
	k := c.Catalog
	opts := []rest.Option{rest.WithAdditionalProps(iceberg.Properties(c.Storage)), rest.WithHeaders(k.Headers)}
	if k.Warehouse != "" {
		opts = append(opts, rest.WithWarehouseLocation(k.Warehouse))
	}
	if k.Scope != "" {
		opts = append(opts, rest.WithScope(k.Scope))
	}
	for _, s := range []struct {
		key, name string
		option    func(string) rest.Option
	}{{"token_env", k.Token, rest.WithOAuthToken}, {"credential_env", k.Credential, rest.WithCredential}} {
		if s.name == "" {
			continue
		}
		v := os.Getenv(s.name)
		if v == "" {
			return nil, sdk.Fail("bad_config", "catalog.%s: the variable %s is empty; set it for the ingestor", s.key, s.name)
		}
		opts = append(opts, s.option(v))
	}
	cat, err := rest.NewCatalog(ctx, "leat", k.URI, opts...)
	if err != nil {
		return nil, fmt.Errorf("ask the catalog at %s: %w", k.URI, err)
	}
	t, err := cat.LoadTable(ctx, strings.Split(c.Table, "."))
	if errors.Is(err, catalog.ErrNoSuchTable) {
		return nil, sdk.Fail(source.Missing, "the catalog at %s has no table %s", k.URI, c.Table)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the catalog at %s for %s: %w", k.URI, c.Table, err)
	}
	return t, remote(t.MetadataLocation())
}

// fromSQL asks the table of tables that the SQL catalogs of Iceberg's Java, Python, Rust and Go libraries share.
func (c config) fromSQL(ctx context.Context) (string, error) {
	driver, dsn, at := "sqlite", (&url.URL{Scheme: "file", Path: c.Catalog.File, OmitHost: true}).String()+"?mode=ro", c.Catalog.File
	if c.Catalog.DSN != "" {
		driver, dsn, at = "pgx", os.Getenv(c.Catalog.DSN), "the database of "+c.Catalog.DSN
		if dsn == "" {
			return "", sdk.Fail("bad_config", "catalog.dsn_env: the variable %s is empty; set it for the ingestor", c.Catalog.DSN)
		}
	} else if err := sdk.Readable(c.Catalog.File); err != nil {
		return "", err
	} else if _, err := os.Stat(c.Catalog.File); err != nil {
		return "", sdk.Fail(source.Missing, "catalog.file: %v", err)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return "", sdk.Fail("bad_config", "the catalog in %s cannot be opened", at) // the reason may show the password
	}
	defer func() { _ = db.Close() }()
	i := strings.LastIndex(c.Table, ".")
	if i < 0 {
		return "", sdk.Fail("bad_config", "table: must be namespace.table, not %q", c.Table)
	}
	var file string
	err = db.QueryRowContext(ctx, "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3",
		c.Catalog.Name, c.Table[:i], c.Table[i+1:]).Scan(&file)
	if errors.Is(err, sql.ErrNoRows) {
		return "", sdk.Fail(source.Missing, "the catalog %s in %s has no table %s", c.Catalog.Name, at, c.Table)
	}
	if err != nil {
		return "", fmt.Errorf("ask the catalog in %s for %s: %w", at, c.Table, err)
	}
	return file, nil
}
