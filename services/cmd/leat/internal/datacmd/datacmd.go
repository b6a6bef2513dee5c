// Package datacmd is `leat data`: starting runs and following them, looking at datasets in the blob store, and removing them.
package datacmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
)

// command is one of leat data's that work on the store alone.
type command struct {
	name, operands, about string
	least, most           int // operands
	own                   any // its settings
	run                   func(ctx context.Context, s *session) error
}

// JSONOption is exported for its field to be a setting of what embeds it.
type JSONOption struct {
	JSON bool `yaml:"json" flag:"json" doc:"print JSON"`
}

// session is a command on its way.
type session struct {
	*dataset.Datasets
	operands []string
	out, err io.Writer
}

func commands() []command {
	return []command{lsCommand(), showCommand(), catCommand(), reportCommand(), diffCommand(), rmCommand(), gcCommand()}
}

// streams are the process's.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// direct is a command that needs no store.
type direct struct {
	name, operands, about string
	main                  func(ctx context.Context, args, environ []string, s streams) error
}

func directs() []direct {
	return []direct{
		{"validate", "FILE... --suite S", "Holds files against a suite of expectations, without a server.", validateMain},
		{"profile", "FILE...", "Says what is in files, and suggests a suite of expectations.", profileMain},
	}
}

func usage() string {
	var b strings.Builder
	b.WriteString("Usage: leat data <command> [flags]\n\nRuns, by an ingestor (`leat up` has one):\n")
	for _, c := range runCommands() {
		about, _, _ := strings.Cut(c.about, "\n")
		fmt.Fprintf(&b, "  %-26s %s\n", c.name+" "+c.operands, about)
	}
	b.WriteString("\nFiles, without a server:\n")
	for _, c := range directs() {
		fmt.Fprintf(&b, "  %-26s %s\n", c.name+" "+c.operands, c.about)
	}
	b.WriteString("\nDatasets: shards named by their content, and versions that say which shards are one.\n")
	for _, c := range commands() {
		about, _, _ := strings.Cut(c.about, "\n")
		fmt.Fprintf(&b, "  %-26s %s\n", c.name+" "+c.operands, about)
	}
	b.WriteString("\n`leat data <command> --help` shows its flags.\n")
	return b.String()
}

// Main runs leat data with its arguments.
func Main(ctx context.Context, args, environ []string, out, errOut io.Writer) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		return conf.Help(usage())
	}
	for _, c := range runCommands() {
		if c.name == args[0] {
			return c.main(ctx, args[1:], environ, streams{in: os.Stdin, out: out, err: errOut})
		}
	}
	for _, c := range directs() {
		if c.name == args[0] {
			return c.main(ctx, args[1:], environ, streams{in: os.Stdin, out: out, err: errOut})
		}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.start(ctx, args[1:], environ, &session{out: out, err: errOut})
		}
	}
	return wrong("%q is no command of leat data\n\n%s", args[0], usage())
}

func wrong(format string, args ...any) error {
	return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf(format, args...)}}
}

func (c *command) start(ctx context.Context, args, environ []string, s *session) error {
	program := "leat data " + c.name
	store, operands, err := load(program, c, args, environ)
	switch {
	case err != nil:
		return err
	case len(operands) < c.least:
		return wrong("%s needs %s; see %s --help", program, c.operands, program)
	case len(operands) > c.most:
		return wrong("%q is not expected; see %s --help", operands[c.most], program)
	}
	b, err := blob.Open(ctx, blob.Existing(store.URL))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store at %s yet: a data run makes it; or name another with --store", store.URL)
	}
	if err != nil {
		return err
	}
	s.Datasets, s.operands = dataset.New(b), operands
	return errors.Join(c.run(ctx, s), b.Close())
}

// load reads where the store is and the command's own settings. A file and an environment that are the whole fleet's do no harm.
func load(program string, c *command, args, environ []string) (store blob.Config, operands []string, err error) {
	store = blob.DefaultConfig()
	operands, err = settings(conf.Spec{
		Program: program, Summary: c.about, Examples: []string{strings.TrimSpace(program + " " + c.operands)}, Footer: host.ExitCodes, Args: args, Environ: environ,
		Sections: []conf.Section{{Key: "blob", Doc: "where datasets are", Into: &store}, {Key: "datasets", Doc: program + "'s own", Into: c.own}},
	})
	return store, operands, err
}

// loadOwn reads the settings of a command that has no others.
func loadOwn(program, about string, examples []string, codes string, own any, args, environ []string) (operands []string, err error) {
	return settings(conf.Spec{
		Program: program, Summary: about, Examples: examples, Footer: codes, Args: args, Environ: environ,
		Sections: []conf.Section{{Key: "datasets", Doc: program + "'s own", Into: own}},
	})
}

// settings loads a spec whose file and environment may be the whole fleet's, and returns the operands.
func settings(spec conf.Spec) (operands []string, err error) {
	rest, fleet, nats, store := all.Default(), host.DefaultConfig(), bus.DefaultConfig(), blob.DefaultConfig()
	var others []string
	for _, into := range []any{&rest, &fleet, &nats, &store} {
		vars, err := conf.Vars(into)
		if err != nil {
			return nil, err
		}
		others = append(others, vars...)
	}
	mine := func(k string) bool {
		return slices.ContainsFunc(spec.Sections, func(s conf.Section) bool { return s.Key == k })
	}
	spec.Positional, spec.Elsewhere = true, append(slices.DeleteFunc(all.Keys(), mine), "host", "nats")
	spec.ElsewhereEnv = func(v string) bool { return assets.IsEnv(v) || slices.Contains(others, v) }
	loaded, err := conf.Load(spec)
	if err != nil {
		return nil, err
	}
	return loaded.Args, nil
}

// get reads the version that NAME or NAME@VERSION means.
func (s *session) get(ctx context.Context, reference string) (*dataset.Manifest, error) {
	name, version, _ := strings.Cut(reference, "@")
	return s.Get(ctx, name, version)
}

func (s *session) show(v any) error {
	e := json.NewEncoder(s.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
