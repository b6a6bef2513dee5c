// Command leat-source-iceberg reads a table of Apache Iceberg as it was at one snapshot, and later what was appended since. It writes nothing: neither
// to the table nor to its catalog.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

func main() { sdk.Main("leat-source-iceberg", "1", open) }

type config struct {
	Metadata string            `json:"metadata"` // a metadata file: a path or a URL
	Path     string            `json:"path"`     // the table's directory on this machine, whose newest metadata file counts
	Catalog  *catalogConfig    `json:"catalog"`
	Table    string            `json:"table"` // in the catalog: namespace.table
	Storage  map[string]string `json:"storage"`

	Snapshot int64  `json:"snapshot"`
	Ref      string `json:"ref"`   // a branch or a tag
	AsOf     string `json:"as_of"` // RFC 3339

	Columns []string    `json:"columns"`
	Filter  []condition `json:"filter"` // all must hold

	PartitionBytes int64 `json:"partition_bytes"`
	MaxPartitions  int   `json:"max_partitions"`
}

// catalogConfig says where a table's current metadata file is known.
type catalogConfig struct {
	Type       string            `json:"type"` // rest or sql
	Name       string            `json:"name"` // sql: the catalog's name in its tables
	URI        string            `json:"uri"`  // rest: the server
	Warehouse  string            `json:"warehouse"`
	Token      string            `json:"token_env"`      // rest: the variable with a bearer token
	Credential string            `json:"credential_env"` // rest: the variable with client_id:client_secret
	Scope      string            `json:"scope"`
	Headers    map[string]string `json:"headers"`
	File       string            `json:"file"`    // sql: a SQLite file
	DSN        string            `json:"dsn_env"` // sql: the variable with Postgres's connection string
}

func open(raw json.RawMessage) (sdk.Source, error) {
	c := config{PartitionBytes: 256 << 20, MaxPartitions: 64}
	if err := sdk.Config(raw, &c); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	filter, err := expression(c.Filter)
	if err != nil {
		return nil, err
	}
	return &lake{cfg: c, filter: filter}, nil
}

func (c config) validate() error {
	if one := count(c.Metadata != "", c.Path != "", c.Catalog != nil); one != 1 {
		return fmt.Errorf("metadata, path and catalog: give exactly one of them, not %d", one)
	}
	if count(c.Snapshot != 0, c.Ref != "", c.AsOf != "") > 1 {
		return errors.New("snapshot, ref and as_of: give at most one of them")
	}
	if _, err := c.asOf(); err != nil {
		return err
	}
	switch {
	case c.PartitionBytes < 1:
		return fmt.Errorf("partition_bytes: must be at least 1, not %d", c.PartitionBytes)
	case c.MaxPartitions < 1:
		return fmt.Errorf("max_partitions: must be at least 1, not %d", c.MaxPartitions)
	case c.Catalog == nil && c.Table != "":
		return errors.New("table: belongs to catalog")
	case c.Catalog == nil:
		return nil
	case c.Table == "":
		return errors.New("table: must name one of the catalog, such as sales.orders")
	}
	return c.Catalog.validate()
}

func (c *catalogConfig) validate() error {
	rest, sql := c.URI != "" || c.Token != "" || c.Credential != "" || c.Scope != "" || c.Warehouse != "" || c.Headers != nil, c.File != "" || c.DSN != "" || c.Name != ""
	switch {
	case c.Type != "rest" && c.Type != "sql":
		return fmt.Errorf("catalog.type: must be rest or sql, not %q; a directory of tables needs no catalog: give path", c.Type)
	case c.Type == "rest" && c.URI == "":
		return errors.New("catalog.uri: must be the server's URL, such as https://catalog.example.org")
	case c.Type == "rest" && sql:
		return errors.New("catalog: name, file and dsn_env belong to type: sql")
	case c.Type == "sql" && rest:
		return errors.New("catalog: uri, warehouse, token_env, credential_env, scope and headers belong to type: rest")
	case c.Type == "sql" && (c.File == "") == (c.DSN == ""):
		return errors.New("catalog: give file (SQLite) or dsn_env (Postgres)")
	case c.Type == "sql" && c.Name == "":
		return errors.New("catalog.name: must be the catalog's name, as whoever writes the table gives it")
	}
	return nil
}

// asOf is as_of in milliseconds since 1970; 0 where it is not given.
func (c config) asOf() (int64, error) {
	if c.AsOf == "" {
		return 0, nil
	}
	at, err := time.Parse(time.RFC3339Nano, c.AsOf)
	if err != nil {
		return 0, fmt.Errorf("as_of: must be a time such as 2026-01-31T12:00:00Z, not %q", c.AsOf)
	}
	return at.UnixMilli(), nil
}

func count(set ...bool) (n int) {
	for _, s := range set {
		if s {
			n++
		}
	}
	return n
}
