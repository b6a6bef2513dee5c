package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/events"
)

// Replicas is the flag of Config.Replicas.
const Replicas = "data-replicas"

// SoftMemory is what a process of its own that carries data runs should take, in bytes: what DefaultConfig's partitions and segments need, and some room. It is less
// than the 300 MB that are promised, as it does not count what lies outside of the heap.
const SoftMemory = 200 << 20

// Config of data runs. Every process that works on them should have the same one: where segments are cut does not show in results, but in the
// digests of shards.
type Config struct {
	Replicas     int        `yaml:"replicas" flag:"data-replicas" doc:"copies of the stream of batches: 1, or 3 on a cluster"`
	MaxBytes     conf.Bytes `yaml:"max_bytes" flag:"data-max-bytes" doc:"room for batches that are on their way; whoever sends waits while it is full"`
	SegmentBytes conf.Bytes `yaml:"segment_bytes" flag:"data-segment-bytes" doc:"Arrow bytes of a segment: what a partition takes of memory, and what a crash costs"`
	BatchBytes   conf.Bytes `yaml:"batch_bytes" flag:"data-batch-bytes" doc:"Arrow bytes of a batch, about"`
	Partitions   int        `yaml:"partitions" flag:"data-partitions" doc:"partitions of a kind of stage that this process works on at a time"`
}

// DefaultConfig is for one NATS server.
func DefaultConfig() Config {
	return Config{Replicas: 1, MaxBytes: conf.GiB, SegmentBytes: 64 * conf.MiB, BatchBytes: 700 * 1024, Partitions: 2}
}

// Validate refuses what cannot work.
func (c Config) Validate() error {
	var bad []error
	if c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5 {
		bad = append(bad, conf.Refuse("replicas", "is %d; it must be 1, 3 or 5", c.Replicas))
	}
	if c.BatchBytes < 1024 {
		bad = append(bad, conf.Refuse("batch_bytes", "must be at least 1KiB"))
	}
	if c.SegmentBytes < c.BatchBytes {
		bad = append(bad, conf.Refuse("segment_bytes", "must be at least batch_bytes"))
	}
	if c.MaxBytes < 4*c.SegmentBytes {
		bad = append(bad, conf.Refuse("max_bytes", "must be at least four segments"))
	}
	if c.Partitions < 1 {
		bad = append(bad, conf.Refuse("partitions", "must be at least 1"))
	}
	return errors.Join(bad...)
}

// perSegment is how many batches a segment has at most: it is cut there, too, so that small batches are bounded.
func (c Config) perSegment() uint64 {
	return max(1, (uint64(c.SegmentBytes)+uint64(c.BatchBytes)-1)/uint64(c.BatchBytes))
}

// ackWait is how long a batch is another's after its holder has died; holders say three times meanwhile that they are there.
const ackWait = 6 * time.Second

// Ensure creates DATA and EVENTS where they are missing, and sets DATA's limits.
func Ensure(ctx context.Context, b *bus.Bus, nats bus.Config, cfg Config) error {
	if err := b.OpenFacts(ctx, nats, events.EventsStream, events.EventsPrefix+">"); err != nil {
		return err
	}
	_, err := b.JetStream().CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: events.DataStream, Subjects: []string{events.Data.All()}, Description: "batches on their way from a stage to the next",
		Retention: jetstream.InterestPolicy, Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
		MaxBytes: int64(cfg.MaxBytes), MaxMsgsPerSubject: int64(3 * cfg.perSegment()), Duplicates: 2 * time.Minute,
		Storage: jetstream.FileStorage, Replicas: cfg.Replicas,
	})
	if err != nil {
		return fmt.Errorf("open stream %s: %w (does the NATS server have JetStream enabled, with room of data.max_bytes on its disk?)", events.DataStream, err)
	}
	b.Opened(events.DataStream, Replicas)
	return nil
}

// consumerName is the durable of a stage that reads a partition.
func consumerName(run, stage string, partition uint32) string {
	return fmt.Sprintf("%s_%s_%d", run, stage, partition)
}
