package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

type writer = io.Writer

// ports are where things listen unless the user says otherwise.
var ports = map[string]struct{ http, grpc string }{
	"up":        {"127.0.0.1:8080", "127.0.0.1:8081"},
	"gateway":   {"127.0.0.1:8080", "127.0.0.1:8081"},
	"router":    {"127.0.0.1:0", "127.0.0.1:8082"},
	"worker":    {"127.0.0.1:0", "127.0.0.1:0"},
	"ingestor":  {"127.0.0.1:0", "127.0.0.1:8083"},
	"validator": {"127.0.0.1:0", "127.0.0.1:8084"},
}

func listening(name string) host.Option {
	return host.Defaults(func(c *host.Config) { c.Host.HTTP, c.Host.GRPC = ports[name].http, ports[name].grpc })
}

// whole are the options of a process that reads the configuration of every service.
func whole(environ variables.Environ) []host.Option {
	return []host.Option{host.Inline("gateway", "router", "ingestor", "validator", "worker"), host.ElsewhereEnv(environ.Elsewhere), listening("up")}
}

// up runs every service that is not left out, with an embedded NATS unless --nats names another.
func up(ctx context.Context, args []string, environ variables.Environ) error {
	cfg, nats := all.Default(), &embedded{}
	opts := append(whole(environ), host.Bus(nats.open(&cfg)),
		host.Program("leat up", "Runs everything in this process, with a NATS inside unless --nats names one. The first start fetches the engine and a small model."),
		host.Examples(
			"leat up",
			"leat up --http :8080 --nats-listen :4222                    # for other machines too",
			"leat up --model hf:owner/repo/file.gguf --slots 16          # another model",
			"leat up --engine openai --upstream http://host:8000 --model NAME",
			"leat up --without worker --nats nats://host:4222            # the edge of a fleet",
		))
	h, err := host.Open(ctx, "leat", args, environ.Pairs, &cfg, opts...)
	if err != nil {
		return err
	}
	if cfg.Runs("worker") {
		if err := cfg.Worker.Prepare(ctx, os.Stderr); err != nil {
			return closing(ctx, h, err)
		}
	}
	services := all.Services(cfg, h.Deps)
	if nats.server != nil {
		services = append([]host.Service{nats}, services...)
	}
	if cfg.Runs("gateway") {
		services = append(services, guide{http: local(h.Addrs()["http"]), grpc: local(h.Addrs()["grpc"]), out: os.Stdout})
	}
	return h.Run(ctx, services...)
}

// config prints what `leat up` would run with.
func config(_ context.Context, args []string, environ variables.Environ) error {
	cfg := all.Default()
	loaded, _, err := host.Load("leat", args, environ.Pairs, &cfg, append(whole(environ),
		host.Program("leat config", "Prints the configuration that leat up would run with, as YAML, and where each value came from."),
		host.Examples("leat config", "leat config --config leat.yaml --slots 16", "LEAT_HTTP=:9000 leat config > leat.yaml"))...)
	if err != nil {
		return err
	}
	return loaded.WriteYAML(os.Stdout)
}

func version(context.Context, []string, variables.Environ) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Errorf("this binary carries no build information; build it with the go command")
	}
	revision, dirty := "unknown", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = " (modified)"
		}
	}
	fmt.Printf("leat %s, revision %s%s, %s\n", info.Main.Version, revision, dirty, info.GoVersion)
	return nil
}
