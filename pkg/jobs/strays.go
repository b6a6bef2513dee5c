package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
)

// kinds are all kinds of jobs that any service does.
var kinds = []string{"chat", "completions", Data, "responses"}

// Data is the kind of jobs that are data runs.
const Data = "data"

// Kinds are all kinds of jobs that any service does. A job of another kind is a dead letter at once.
func Kinds() []string { return slices.Clone(kinds) }

// strays puts the jobs that nobody will ever take on the dead-letter stream: those of an unknown class or kind. Any number
// of processes may do it at once.
func (c *Client) strays(ctx context.Context) error {
	s, err := c.stream(ctx, events.JobsStream)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(events.Jobs.All()))
	if err != nil {
		return fmt.Errorf("list subjects: %w", err)
	}
	for subject := range info.State.Subjects {
		parts := strings.Split(subject, ".")
		var code, reason string
		switch {
		case parts[1] != High && parts[1] != Normal && parts[1] != Bulk:
			code, reason = "invalid_class", fmt.Sprintf("The class %s in the subject %s is not high, normal or bulk.", parts[1], subject)
		case !slices.Contains(kinds, parts[3]):
			code, reason = "unknown_kind", fmt.Sprintf("Nobody does jobs of the kind %s, by the subject %s. There are %s.", parts[3], subject, strings.Join(kinds, ", "))
		default:
			continue
		}
		if err := c.burySubject(ctx, s, subject, code, reason); err != nil {
			return err
		}
	}
	return nil
}

// overdue puts what is long beyond its age on the dead-letter stream: jobs of a kind that no running service does. Those that somebody has begun and that last stay.
func (c *Client) overdue(ctx context.Context, now time.Time) error {
	s, err := c.stream(ctx, events.JobsStream)
	if err != nil {
		return err
	}
	limit := now.Add(-c.cfg.MaxAge - slack/2)
	for range maxPending {
		info, err := s.Info(ctx)
		if err != nil {
			return fmt.Errorf("look at jobs: %w", err)
		}
		if info.State.Msgs == 0 || info.State.FirstTime.After(limit) {
			return nil
		}
		m, err := s.GetMsg(ctx, info.State.FirstSeq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read job: %w", err)
		}
		if m.Header.Get(HeaderCreated) != "" {
			if err := c.still(ctx, s, m); err != nil {
				return err
			}
			continue
		}
		if err := c.buryMessage(ctx, s, m, "job_expired", "Nobody took the job within "+c.cfg.MaxAge.String()+" of its publication."); err != nil {
			return err
		}
	}
	return nil
}

// burySubject buries every message of a subject.
func (c *Client) burySubject(ctx context.Context, s jetstream.Stream, subject, code, reason string) error {
	for seq := uint64(1); ; {
		m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read job: %w", err)
		}
		if err := c.buryMessage(ctx, s, m, code, reason); err != nil {
			return err
		}
		seq = m.Sequence + 1
	}
}

// buryMessage puts a message of JOBS on the dead-letter stream, gives its job a result that says so, and deletes it.
func (c *Client) buryMessage(ctx context.Context, s jetstream.Stream, m *jetstream.RawStreamMsg, code, reason string) error {
	if m.Header == nil {
		m.Header = nats.Header{}
	}
	j, _ := Read(m.Subject, m.Header, m.Data, m.Sequence)
	if err := c.bury(ctx, j, m.Data, m.Sequence, code, reason, 0); err != nil {
		return err
	}
	now := time.Now()
	err := c.publish(ctx, j, &Result{
		Job: j.ID, Kind: j.Kind, Tenant: j.Tenant, Class: j.Class, Status: 400, Response: errorBody(code, reason), Created: m.Time, Finished: now,
	})
	if err != nil && !errors.Is(err, ErrHasResult) {
		return err
	}
	if err := s.DeleteMsg(ctx, m.Sequence); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("delete job %s: %w", j.ID, err)
	}
	return nil
}
