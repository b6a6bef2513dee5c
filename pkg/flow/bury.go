package flow

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/jobs"
)

// bury puts a message on the dead letters with its reason. The stream is pkg/jobs' to open.
func bury(ctx context.Context, b *bus.Bus, m jetstream.Msg, sequence string, reason error) error {
	h := nats.Header{}
	maps.Copy(h, m.Headers())
	h.Set(jetstream.MsgIDHeader, events.DataStream+"."+sequence)
	h.Set(jobs.HeaderSubject, m.Subject())
	h.Set(jobs.HeaderCode, "undecodable")
	h.Set(jobs.HeaderReason, strings.Join(strings.Fields(reason.Error()), " "))
	_, err := b.JetStream().PublishMsg(ctx, &nats.Msg{Subject: events.Dead(events.DataStream, m.Subject()), Header: h, Data: m.Data()})
	if err != nil {
		return fmt.Errorf("put a message of %s on the dead letters: %w", m.Subject(), err)
	}
	return nil
}
