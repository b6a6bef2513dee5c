// Command ingestor runs the ingestor alone, against any NATS.
package main

import (
	"context"
	"os"

	"github.com/leathq/leat/pkg/assets"
	_ "github.com/leathq/leat/pkg/blob/cloud" // the providers' stores, where built with -tags cloud
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/services/ingestor"
)

func main() { host.Main("ingestor", os.Args[1:], serve) }

func serve(ctx context.Context, args, environ []string) error {
	cfg := ingestor.DefaultConfig()
	h, err := host.Open(ctx, "ingestor", args, environ, &cfg,
		host.Section("data", "how data runs are carried", &cfg.Data), host.Section("blob", "where data runs keep what they make", &cfg.Blob),
		host.Elsewhere("gateway", "router", "worker", "validator", "pools", "embedded_nats", "without"), host.ElsewhereEnv(assets.IsEnv),
		host.SoftMemory(flow.SoftMemory), host.Background())
	if err != nil {
		return err
	}
	return h.Run(ctx, ingestor.New(cfg, h.Deps))
}
