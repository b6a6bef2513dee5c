// Package validator holds the rows of data runs against Great Expectations suites: rows that fail go to quarantine with every reason, what is left becomes
// shards, and gates say whether the whole is fit for use.
//
// Any number of validators share the partitions. The package refuses to know where rows come from, and to keep state: what it knows of rows lies beside
// them in the store, by segment (docs/adr/0024), and merges.
package validator

import (
	"context"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
	validatorv1 "github.com/leathq/leat/proto/gen/leat/validator/v1"
)

// Validator is the service. Make it with New, run it once.
type Validator struct {
	cfg     Config
	id      string
	carrier *flow.Carrier
}

// New makes a validator. It opens nothing.
func New(cfg Config, deps host.Deps) *Validator {
	v := &Validator{cfg: cfg, id: bus.Token(deps.ID)}
	v.carrier = flow.NewCarrier(flow.Deps{ID: v.id, Log: deps.Log, Bus: deps.Bus, NATS: deps.NATS}, cfg.Data, cfg.Blob, nil, newStage(cfg, newMetrics(deps.Metrics)))
	return v
}

// Name is validator.
func (v *Validator) Name() string { return "validator" }

// Register serves leat.validator.v1.
func (v *Validator) Register(s grpc.ServiceRegistrar) {
	validatorv1.RegisterValidatorServiceServer(s, &api{v: v})
}

// Ready is nil once data runs can be carried, and while it is known why they cannot.
func (v *Validator) Ready() error { return v.carrier.Ready() }

// Banner says who it is.
func (v *Validator) Banner() []string { return []string{"validates as " + v.id} }

// Run works on runs until ctx ends, lets go of what it holds and returns nil.
func (v *Validator) Run(ctx context.Context) error { return v.carrier.Run(ctx) }
