// Package onbus is what leat's tools that speak to NATS have in common: their settings, from the fleet's file, the environment
// and flags, and their connection.
package onbus

import (
	"context"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// Spec says what a tool is called and does, for its help.
type Spec struct {
	Program, Summary string
	Examples         []string
	Args             []string
	Environ          variables.Environ
	// Own points to the tool's own settings; nil has none. Key is their section in the file.
	Own any
	Key string
	// Operands lets words that are no flags pass; Load returns them.
	Operands bool
}

// Load reads a tool's settings and NATS's. A file and an environment that are the whole fleet's do no harm.
func Load(s Spec) (nats bus.Config, operands []string, err error) {
	nats = bus.DefaultConfig()
	sections := []conf.Section{{Key: "nats", Doc: "the bus", Into: &nats}}
	if s.Own != nil {
		sections = append(sections, conf.Section{Key: s.Key, Doc: s.Program + "'s own", Into: s.Own})
	}
	loaded, err := conf.Load(conf.Spec{
		Program: s.Program, Summary: s.Summary, Examples: s.Examples, Args: s.Args, Environ: s.Environ.Pairs, Footer: host.ExitCodes,
		Sections: sections, Positional: s.Operands, Elsewhere: append(all.Keys(), "host", "blob"),
		ElsewhereEnv: s.Environ.Elsewhere,
	})
	if err != nil {
		return nats, nil, err
	}
	return nats, loaded.Args, nil
}

// Connect opens the bus for a tool; close says goodbye, within a second.
func Connect(ctx context.Context, cfg bus.Config, o bus.Options) (b *bus.Bus, closing func(), err error) {
	if b, err = bus.Connect(ctx, cfg, o); err != nil {
		return nil, nil, err
	}
	return b, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = b.Close(ctx) // nothing is in flight any more
	}, nil
}
