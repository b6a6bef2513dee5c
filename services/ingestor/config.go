package ingestor

import (
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/flow"
)

// Config of an ingestor. How runs are carried and where they are kept is the same for every service of data runs.
type Config struct {
	Dir  string      `yaml:"dir" flag:"source-dir" doc:"directory that relative paths of sources start from; empty: where the process was started"`
	Data flow.Config `yaml:"-"`
	Blob blob.Config `yaml:"-"`
}

// DefaultConfig reads from the working directory.
func DefaultConfig() Config { return Config{Data: flow.DefaultConfig(), Blob: blob.DefaultConfig()} }
