package validator

import (
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/flow"
)

// Config of a validator. How runs are carried and where they are kept is the same for every service of data runs.
type Config struct {
	Memory  conf.Bytes  `yaml:"memory" flag:"validator-memory" doc:"bytes for the values of one column of a segment, where checks need them all (unique, quantiles); what is above goes to scratch files"`
	Scratch string      `yaml:"scratch" flag:"scratch" doc:"directory for scratch files; empty: the system's for temporary files"`
	SQL     conf.Bytes  `yaml:"sql_bytes" flag:"validator-sql-bytes" doc:"bytes of all rows of a run that queries of its suite in SQL may be asked of; an SQLite of them goes to scratch files"`
	Data    flow.Config `yaml:"-"`
	Blob    blob.Config `yaml:"-"`
}

// raiseSQL is what to do where rows are more than a query in SQL may be asked of.
const raiseSQL = "raise validator.sql_bytes (--validator-sql-bytes)"

// DefaultConfig keeps 32 MiB of a column's values, and asks queries of up to 256 MiB of rows.
func DefaultConfig() Config {
	return Config{Memory: 32 * conf.MiB, SQL: 256 * conf.MiB, Data: flow.DefaultConfig(), Blob: blob.DefaultConfig()}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	if c.Memory < conf.MiB {
		return conf.Refuse("memory", "must be at least 1MiB")
	}
	if c.SQL < conf.MiB {
		return conf.Refuse("sql_bytes", "must be at least 1MiB")
	}
	return nil
}
