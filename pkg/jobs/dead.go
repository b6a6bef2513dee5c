package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
)

// ErrNoLetter says that there is no such dead letter.
var ErrNoLetter = errors.New("no such dead letter")

// Letter is a message that failed for good.
type Letter struct {
	Sequence uint64 // its number in the dead-letter stream
	Subject  string // where it was published
	Job      string
	Code     string
	Reason   string
	Attempts int
	Time     time.Time
	Headers  nats.Header // as it was published
	Data     []byte      // as it was published
}

// bury puts a job on the dead-letter stream, once, with what it was published with.
func (c *Client) bury(ctx context.Context, j *Job, data []byte, sequence uint64, code, reason string, attempts int) error {
	m := nats.NewMsg(events.Dead(events.JobsStream, j.Subject))
	maps.Copy(m.Header, j.Headers)
	m.Header.Set(nats.MsgIdHdr, fmt.Sprintf("dead-%s-%d", j.ID, sequence))
	m.Header.Set(HeaderJob, j.ID)
	m.Header.Set(HeaderSubject, j.Subject)
	m.Header.Set(HeaderCode, code)
	m.Header.Set(HeaderReason, strings.NewReplacer("\r", " ", "\n", " ").Replace(reason))
	m.Header.Set(HeaderAttempts, strconv.Itoa(attempts))
	m.Data = data
	if _, err := c.bus.JetStream().PublishMsg(ctx, m); err != nil {
		return fmt.Errorf("publish dead letter of %s: %w", j.ID, err)
	}
	return nil
}

func letter(h nats.Header, data []byte, sequence uint64, at time.Time) *Letter {
	attempts, _ := strconv.Atoi(h.Get(HeaderAttempts))
	return &Letter{
		Sequence: sequence, Subject: h.Get(HeaderSubject), Job: h.Get(HeaderJob), Code: h.Get(HeaderCode), Reason: h.Get(HeaderReason),
		Attempts: attempts, Time: at, Headers: h, Data: data,
	}
}

// Letters calls each for the dead letters of jobs, the oldest first, until it returns false.
func (c *Client) Letters(ctx context.Context, each func(*Letter) bool) error {
	s, err := c.stream(ctx, events.DeadStream)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	if info.State.Msgs == 0 {
		return nil
	}
	cons, err := c.bus.JetStream().OrderedConsumer(ctx, events.DeadStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{events.Dead(events.JobsStream, ">")},
	})
	if err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	for ctx.Err() == nil {
		m, err := cons.Next(jetstream.FetchMaxWait(time.Second))
		if errors.Is(err, nats.ErrTimeout) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		if !each(letter(m.Headers(), m.Data(), meta.Sequence.Stream, meta.Timestamp)) || meta.NumPending == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// Letter is one dead letter, or ErrNoLetter.
func (c *Client) Letter(ctx context.Context, sequence uint64) (*Letter, error) {
	s, err := c.stream(ctx, events.DeadStream)
	if err != nil {
		return nil, err
	}
	m, err := s.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, ErrNoLetter
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letter %d: %w", sequence, err)
	}
	return letter(m.Header, m.Data, sequence, m.Time), nil
}

// Requeue publishes a dead letter again as it was, under the same job id; the result that said why it failed is taken back.
// Done twice it is queued once.
func (c *Client) Requeue(ctx context.Context, sequence uint64) (*Letter, error) {
	l, err := c.Letter(ctx, sequence)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(l.Subject, ".")
	if len(parts) != 4 || l.Job == "" {
		return l, fmt.Errorf("dead letter %d came on %q, which is no job's subject: publish it anew", sequence, l.Subject)
	}
	results, err := c.stream(ctx, events.ResultsStream)
	if err != nil {
		return l, err
	}
	if err := results.Purge(ctx, jetstream.WithPurgeSubject(events.Results.Name(parts[3], l.Job))); err != nil {
		return l, fmt.Errorf("take back the result of %s: %w", l.Job, err)
	}
	m := nats.NewMsg(l.Subject)
	maps.Copy(m.Header, l.Headers)
	for _, own := range []string{HeaderSubject, HeaderCode, HeaderReason, HeaderAttempts, HeaderCreated} {
		m.Header.Del(own)
	}
	m.Header.Set(nats.MsgIdHdr, fmt.Sprintf("%s-again-%d", l.Job, sequence))
	m.Data = l.Data
	if _, err := c.bus.JetStream().PublishMsg(ctx, m); err != nil {
		return l, fmt.Errorf("publish job %s again: %w", l.Job, err)
	}
	dead, err := c.stream(ctx, events.DeadStream)
	if err != nil {
		return l, err
	}
	if err := dead.DeleteMsg(ctx, sequence); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return l, fmt.Errorf("delete dead letter %d: %w", sequence, err)
	}
	return l, nil
}
