// Package jobs is durable work on subjects: who publishes a job on jobs.<class>.<tenant>.<kind> finds its one result on
// results.<kind>.<job>, and what cannot be done in the dead-letter stream, with its reason.
//
// It knows the streams and what travels on them, and refuses to know how a job is done: services do that with Consumer.
// Results are effects exactly once: a subject of RESULTS takes one message, so a job that runs again after a crash cannot
// answer again.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/events"
)

// Replicas is the flag of Config.Replicas.
const Replicas = "jobs-replicas"

// Config of the streams. Every process that opens them should have the same one.
type Config struct {
	Replicas   int           `yaml:"replicas" flag:"jobs-replicas" doc:"copies of the streams of jobs, results and dead letters, of files and of batches: 1, or 3 on a cluster"`
	PerTenant  int           `yaml:"per_tenant" flag:"jobs-per-tenant" doc:"jobs of one tenant, class and kind that may wait; who publishes more is refused, and nobody else"`
	MaxAge     time.Duration `yaml:"max_age" flag:"jobs-max-age" doc:"how long a job may wait and be tried before it is a dead letter"`
	KeepFor    time.Duration `yaml:"keep_results" flag:"jobs-keep-results" doc:"how long results are kept"`
	KeepDead   time.Duration `yaml:"keep_dead" flag:"jobs-keep-dead" doc:"how long dead letters are kept"`
	MaxBytes   conf.Bytes    `yaml:"max_bytes" flag:"jobs-max-bytes" doc:"room for waiting jobs; 0: as much as NATS has"`
	MaxResults conf.Bytes    `yaml:"max_result_bytes" flag:"jobs-max-result-bytes" doc:"room for results: when it is full, jobs wait; 0: as much as NATS has"`
}

// DefaultConfig is for one NATS server.
func DefaultConfig() Config {
	return Config{Replicas: 1, PerTenant: 100_000, MaxAge: 24 * time.Hour, KeepFor: 7 * 24 * time.Hour, KeepDead: 30 * 24 * time.Hour}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	var bad []error
	if c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5 {
		bad = append(bad, conf.Refuse("replicas", "is %d; it must be 1, 3 or 5", c.Replicas))
	}
	if c.PerTenant < 1 {
		bad = append(bad, conf.Refuse("per_tenant", "is %d; it must be at least 1", c.PerTenant))
	}
	for key, d := range map[string]time.Duration{"max_age": c.MaxAge, "keep_results": c.KeepFor, "keep_dead": c.KeepDead} {
		if d < time.Minute {
			bad = append(bad, conf.Refuse(key, "is %s; it must be at least 1m", d))
		}
	}
	return errors.Join(bad...)
}

// dedupe is for how long publishing the same Nats-Msg-Id again changes nothing. Later a job that has its result is not run
// again either.
const dedupe = 10 * time.Minute

// slack is for how long NATS keeps a job beyond its age, so that it becomes a dead letter and does not vanish.
const slack = 24 * time.Hour

// Ensure creates the streams where they are missing, and sets their limits.
func Ensure(ctx context.Context, b *bus.Bus, cfg Config) error {
	for _, c := range streams(cfg) {
		if _, err := b.JetStream().CreateOrUpdateStream(ctx, c); err != nil {
			return notOpened(c.Name, err)
		}
		b.Opened(c.Name, Replicas)
	}
	if _, err := b.JetStream().CreateOrUpdateKeyValue(ctx, triesConfig(cfg)); err != nil {
		return fmt.Errorf("open KV bucket %s: %w", triesBucket, err)
	}
	b.Opened("KV_"+triesBucket, Replicas)
	return nil
}

// borrow creates the streams where they are missing, and leaves those that are there as whoever looks after them has set them.
func borrow(ctx context.Context, b *bus.Bus, cfg Config) error {
	for _, c := range streams(cfg) {
		if _, err := b.JetStream().CreateStream(ctx, c); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return notOpened(c.Name, err)
		}
	}
	if _, err := b.JetStream().CreateKeyValue(ctx, triesConfig(cfg)); err != nil && !errors.Is(err, jetstream.ErrBucketExists) {
		return fmt.Errorf("open KV bucket %s: %w", triesBucket, err)
	}
	return nil
}

func notOpened(stream string, err error) error {
	return fmt.Errorf("open stream %s: %w (does the NATS server have JetStream enabled, with room on its disk?)", stream, err)
}

func triesConfig(cfg Config) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: triesBucket, Description: "how jobs fared that are tried again", TTL: cfg.MaxAge + slack, Storage: jetstream.FileStorage, Replicas: cfg.Replicas,
	}
}

// streams are those of jobs, results and dead letters.
func streams(cfg Config) []jetstream.StreamConfig {
	unlimited := func(n conf.Bytes) int64 {
		if n == 0 {
			return -1
		}
		return int64(n)
	}
	out := []jetstream.StreamConfig{
		{
			Name: events.JobsStream, Subjects: []string{events.Jobs.All()}, Description: "durable work of every kind",
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
			MaxMsgsPerSubject: int64(cfg.PerTenant), MaxBytes: unlimited(cfg.MaxBytes), MaxAge: cfg.MaxAge + slack, Duplicates: dedupe,
		},
		{
			Name: events.ResultsStream, Subjects: []string{events.Results.All()}, Description: "what became of jobs, one message each",
			Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1, MaxBytes: unlimited(cfg.MaxResults),
			MaxAge: cfg.KeepFor, AllowDirect: true,
		},
		{
			Name: events.DeadStream, Subjects: []string{events.DeadPrefix + ">"}, Description: "what failed for good, with the reason",
			MaxAge: cfg.KeepDead, AllowDirect: true, Duplicates: dedupe,
		},
	}
	for i := range out {
		out[i].Storage, out[i].Replicas = jetstream.FileStorage, cfg.Replicas
	}
	return out
}

// TenantToken is how a tenant stands in a subject: by its name where that is fit, else by a hash of it.
func TenantToken(tenant string) string { return token(tenant) }

// ID is how a job is called that was published with an id: by it where that is fit for a subject, else by a hash of it.
func ID(given string) string { return token(given) }

func token(s string) string {
	if s != "" && len(s) <= 128 && bus.Token(s) == s {
		return s
	}
	h := xxh3.HashString128(s)
	return "x-" + strconv.FormatUint(h.Hi, 36) + strconv.FormatUint(h.Lo, 36)
}
