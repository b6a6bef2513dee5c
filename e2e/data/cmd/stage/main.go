// Command stage runs the stage of the tests of data runs as a process, against any NATS.
package main

import (
	"context"
	"os"

	"github.com/leathq/leat/e2e/data/stage"
	"github.com/leathq/leat/pkg/host"
)

func main() { host.Main("stage", os.Args[1:], serve) }

func serve(ctx context.Context, args, environ []string) error {
	cfg := stage.DefaultConfig()
	h, err := host.Open(ctx, "stage", args, environ, &cfg,
		host.Section("data", "how data runs are carried", &cfg.Data), host.Section("blob", "where data runs keep what they make", &cfg.Blob))
	if err != nil {
		return err
	}
	return h.Run(ctx, stage.New(cfg, h.Deps))
}
