// Command router runs the router alone, against any NATS.
package main

import (
	"context"
	"os"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/router"
)

func main() { host.Main("router", os.Args[1:], serve) }

func serve(ctx context.Context, args, environ []string) error {
	cfg, pools := router.DefaultConfig(), pool.File{Pools: pool.DefaultSet()}
	h, err := host.Open(ctx, "router", args, environ, &cfg,
		host.Section("", "settings by pool", &pools), host.Elsewhere("gateway", "worker", "ingestor", "validator", "data", "blob", "embedded_nats", "without"),
		host.ElsewhereEnv(assets.IsEnv))
	if err != nil {
		return err
	}
	cfg.Pools = pools.Pools
	return h.Run(ctx, router.New(cfg, h.Deps))
}
