// Command gateway runs the gateway alone, against any NATS.
package main

import (
	"context"
	"os"

	"github.com/leathq/leat/pkg/assets"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
)

func main() { host.Main("gateway", os.Args[1:], serve) }

func serve(ctx context.Context, args, environ []string) error {
	cfg, pools := gateway.DefaultConfig(), pool.File{Pools: pool.DefaultSet()}
	h, err := host.Open(ctx, "gateway", args, environ, &cfg,
		host.Section("", "settings by pool", &pools), host.Elsewhere("router", "worker", "ingestor", "validator", "data", "blob", "embedded_nats", "without"),
		host.ElsewhereEnv(assets.IsEnv))
	if err != nil {
		return err
	}
	cfg.Pools = pools.Pools
	return h.Run(ctx, gateway.New(cfg, h.Deps))
}
