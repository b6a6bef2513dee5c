package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
)

const (
	factsAge   = 30 * 24 * time.Hour
	factsBytes = 256 << 20
)

// OpenFacts creates the stream that keeps facts, where it is missing: files, 30 days, 256 MiB, the oldest go first. One that
// is there is left as its operator has it.
func (b *Bus) OpenFacts(ctx context.Context, cfg Config, name, subjects string) error {
	_, err := b.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{subjects}, Description: "facts: what has happened", Storage: jetstream.FileStorage,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxAge: factsAge, MaxBytes: factsBytes,
			Replicas: cfg.LeaseReplicas, AllowDirect: true,
		})
	}
	if err != nil {
		return fmt.Errorf("open stream %s: %w (does the NATS server have JetStream enabled, with room on its disk?)", name, err)
	}
	b.Opened(name, LeaseReplicas)
	return nil
}

// PublishFact stores a fact and returns once the stream has it. source is who says so; one that is published again with the
// same id within the stream's window for duplicates, two minutes, is stored once.
func (b *Bus) PublishFact(ctx context.Context, subject, id, source string, at time.Time, m proto.Message) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", subject, err)
	}
	msg := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		jetstream.MsgIDHeader: {id}, "ce-specversion": {"1.0"}, "ce-id": {id}, "ce-source": {source},
		"ce-type": {string(m.ProtoReflect().Descriptor().FullName())}, "ce-time": {at.UTC().Format(time.RFC3339Nano)},
		"content-type": {"application/protobuf"},
	}}
	if _, err := b.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return nil
}
