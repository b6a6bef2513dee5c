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
	Data    flow.Config `yaml:"-"`
	Blob    blob.Config `yaml:"-"`
}

// DefaultConfig keeps 32 MiB of a column's values.
func DefaultConfig() Config {
	return Config{Memory: 32 * conf.MiB, Data: flow.DefaultConfig(), Blob: blob.DefaultConfig()}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	if c.Memory < conf.MiB {
		return conf.Refuse("memory", "must be at least 1MiB")
	}
	return nil
}
