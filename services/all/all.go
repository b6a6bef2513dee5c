// Package all is the list of services, for a process that runs several of them.
package all

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/host"
	"github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/gateway"
	"github.com/leathq/leat/services/ingestor"
	"github.com/leathq/leat/services/router"
	"github.com/leathq/leat/services/validator"
	"github.com/leathq/leat/services/worker"
)

// Names are the services, in the order in which they start.
var names = []string{"router", "gateway", "ingestor", "validator", "worker"}

// Keys are the top-level keys of Config in a file.
func Keys() []string {
	return []string{"without", "embedded_nats", "pools", "data", "blob", "gateway", "router", "ingestor", "validator", "worker"}
}

// Config of every service, a YAML section each.
type Config struct {
	Without   []string         `yaml:"without" flag:"without" doc:"services to leave out of this process: gateway, router, ingestor, validator, worker"`
	Embedded  embed.Config     `yaml:"embedded_nats" doc:"the NATS inside this process"`
	Pools     pool.Set         `yaml:"pools" doc:"settings by pool; 'default' holds for those not named"`
	Data      flow.Config      `yaml:"data" doc:"how data runs are carried; the same for every service of theirs"`
	Blob      blob.Config      `yaml:"blob" doc:"where data runs keep what they make"`
	Gateway   gateway.Config   `yaml:"gateway" doc:"the edge"`
	Router    router.Config    `yaml:"router" doc:"queues and picks"`
	Ingestor  ingestor.Config  `yaml:"ingestor" doc:"plans data runs and reads their sources"`
	Validator validator.Config `yaml:"validator" doc:"holds the rows of data runs against suites"`
	Worker    worker.Setup     `yaml:"worker" doc:"one engine, or several"`
}

// Default is every service's own default.
func Default() Config {
	return Config{
		Embedded: embed.DefaultConfig(), Pools: pool.DefaultSet(), Gateway: gateway.DefaultConfig(), Router: router.DefaultConfig(),
		Data: flow.DefaultConfig(), Blob: blob.DefaultConfig(), Ingestor: ingestor.DefaultConfig(), Validator: validator.DefaultConfig(),
		Worker: worker.DefaultSetup(),
	}
}

// Validate refuses services that do not exist, and a process without any.
func (c Config) Validate() error {
	for _, n := range c.Without {
		if !slices.Contains(names, n) {
			return fmt.Errorf("without: %q is no service; there are %s", n, strings.Join(names, ", "))
		}
	}
	if len(c.Without) >= len(names) {
		return fmt.Errorf("without: nothing is left to run")
	}
	return nil
}

// Runs reports whether a service is part of the process.
func (c Config) Runs(name string) bool { return !slices.Contains(c.Without, name) }

// Only leaves out every service but one.
func (c *Config) Only(name string) {
	c.Without = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

// Services makes the services of the process. It opens nothing.
func Services(c Config, deps host.Deps) []host.Service {
	c.Gateway.Pools, c.Router.Pools = c.Pools, c.Pools
	c.Ingestor.Data, c.Ingestor.Blob, c.Ingestor.Jobs = c.Data, c.Blob, c.Gateway.Jobs
	c.Validator.Data, c.Validator.Blob = c.Data, c.Blob
	var out []host.Service
	if c.Runs("router") {
		out = append(out, router.New(c.Router, deps))
	}
	if c.Runs("gateway") {
		out = append(out, gateway.New(c.Gateway, deps))
	}
	if c.Runs("ingestor") {
		out = append(out, ingestor.New(c.Ingestor, deps))
	}
	if c.Runs("validator") {
		out = append(out, validator.New(c.Validator, deps))
	}
	if c.Runs("worker") {
		out = append(out, c.Worker.Service(deps))
	}
	return out
}
