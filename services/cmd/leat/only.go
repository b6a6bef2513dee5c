package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/all"
	"github.com/leathq/leat/services/cmd/leat/internal/variables"
)

// only runs one service against a NATS that is there. It has that service's flags and no others; file and environment
// may be those of the whole fleet.
func only(name, summary string, examples ...string) func(context.Context, []string, variables.Environ) error {
	return func(ctx context.Context, args []string, environ variables.Environ) error {
		cfg, pools := all.Default(), pool.File{Pools: pool.DefaultSet()}
		own := []string{name, "pools"}
		opts := []host.Option{
			host.Program("leat "+name, summary), host.Examples(examples...), listening(name),
			host.ElsewhereEnv(environ.Elsewhere),
		}
		switch name {
		case "worker":
			own = own[:1]
		case "ingestor", "validator":
			own = []string{name, "data", "blob"}
			opts = append(opts, host.Section("data", "how data runs are carried", &cfg.Data), host.Section("blob", "where data runs keep what they make", &cfg.Blob))
		default:
			opts = append(opts, host.Section("", "settings by pool", &pools))
		}
		opts = append(opts, host.Elsewhere(slices.DeleteFunc(all.Keys(), func(s string) bool { return slices.Contains(own, s) })...))
		section := map[string]any{"gateway": &cfg.Gateway, "router": &cfg.Router, "ingestor": &cfg.Ingestor, "validator": &cfg.Validator, "worker": &cfg.Worker}[name]
		h, err := host.Open(ctx, name, args, environ.Pairs, section, opts...)
		if err != nil {
			return err
		}
		cfg.Pools = pools.Pools
		cfg.Only(name)
		if name == "worker" {
			if err := cfg.Worker.Prepare(ctx, os.Stderr); err != nil {
				return closing(ctx, h, err)
			}
		}
		return h.Run(ctx, all.Services(cfg, h.Deps)...)
	}
}

// closing gives back what Open opened after a failure. One that the wish to stop caused is a clean stop.
func closing(ctx context.Context, h *host.Host, err error) error {
	cerr := h.Close()
	if ctx.Err() != nil {
		h.Log.Info("stopped before it was ready", "reason", context.Cause(ctx).Error(), "while", err.Error())
		return cerr
	}
	if cerr != nil {
		return fmt.Errorf("%w; then: %w", err, cerr)
	}
	return err
}
