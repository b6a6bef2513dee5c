package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
)

const (
	publishWindow = 16 // messages under way at a time
	publishTries  = 20 // failures in a row, other than a full stream, until the caller has to begin anew
	publishFirst  = 20 * time.Millisecond
	publishMost   = time.Second
)

// publisher sends the messages of a partition. When one is refused it sends all from there again, so that none is left out. A full stream is waited
// for: that is how whoever reads slowly holds whoever sends. It is used by one goroutine.
type publisher struct {
	js      jetstream.JetStream
	bus     *bus.Bus
	store   *blob.Store
	subject string // empty: no stage reads what is sent, and nothing is
	attempt uint32
	flight  flight
	pending []underway
}

// underway is a message that the stream has not confirmed.
type underway struct {
	msg *nats.Msg
	ack jetstream.PubAckFuture
}

// send sends a message, once fewer than the window are under way; none when ctx has ended, as the partition may be another's then.
func (p *publisher) send(ctx context.Context, m *nats.Msg) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := p.settle(ctx, publishWindow-1); err != nil {
		return err
	}
	ack, err := p.publish(m)
	if err != nil {
		return err
	}
	p.pending = append(p.pending, underway{m, ack})
	return nil
}

// flush returns when the stream has everything.
func (p *publisher) flush(ctx context.Context) error { return p.settle(ctx, 0) }

func (p *publisher) publish(m *nats.Msg) (jetstream.PubAckFuture, error) {
	ack, err := p.js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data})
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", m.Subject, err)
	}
	return ack, nil
}

// settle waits until at most n messages are under way.
func (p *publisher) settle(ctx context.Context, n int) error {
	delay, tries := publishFirst, 0
	for len(p.pending) > n {
		var err error
		select {
		case <-p.pending[0].ack.Ok():
			p.pending = p.pending[1:]
			delay, tries = publishFirst, 0
			continue
		case err = <-p.pending[0].ack.Err():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !bus.NoRoom(err) {
			tries++
		}
		if tries > publishTries {
			return fmt.Errorf("publish %s: %w", p.pending[0].msg.Subject, err)
		}
		if err := p.again(ctx, delay); err != nil {
			return err
		}
		delay = min(2*delay, publishMost)
	}
	return nil
}

// again sends all that is under way once more, after a while.
func (p *publisher) again(ctx context.Context, delay time.Duration) error {
	for _, u := range p.pending[1:] { // those that were refused, too, must not arrive after what is sent now
		select {
		case <-u.ack.Ok():
		case <-u.ack.Err(): //nolint:errcheck // it is sent again below, whatever it was
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for i, u := range p.pending {
		ack, err := p.publish(u.msg)
		if errors.Is(err, nats.ErrMaxPayload) {
			return &Error{Code: "batch_too_large", Message: err.Error()}
		}
		if err != nil {
			return err
		}
		p.pending[i].ack = ack
	}
	return nil
}
