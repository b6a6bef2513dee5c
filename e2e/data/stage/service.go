// Package stage is a service that holds batches against a suite, as a validator does: rows that fail go to a quarantine, all others on and into shards. The tests of
// data runs use it where they want a stage whose every byte they know. It refuses to make reports.
package stage

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
)

// Config is where the stage works.
type Config struct {
	Data flow.Config `yaml:"-"`
	Blob blob.Config `yaml:"-"`
}

// DefaultConfig is that of every service of data runs.
func DefaultConfig() Config { return Config{Data: flow.DefaultConfig(), Blob: blob.DefaultConfig()} }

// Service is the stage as a service. Make it with New, run it once.
type Service struct {
	cfg  Config
	deps host.Deps
}

// New makes a service. It opens nothing.
func New(cfg Config, deps host.Deps) *Service { return &Service{cfg: cfg, deps: deps} }

// Name is stage.
func (*Service) Name() string { return "stage" }

// Register has nothing to serve.
func (*Service) Register(grpc.ServiceRegistrar) {}

// Run works on runs until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	store, err := blob.Open(ctx, s.cfg.Blob.URL)
	if err != nil {
		return err
	}
	handler := &checking{datasets: dataset.New(store)}
	r := flow.New(flow.Deps{ID: bus.Token(s.deps.ID), Log: s.deps.Log, Bus: s.deps.Bus, NATS: s.deps.NATS, Blob: store}, s.cfg.Data, nil, handler)
	return errors.Join(r.Run(ctx), store.Close())
}
