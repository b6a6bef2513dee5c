// Package pool is what a router and a gateway agree on for a pool of workers: its policy, queue bounds and time-outs.
package pool

import (
	"fmt"
	"slices"
	"time"

	"github.com/leathq/leat/pkg/bus"
)

// Policies are the names that Policy takes.
var policies = []string{"adaptive", "least_connections", "round_robin"}

// Config of one pool. The zero value of a field means the default pool's value.
type Config struct {
	Policy       string        `yaml:"policy" doc:"how a worker is picked: adaptive, least_connections or round_robin"`
	Partitions   int           `yaml:"partitions" doc:"shares of the pool's requests, each owned by one router; a tenant stays in one"`
	QueueLimit   int           `yaml:"queue_limit" doc:"sequences that may wait in a partition; more get 429"`
	MaxFails     int           `yaml:"max_fails" doc:"failures in fail_timeout after which a worker is taken out"`
	FailTimeout  time.Duration `yaml:"fail_timeout" doc:"how long a worker stays out before one trial request"`
	NoWorkerWait time.Duration `yaml:"no_worker_wait" doc:"how long a request waits for a first worker before 503"`
	Timeouts     Timeouts      `yaml:"timeouts"`
}

// Timeouts are the waits of a request, each with its own limit. A client may lower them.
type Timeouts struct {
	Connect    time.Duration `yaml:"connect" doc:"until a router has taken the request"`
	Queue      time.Duration `yaml:"queue" doc:"in the router's queue"`
	FirstToken time.Duration `yaml:"first_token" doc:"from dispatch-ready to the first token, queue included"`
	Idle       time.Duration `yaml:"idle" doc:"between two tokens; heartbeats do not count"`
	Total      time.Duration `yaml:"total" doc:"from the request's arrival to its end"`
}

// Default fits an LLM.
func Default() Config {
	return Config{
		Policy: "adaptive", Partitions: 1, QueueLimit: 1024, MaxFails: 3, FailTimeout: 2 * time.Second,
		NoWorkerWait: 2 * time.Second,
		Timeouts: Timeouts{
			Connect: 5 * time.Second, Queue: 60 * time.Second, FirstToken: 120 * time.Second, Idle: 30 * time.Second, Total: 300 * time.Second,
		},
	}
}

// Set is the configuration of every pool by name; "default" holds for those not named.
type Set map[string]Config

// Of is the effective configuration of a pool.
func (s Set) Of(name string) Config {
	c := merge(s["default"], Default())
	if own, ok := s[name]; ok {
		c = merge(own, c)
	}
	return c
}

func merge(c, base Config) Config {
	pick(&c.Policy, base.Policy)
	pick(&c.Partitions, base.Partitions)
	pick(&c.QueueLimit, base.QueueLimit)
	pick(&c.MaxFails, base.MaxFails)
	pick(&c.FailTimeout, base.FailTimeout)
	pick(&c.NoWorkerWait, base.NoWorkerWait)
	pick(&c.Timeouts.Connect, base.Timeouts.Connect)
	pick(&c.Timeouts.Queue, base.Timeouts.Queue)
	pick(&c.Timeouts.FirstToken, base.Timeouts.FirstToken)
	pick(&c.Timeouts.Idle, base.Timeouts.Idle)
	pick(&c.Timeouts.Total, base.Timeouts.Total)
	return c
}

func pick[T comparable](v *T, base T) {
	var zero T
	if *v == zero {
		*v = base
	}
}

// Validate refuses what cannot work, naming the pool and the key.
func (s Set) Validate() error {
	for name := range s {
		if bus.Token(name) != name {
			return fmt.Errorf("pools.%s: a pool's name has only letters, digits, _ and -", name)
		}
		c := s.Of(name)
		if !slices.Contains(policies, c.Policy) {
			return fmt.Errorf("pools.%s.policy: %q is not one of %v", name, c.Policy, policies)
		}
		for key, n := range map[string]int{"partitions": c.Partitions, "queue_limit": c.QueueLimit, "max_fails": c.MaxFails} {
			if n < 1 {
				return fmt.Errorf("pools.%s.%s: %d is below 1", name, key, n)
			}
		}
		for key, d := range map[string]time.Duration{
			"fail_timeout": c.FailTimeout, "no_worker_wait": c.NoWorkerWait, "timeouts.connect": c.Timeouts.Connect,
			"timeouts.queue": c.Timeouts.Queue, "timeouts.first_token": c.Timeouts.FirstToken,
			"timeouts.idle": c.Timeouts.Idle, "timeouts.total": c.Timeouts.Total,
		} {
			if d < 0 {
				return fmt.Errorf("pools.%s.%s: %s is below 0", name, key, d)
			}
		}
	}
	return nil
}

// File is the part of a configuration file that holds the pools, for processes of one service.
type File struct {
	Pools Set `yaml:"pools" doc:"settings by pool; 'default' holds for those not named"`
}
