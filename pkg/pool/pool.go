// Package pool is what a router and a gateway agree on for a pool of workers: its policy, queue bounds and time-outs.
package pool

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
)

// policies are the names that Policy takes.
var policies = []string{"adaptive", "least_connections", "least_latency", "prefix", "round_robin", "session_affinity"}

// Policies are the names of the policies; the router has a rule for each.
func Policies() []string { return slices.Clone(policies) }

// MaxWeight bounds a worker's weight.
const MaxWeight = 1000

// Config of one pool. In a Set made by code, the zero value of a field means the default pool's value; a configuration
// file's are complete.
type Config struct {
	Policy       string        `yaml:"policy" doc:"how a worker is picked: adaptive, least_connections, least_latency, prefix, round_robin or session_affinity"`
	Partitions   int           `yaml:"partitions" doc:"shares of the pool's requests, each owned by one router; a tenant stays in one"`
	QueueLimit   int           `yaml:"queue_limit" doc:"sequences that may wait in a partition; more get 429"`
	MaxFails     int           `yaml:"max_fails" doc:"a worker that fails so many requests within 10 s is taken out, whatever it answers between them"`
	FailTimeout  time.Duration `yaml:"fail_timeout" doc:"longest wait between the trial requests of a worker that was taken out: the first comes after a quarter of it, each that fails doubles the wait, and one that succeeds brings the worker back"`
	BulkReserve  int           `yaml:"bulk_reserve" doc:"percent of each worker's slots that bulk work leaves free while other requests come, 0 to 90; a minute after the last one it takes them all"`
	NoWorkerWait time.Duration `yaml:"no_worker_wait" doc:"how long a request waits for a first worker before 503"`
	MaxEjected   int           `yaml:"max_ejected" doc:"percent of the workers that may be taken out at a time after failures; one may always be"`
	Timeouts     Timeouts      `yaml:"timeouts"`
	Scaling      Scaling       `yaml:"scaling"`
	Hedge        Hedge         `yaml:"hedge"`
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
		NoWorkerWait: 2 * time.Second, BulkReserve: 25, MaxEjected: 50, Scaling: DefaultScaling(), Hedge: DefaultHedge(),
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

// Sleepers names the pools of the set that may sleep, in order; that of those not named may is said by Of("default").
func (s Set) Sleepers() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if name != "default" && s.Of(name).Scaling.Sleeps() {
			names = append(names, name)
		}
	}
	return names
}

func merge(c, base Config) Config {
	pick(&c.Policy, base.Policy)
	pick(&c.Partitions, base.Partitions)
	pick(&c.QueueLimit, base.QueueLimit)
	pick(&c.MaxFails, base.MaxFails)
	pick(&c.FailTimeout, base.FailTimeout)
	pick(&c.NoWorkerWait, base.NoWorkerWait)
	pick(&c.MaxEjected, base.MaxEjected)
	c.Scaling = c.Scaling.over(base.Scaling)
	c.Hedge = c.Hedge.over(base.Hedge)
	pick(&c.BulkReserve, base.BulkReserve)
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

// Validate refuses what cannot work.
func (c Config) Validate() error {
	var bad []error
	if !slices.Contains(policies, c.Policy) {
		bad = append(bad, conf.Refuse("policy", "is %q; it must be one of %s", c.Policy, strings.Join(policies, ", ")))
	}
	for key, n := range map[string]int{"partitions": c.Partitions, "queue_limit": c.QueueLimit, "max_fails": c.MaxFails} {
		if n < 1 {
			bad = append(bad, conf.Refuse(key, "is %d; it must be at least 1", n))
		}
	}
	if c.MaxEjected < 1 || c.MaxEjected > 100 {
		bad = append(bad, conf.Refuse("max_ejected", "is %d; it must be from 1 to 100 percent", c.MaxEjected))
	}
	if c.BulkReserve < 0 || c.BulkReserve > 90 {
		bad = append(bad, conf.Refuse("bulk_reserve", "is %d; it must be from 0 to 90 percent", c.BulkReserve))
	}
	for key, d := range map[string]time.Duration{
		"fail_timeout": c.FailTimeout, "no_worker_wait": c.NoWorkerWait, "timeouts.connect": c.Timeouts.Connect,
		"timeouts.queue": c.Timeouts.Queue, "timeouts.first_token": c.Timeouts.FirstToken,
		"timeouts.idle": c.Timeouts.Idle, "timeouts.total": c.Timeouts.Total,
	} {
		if d <= 0 {
			bad = append(bad, conf.Refuse(key, "is %s; it must be above 0", d))
		}
	}
	return errors.Join(bad...)
}

// Validate refuses names that no worker could have.
func (s Set) Validate() error {
	var bad []error
	for name := range s {
		if bus.Token(name) != name {
			bad = append(bad, conf.Refuse(name, "is no pool's name: it may have letters, digits, _ and -"))
		}
	}
	return errors.Join(bad...)
}

// Base makes pools start from the settings of "default" in a configuration file.
func (s Set) Base() string { return "default" }

// DefaultSet is what a configuration starts from.
func DefaultSet() Set { return Set{"default": Default()} }

// File is the part of a configuration file that holds the pools, for processes of one service.
type File struct {
	Pools Set `yaml:"pools" doc:"settings by pool; 'default' holds for those not named"`
}
