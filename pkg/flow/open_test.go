package flow_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/flow"
)

// A replica that cannot read the facts when it starts says why and tries again: it neither ends nor waits for ever.
func TestAReplicaThatCannotReadFactsTriesAgain(t *testing.T) {
	s := newSite(t)
	facts, err := s.bus.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"evt.>"}, MaxConsumers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := facts.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "other"}); err != nil {
		t.Fatal(err)
	}
	r := flow.New(flow.Deps{ID: "r", Log: s.log, Bus: s.bus, NATS: bus.DefaultConfig(), Blob: s.store}, s.cfg, nil, &keeping{kind: "keep"})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	for r.Trouble() == nil {
		select {
		case err := <-over:
			over <- err
			t.Fatal("it ended")
		case <-r.Ready():
			t.Fatal("it is ready, and cannot read the facts")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := facts.DeleteConsumer(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Ready():
	case <-time.After(20 * time.Second):
		t.Errorf("it is not ready, although nothing is in its way: %v", r.Trouble())
	}
}
