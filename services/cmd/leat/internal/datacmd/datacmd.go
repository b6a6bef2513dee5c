// Package datacmd is `leat data`: starting runs and following them, holding files against suites, looking at datasets in the blob store, and removing them.
package datacmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/near"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// groups are all commands, by what they work on.
func groups() []group {
	return []group{
		{"Runs, by an ingestor (`leat up` has one):", []command{runCommand(), statusCommand(), runsCommand(), watchCommand(), cancelCommand(), resumeCommand()}},
		{"Files, without a server:", []command{validateCommand(), profileCommand()}},
		{"Datasets: shards named by their content, and versions that say which shards are one.",
			[]command{lsCommand(), showCommand(), catCommand(), reportCommand(), diffCommand(), rmCommand(), gcCommand()}},
	}
}

// group is commands that work on the same.
type group struct {
	about    string
	commands []command
}

func usage() string {
	var b strings.Builder
	b.WriteString("Usage: leat data <command> [flags]\n")
	for _, g := range groups() {
		fmt.Fprintf(&b, "\n%s\n", g.about)
		for _, c := range g.commands {
			about, _, _ := strings.Cut(c.about, "\n")
			fmt.Fprintf(&b, "  %-26s %s\n", c.name+" "+c.operands, about)
		}
	}
	b.WriteString("\n`leat data <command> --help` shows its flags.\n")
	return b.String()
}

// Settings are the settings of all commands, for the variables that they have.
func Settings() (out []any) {
	for _, g := range groups() {
		for _, c := range g.commands {
			out = append(out, c.own)
		}
	}
	return out
}

// Main runs leat data with its arguments.
func Main(ctx context.Context, args []string, environ variables.Environ, out, errOut io.Writer) error {
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		return conf.Help(usage())
	}
	var names []string
	for _, g := range groups() {
		for _, c := range g.commands {
			if c.name == args[0] {
				return c.main(ctx, args[1:], environ, streams{in: os.Stdin, out: out, err: errOut})
			}
			names = append(names, c.name)
		}
	}
	if meant := near.Word(args[0], names, 3); meant != "" {
		return wrong("%q is no command of leat data; do you mean %q?", args[0], meant)
	}
	return wrong("%q is no command of leat data\n\n%s", args[0], usage())
}

func wrong(format string, args ...any) error {
	return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf(format, args...)}}
}
