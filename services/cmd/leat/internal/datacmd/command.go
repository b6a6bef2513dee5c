package datacmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// command is one of leat data's.
type command struct {
	name, operands, about string
	least, most           int            // operands; most −1: any number
	own                   any            // its settings
	shared                []conf.Section // those that it reads of the fleet's
	examples              []string       // none: its name and operands
	codes                 string         // what its exit codes mean, for help; empty: the host's
	failed                int            // the exit code of an error that has none of its own; 0: the host's
	run                   func(ctx context.Context, c call) error
}

// streams are the process's.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// call is what a command is run with.
type call struct {
	streams
	operands []string
}

// main runs the command with its arguments, and gives an error its exit code.
func (c *command) main(ctx context.Context, args []string, environ variables.Environ, s streams) error {
	operands, err := c.load(args, environ)
	if err == nil {
		err = c.run(ctx, call{s, operands})
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = fmt.Errorf("stopped before it was done (%w)", context.Cause(ctx))
	}
	var help conf.Help
	var own *host.Exit
	if err == nil || c.failed == 0 || errors.As(err, &help) || errors.As(err, &own) {
		return err
	}
	return &host.Exit{Code: c.failed, Err: err}
}

// load reads the command's settings from a file and an environment, which may be the whole fleet's, and flags. It returns the operands.
func (c *command) load(args []string, environ variables.Environ) ([]string, error) {
	program := "leat data " + c.name
	sections := append(slices.Clone(c.shared), conf.Section{Key: "datasets", Doc: program + "'s own", Into: c.own})
	spec := conf.Spec{
		Program: program, Summary: c.about, Examples: c.examples, Footer: c.codes, Args: args, Environ: environ.Pairs, Sections: sections, Positional: true,
		Elsewhere: slices.DeleteFunc(append(all.Keys(), "host", "nats"), func(key string) bool {
			return slices.ContainsFunc(sections, func(s conf.Section) bool { return s.Key == key })
		}),
		ElsewhereEnv: environ.Elsewhere,
	}
	if len(spec.Examples) == 0 {
		spec.Examples = []string{strings.TrimSpace(program + " " + c.operands)}
	}
	if spec.Footer == "" {
		spec.Footer = host.ExitCodes
	}
	loaded, err := conf.Load(spec)
	switch {
	case err != nil:
		return nil, err
	case len(loaded.Args) < c.least:
		return nil, wrong("%s needs %s; see %s --help", program, c.operands, program)
	case c.most >= 0 && len(loaded.Args) > c.most:
		return nil, wrong("%q is not expected; see %s --help", loaded.Args[c.most], program)
	}
	return loaded.Args, nil
}
