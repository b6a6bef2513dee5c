package router

import (
	"time"

	"github.com/leathq/leat/pkg/conf"
	settings "github.com/leathq/leat/pkg/pool"
	"github.com/leathq/leat/services/router/internal/breaker"
	"github.com/leathq/leat/services/router/internal/dispatch"
	"github.com/leathq/leat/services/router/internal/policy"
	"github.com/leathq/leat/services/router/internal/queue"
)

// Config of a router. Policies, partitions, queue bounds and time-outs are the pools'.
type Config struct {
	QueueTokens int          `yaml:"queue_tokens" flag:"queue-tokens" doc:"tokens, prompt and output, that may wait in a pool; more get 429"`
	PrefixIndex conf.Bytes   `yaml:"prefix_index" flag:"prefix-index" doc:"memory a pool's index of cached prefixes may take"`
	RetryRatio  float64      `yaml:"retry_ratio" flag:"retry-ratio" doc:"retries per request over time, beside the burst"`
	RetryBurst  int          `yaml:"retry_burst" flag:"retry-burst" doc:"retries a pool may make at once"`
	Pools       settings.Set `yaml:"-"`
}

// DefaultConfig fits a small fleet and a large one.
func DefaultConfig() Config {
	return Config{QueueTokens: 100_000_000, PrefixIndex: 64 * conf.MiB, RetryRatio: 0.1, RetryBurst: 128}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	switch {
	case c.QueueTokens < 1000:
		return conf.Refuse("queue_tokens", "must be at least 1000")
	case c.PrefixIndex < conf.MiB:
		return conf.Refuse("prefix_index", "must be at least 1MiB")
	case c.RetryRatio <= 0 || c.RetryRatio > 1:
		return conf.Refuse("retry_ratio", "must be above 0 and at most 1")
	case c.RetryBurst < 1:
		return conf.Refuse("retry_burst", "must be at least 1")
	}
	return nil
}

// machine makes a pool's state machine by its settings.
func (c Config) machine(name string, now time.Time) (*dispatch.Machine, error) {
	p := c.Pools.Of(name)
	rule, err := policy.ByName(p.Policy)
	if err != nil {
		return nil, err
	}
	return dispatch.New(name, dispatch.Config{
		Policy: rule,
		Queue:  queue.Config{MaxItems: p.QueueLimit, MaxTokens: c.QueueTokens},
		Breaker: breaker.Config{
			MaxFails: p.MaxFails, FailTimeout: 10 * time.Second, Cooldown: p.FailTimeout / 4, MaxCooldown: p.FailTimeout,
		},
		MaxEjected: p.MaxEjected, QueueTimeout: p.Timeouts.Queue, NoWorkerWait: p.NoWorkerWait,
		BulkReserve: float64(p.BulkReserve) / 100,
		RetryRatio:  c.RetryRatio, RetryBurst: float64(c.RetryBurst), IndexBytes: int(c.PrefixIndex),
	}, now), nil
}
