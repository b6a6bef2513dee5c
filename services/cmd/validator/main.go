// Command validator runs the validator alone, against any NATS.
package main

import (
	"context"
	"os"

	"github.com/leathq/leat/pkg/assets"
	_ "github.com/leathq/leat/pkg/blob/cloud" // the providers' stores, where built with -tags cloud
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/validator"
)

func main() { host.Main("validator", os.Args[1:], serve) }

func serve(ctx context.Context, args, environ []string) error {
	cfg := validator.DefaultConfig()
	h, err := host.Open(ctx, "validator", args, environ, &cfg,
		host.Section("data", "how data runs are carried", &cfg.Data), host.Section("blob", "where data runs keep what they make", &cfg.Blob),
		host.Elsewhere("gateway", "router", "worker", "ingestor", "pools", "embedded_nats", "without"), host.ElsewhereEnv(assets.IsEnv),
		host.SoftMemory(flow.SoftMemory), host.Background())
	if err != nil {
		return err
	}
	return h.Run(ctx, validator.New(cfg, h.Deps))
}
