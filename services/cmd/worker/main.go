// Command worker runs one worker alone, against any NATS.
package main

import (
	"context"
	"os"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/worker"
)

func main() {
	if worker.IsEngine(os.Args[1:]) {
		host.Main("engine", os.Args[1:], worker.Engine)
		return
	}
	host.Main("worker", os.Args[1:], serve)
}

func serve(ctx context.Context, args, environ []string) error {
	cfg := worker.DefaultSetup()
	h, err := host.Open(ctx, "worker", args, environ, &cfg, host.Elsewhere("gateway", "router", "ingestor", "validator", "data", "blob", "pools", "embedded_nats", "without"),
		host.ElsewhereEnv(assets.IsEnv))
	if err != nil {
		return err
	}
	if err := cfg.Prepare(ctx, os.Stderr); err != nil {
		return err
	}
	return h.Run(ctx, cfg.Service(h.Deps))
}
