package ingestor

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Config of an ingestor. How runs are carried and where they are kept is the same for every service of data runs.
type Config struct {
	Dir         string      `yaml:"dir" flag:"source-dir" doc:"directory that relative paths of sources start from; empty: where the process was started"`
	Paths       []string    `yaml:"paths" flag:"ingest-path" doc:"directories below which runs may read files, links included; / is all that this process can read, an empty list none"`
	Environment []string    `yaml:"environment" flag:"ingest-env" doc:"variables of the environment that runs may name for secrets, and that source programs get; NAME, or the begin of names with a * behind"`
	Programs    string      `yaml:"sources_dir" flag:"sources-dir" doc:"directory with source programs, leat-source-<type>; those beside this program and in PATH are found without it"`
	Commands    bool        `yaml:"allow_commands" flag:"allow-commands" doc:"let runs start any command as a source (type: program): whoever submits runs may then do what this process may"`
	LinkLocal   bool        `yaml:"allow_link_local" flag:"allow-link-local" doc:"let sources ask link-local addresses, where clouds keep the credentials of machines"`
	Stages      []string    `yaml:"stages" flag:"stages" doc:"kinds of stages, besides ingest, that services on this NATS do; runs with others are refused"`
	Runs        int         `yaml:"runs" flag:"runs" doc:"runs of a class that this process takes from the queue of jobs at a time; more wait there"`
	Data        flow.Config `yaml:"-"`
	Blob        blob.Config `yaml:"-"`
	Jobs        jobs.Config `yaml:"-"`
}

// everywhere is the one path that bounds nothing.
const everywhere = "/"

// DefaultConfig reads from the working directory, and every file that its user can read. Only variables that are meant for sources can be named.
func DefaultConfig() Config {
	return Config{
		Paths: []string{everywhere}, Environment: []string{"LEAT_SOURCE_*"}, Runs: 16,
		Data: flow.DefaultConfig(), Blob: blob.DefaultConfig(), Jobs: jobs.DefaultConfig(),
	}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	if c.Runs < 1 {
		return conf.Refuse("runs", "is %d; it must be at least 1", c.Runs)
	}
	for _, p := range c.Paths {
		if !filepath.IsAbs(p) {
			return conf.Refuse("paths", "has %q, which is no absolute path", p)
		}
		if strings.ContainsRune(p, filepath.ListSeparator) {
			return conf.Refuse("paths", "has %q; source programs get the directories with a %c between them, so none may have one", p, filepath.ListSeparator)
		}
	}
	for _, v := range c.Environment {
		if name := strings.TrimSuffix(v, "*"); name == "" || strings.ContainsAny(name, "*= ") {
			return conf.Refuse("environment", "has %q; it must be the name of a variable, or the begin of names with a * behind, such as LEAT_SOURCE_*", v)
		}
	}
	return nil
}

// bounds are those of the sources that runs describe.
func (c Config) bounds() source.Bounds {
	b := source.Bounds{Environment: append([]string{}, c.Environment...), Commands: c.Commands, LinkLocal: c.LinkLocal}
	if !slices.Contains(c.Paths, everywhere) {
		b.Paths = append([]string{}, c.Paths...)
	}
	return b
}
