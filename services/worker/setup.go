package worker

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/host"
)

// Setup is what a process with workers runs: one engine, or several of one machine.
type Setup struct {
	Config
	// Engines are workers of their own, NAME-ENTRY. Each starts from Config, which is then no worker itself.
	Engines []Config `yaml:"engines" inherit:"true" doc:"several engines in one process, each a worker of its own: a name, and what differs from the settings around the list"`
}

// DefaultSetup is one engine, as DefaultConfig has it.
func DefaultSetup() Setup { return Setup{Config: DefaultConfig()} }

// SetDefaults prepares an entry of Setup.Engines: everything is as around the list but the name, which each has of its own.
func (c *Config) SetDefaults() { c.Name = "" }

// Validate refuses entries that cannot be told apart. What each entry says is checked by itself.
func (s Setup) Validate() error {
	var errs []error
	seen := map[string]bool{}
	for i, e := range s.Engines {
		switch {
		case e.Name == "":
			errs = append(errs, fmt.Errorf("engines: entry %d has no name: give each one, such as gpu%d", i+1, i))
		case seen[e.Name]:
			errs = append(errs, fmt.Errorf("engines: two entries are named %q: give each a name of its own", e.Name))
		case e.Spot != s.Spot:
			errs = append(errs, fmt.Errorf("engines: entry %q has settings of its own under spot, which are about the machine: give them around the list", e.Name))
		}
		seen[e.Name] = true
	}
	return errors.Join(errs...)
}

// Prepare brings into place what each engine needs; see the function Prepare. The first entry that cannot work is an error.
func (s *Setup) Prepare(ctx context.Context, out io.Writer) error {
	if len(s.Engines) == 0 {
		return Prepare(ctx, &s.Config, out)
	}
	for i := range s.Engines {
		if err := Prepare(ctx, &s.Engines[i], out); err != nil {
			return fmt.Errorf("engine %s: %w", s.Engines[i].Name, err)
		}
	}
	return nil
}

// Service makes what a setup describes: a Worker, or a Group of them. It opens nothing.
func (s Setup) Service(deps host.Deps) host.Service {
	if len(s.Engines) == 0 {
		return New(s.Config, deps)
	}
	return newGroup(s, deps, outside{engine: openEngine})
}

// workers are the engines by the names of their workers.
func (s Setup) workers(id string) []Config {
	base := s.Name
	if base == "" {
		base = id
	}
	out := make([]Config, len(s.Engines))
	for i, e := range s.Engines {
		out[i] = e
		out[i].Name = base + "-" + e.Name
	}
	return out
}
