// Command leat is the whole platform in one binary: every service, and the tools to use them.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/assets"
	_ "github.com/leathq/leat/pkg/blob/cloud" // the providers' stores, where built with -tags cloud
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/cmd/leat/internal/bench"
	"github.com/leathq/leat/services/cmd/leat/internal/datacmd"
	"github.com/leathq/leat/services/cmd/leat/internal/jobscmd"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
	"github.com/leathq/leat/services/worker"
)

// command is one word behind leat.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, environ variables.Environ) error
}

func commands() []command {
	return []command{
		{"up", "run everything in this process, with an embedded NATS", up},
		{"gateway", "run the gateway alone: OpenAI's HTTP API and gRPC", only("gateway", "OpenAI's HTTP API and gRPC, against any NATS.",
			"leat gateway --nats nats://host:4222 --http :8080")},
		{"router", "run the router alone: queues and picks", only("router", "Queues requests and picks workers, against any NATS. Run two: one takes over from the other.",
			"leat router --nats nats://host:4222")},
		{"worker", "join an engine to the fleet", only("worker", "Joins an engine to the fleet, against any NATS. Nothing is configured elsewhere.",
			"leat worker --nats nats://host:4222                                   # the small model",
			"leat worker --nats nats://host:4222 --model /models/file.gguf --slots 16",
			"leat worker --nats nats://host:4222 --engine openai --upstream http://127.0.0.1:8000 --model NAME")},
		{"ingestor", "run the ingestor alone: data runs", only("ingestor", "Plans data runs and reads their sources, against any NATS. Run two: they share the partitions.",
			"leat ingestor --nats nats://host:4222 --store s3://bucket")},
		{"validator", "run the validator alone: checks of data runs", only("validator", "Holds the rows of data runs against suites, against any NATS. Run two: they share the partitions.",
			"leat validator --nats nats://host:4222 --store s3://bucket")},
		{"chat", "talk to a model in the terminal", chat},
		{"status", "show pools, workers and queues", status},
		{"top", "show pools, workers, queues, tokens per second and GPUs, live", watchFleet},
		{"models", "list the models that can be called", models},
		{"drain", "make a worker leave the fleet", drain},
		{"cordon", "keep new work from a worker that stays in the fleet", cordon},
		{"uncordon", "let it take work again", uncordon},
		{"jobs", "publish durable jobs, follow them, look after dead letters", func(ctx context.Context, args []string, environ variables.Environ) error {
			return jobscmd.Main(ctx, args, environ, os.Stdout, os.Stderr)
		}},
		{"data", "run data into datasets, look at them, compare versions, remove them", func(ctx context.Context, args []string, environ variables.Environ) error {
			return datacmd.Main(ctx, args, environ, os.Stdout, os.Stderr)
		}},
		{"adapter", "load, unload and list a worker's LoRA adapters", adapter},
		{"bench", "measure any OpenAI-compatible endpoint", tool(bench.Main)},
		{"fetch", "fetch the engine libraries and the default model now", tool(assets.Command)},
		{"config", "show the effective configuration and where each value came from", config},
		{"version", "show the version", version},
	}
}

// settings are those of the commands that read variables of their own: a variable for one of them is no mistake before another.
func settings() []any {
	return slices.Concat([]any{&topFlags{}, &cordonFlags{}, &drainFlags{}, &adapterFlags{}}, jobscmd.Settings(), datacmd.Settings())
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage())
		os.Exit(host.ExitUsage)
	}
	name, args := os.Args[1], os.Args[2:]
	if worker.IsEngine(os.Args[1:]) {
		host.Main("leat engine", os.Args[1:], worker.Engine)
		return
	}
	for _, c := range commands() {
		if c.name == name {
			host.Main("leat "+name, args, func(ctx context.Context, args, environ []string) error {
				known, err := variables.New(environ, settings()...)
				if err != nil {
					return err
				}
				return c.run(ctx, args, known)
			})
			return
		}
	}
	host.Main("leat", os.Args[1:], help)
}

// help answers help, -h and --help, and refuses words that are no command.
func help(_ context.Context, args, _ []string) error {
	switch args[0] {
	case "help", "-h", "--help":
		if len(args) > 1 && args[1] == "exit-codes" {
			return conf.Help(host.ExitCodes)
		}
		return conf.Help(usage())
	}
	return &conf.Error{Usage: true, Problems: []string{fmt.Sprintf("%q is no command\n\n%s", args[0], usage())}}
}

func usage() string {
	var b strings.Builder
	b.WriteString("leat runs large language models in production.\n\nUsage: leat <command> [flags]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.summary)
	}
	b.WriteString("\n`leat <command> --help` shows its flags, `leat help exit-codes` what exit codes mean.\n")
	return b.String()
}

// tool fits a command that prints to standard output and error.
func tool(main func(context.Context, []string, writer, writer) error) func(context.Context, []string, variables.Environ) error {
	return func(ctx context.Context, args []string, _ variables.Environ) error {
		return main(ctx, args, os.Stdout, os.Stderr)
	}
}
