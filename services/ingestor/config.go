package ingestor

import (
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
)

// Config of an ingestor. How runs are carried and where they are kept is the same for every service of data runs.
type Config struct {
	Dir    string      `yaml:"dir" flag:"source-dir" doc:"directory that relative paths of sources start from; empty: where the process was started"`
	Stages []string    `yaml:"stages" flag:"stages" doc:"kinds of stages, besides ingest, that services on this NATS do; runs with others are refused"`
	Runs   int         `yaml:"runs" flag:"runs" doc:"runs of a class that this process takes from the queue of jobs at a time; more wait there"`
	Data   flow.Config `yaml:"-"`
	Blob   blob.Config `yaml:"-"`
	Jobs   jobs.Config `yaml:"-"`
}

// DefaultConfig reads from the working directory.
func DefaultConfig() Config {
	return Config{Runs: 16, Data: flow.DefaultConfig(), Blob: blob.DefaultConfig(), Jobs: jobs.DefaultConfig()}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	if c.Runs < 1 {
		return conf.Refuse("runs", "is %d; it must be at least 1", c.Runs)
	}
	return nil
}
