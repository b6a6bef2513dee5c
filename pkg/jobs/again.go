package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/events"
)

// A job may last longer than JOBS keeps a message. Who holds it publishes it again once its message is of the age at which one that waits has waited too long, with the
// same id and with HeaderCreated, and takes the old message off the queue. It goes on with the job; the new message is for whoever comes after it.

// again publishes a job once more, once, in place of the message with a number.
func (c *Client) again(ctx context.Context, j *Job, data []byte, sequence uint64, at time.Time) error {
	m := nats.NewMsg(j.Subject)
	maps.Copy(m.Header, j.Headers)
	maps.DeleteFunc(m.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") }) // what was asked of the first publication
	m.Header.Set(nats.MsgIdHdr, fmt.Sprintf("%s-still-%d", j.ID, sequence))
	m.Header.Set(HeaderJob, j.ID)
	m.Header.Set(HeaderCreated, created(j.Headers, at).UTC().Format(time.RFC3339Nano))
	m.Data = data
	if _, err := c.bus.JetStream().PublishMsg(ctx, m); err != nil {
		return fmt.Errorf("publish job %s again: %w", j.ID, err)
	}
	return nil
}

// created is when a job was published first; at is when its message was.
func created(h nats.Header, at time.Time) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, h.Get(HeaderCreated)); err == nil && t.Before(at) {
		return t
	}
	return at
}

// mostAge is how old a message may become before the job is published again. Whoever looks after JOBS may keep jobs for a shorter time than this process knows.
func (c *Client) mostAge(ctx context.Context) time.Duration {
	if s, err := c.stream(ctx, events.JobsStream); err == nil {
		return min(c.cfg.MaxAge, max(s.CachedInfo().Config.MaxAge-slack, time.Minute))
	}
	return c.cfg.MaxAge
}

// passOn lets another message stand for a job in hand.
func (d *Delivery) passOn(ctx context.Context) error {
	d.end.Lock()
	defer d.end.Unlock()
	if d.ended {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // both, or the job has two messages
	defer cancel()
	if err := d.c.again(ctx, d.Job, d.msg.Data(), d.sequence, d.since); err != nil {
		return err
	}
	if err := d.msg.DoubleAck(ctx); err != nil {
		return fmt.Errorf("take the old message of job %s off the queue: %w", d.ID, err)
	}
	d.passed.Store(true)
	if !d.held.has(d) { // it came while this was said
		d.stop()
	}
	return nil
}

// still does for a job that waits what passOn does for one in hand: whoever began it has no message of it any more, and nobody else has room.
func (c *Client) still(ctx context.Context, s jetstream.Stream, m *jetstream.RawStreamMsg) error {
	j, _ := Read(m.Subject, m.Header, m.Data, m.Sequence) // somebody has begun it, so it is one
	if err := c.again(ctx, j, m.Data, m.Sequence, m.Time); err != nil {
		return err
	}
	if err := s.DeleteMsg(ctx, m.Sequence); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("delete job %s: %w", j.ID, err)
	}
	return nil
}
