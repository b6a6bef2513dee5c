package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
)

// Waiting calls each for the jobs of a kind that have no result yet, held or not, the oldest first, until it returns false. Each job takes a question to
// NATS. What is no job is left out: whoever takes it says what is wrong with it.
func (c *Client) Waiting(ctx context.Context, kind string, each func(*Job) bool) error {
	s, err := c.stream(ctx, events.JobsStream)
	if err != nil {
		return err
	}
	for seq := uint64(1); ; {
		m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(events.Jobs.Name("*", "*", kind)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look through the jobs of kind %s: %w", kind, err)
		}
		if m.Header == nil {
			m.Header = nats.Header{}
		}
		if j, bad := Read(m.Subject, m.Header, m.Data, m.Sequence); bad == nil {
			if j.Created = created(m.Header, m.Time); !each(j) {
				return nil
			}
		}
		seq = m.Sequence + 1
	}
}
