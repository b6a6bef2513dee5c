package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/all"
	"github.com/leathq/leat/services/worker"
)

type writer = io.Writer

// ports are where things listen unless the user says otherwise.
var ports = map[string]struct{ http, grpc string }{
	"up":      {"127.0.0.1:8080", "127.0.0.1:8081"},
	"gateway": {"127.0.0.1:8080", "127.0.0.1:8081"},
	"router":  {"127.0.0.1:0", "127.0.0.1:8082"},
	"worker":  {"127.0.0.1:0", "127.0.0.1:0"},
}

func options(name, summary string) []host.Option {
	return []host.Option{
		host.Inline("gateway", "router", "worker"), host.Program("leat "+name, summary), host.ElsewhereEnv(assets.IsEnv),
		host.Defaults(func(c *host.Config) { c.Host.HTTP, c.Host.GRPC = ports[name].http, ports[name].grpc }),
	}
}

// up runs every service that is not left out, with an embedded NATS unless --nats names another.
func up(ctx context.Context, args, environ []string) error {
	cfg := all.Default()
	opts := append(options("up", "runs everything in this process"), host.Bus(openBus(&cfg)))
	h, err := host.Open(ctx, "leat", args, environ, &cfg, opts...)
	if err != nil {
		return err
	}
	if cfg.Runs("worker") {
		if err := worker.Prepare(ctx, &cfg.Worker, os.Stderr); err != nil {
			return closing(h, err)
		}
	}
	services := all.Services(cfg, h.Deps)
	if cfg.Runs("gateway") {
		services = append(services, guide{http: h.Addrs()["http"], grpc: h.Addrs()["grpc"], out: os.Stderr})
	}
	return h.Run(ctx, services...)
}

// openBus starts the embedded NATS and connects to it without a socket, or connects to the one that --nats names.
func openBus(cfg *all.Config) func(context.Context, *host.Host) (*bus.Bus, error) {
	return func(ctx context.Context, h *host.Host) (*bus.Bus, error) {
		o := bus.Options{Name: h.ID, Log: h.Log}
		if h.Loaded().Origin("nats.url").Layer != conf.Default {
			return bus.Connect(ctx, h.NATS, o)
		}
		s, err := embed.Start(cfg.Embedded)
		if err != nil {
			return nil, err
		}
		h.OnClose("embedded NATS", func(context.Context) error { s.Stop(); return nil })
		for _, line := range s.Banner() {
			fmt.Fprintln(os.Stderr, line)
		}
		o.InProcess = s
		return bus.Connect(ctx, h.NATS, o)
	}
}

// only runs one service against a NATS that is there.
func only(name, summary string) func(context.Context, []string, []string) error {
	return func(ctx context.Context, args, environ []string) error {
		cfg := all.Default()
		h, err := host.Open(ctx, name, args, environ, &cfg, options(name, summary)...)
		if err != nil {
			return err
		}
		cfg.Only(name)
		if name == "worker" {
			if err := worker.Prepare(ctx, &cfg.Worker, os.Stderr); err != nil {
				return closing(h, err)
			}
		}
		return h.Run(ctx, all.Services(cfg, h.Deps)...)
	}
}

// closing gives back what Open opened after a failure.
func closing(h *host.Host, err error) error {
	if cerr := h.Close(); cerr != nil {
		return fmt.Errorf("%w; then: %w", err, cerr)
	}
	return err
}

// config prints what `leat up` would run with.
func config(_ context.Context, args, environ []string) error {
	cfg := all.Default()
	loaded, _, err := host.Load("leat", args, environ, &cfg, append(options("up", "prints the effective configuration"), host.Program("leat config", "prints the effective configuration of leat up and where each value came from"))...)
	if err != nil {
		return err
	}
	return loaded.WriteYAML(os.Stdout)
}

func version(context.Context, []string, []string) error {
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
