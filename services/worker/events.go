package worker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/frames"
	"github.com/leathq/leat/services/worker/internal/held"
)

// subscribe listens to everything that concerns this worker. Dispatches and control come through one channel, so that
// a cancel never overtakes what it cancels.
func (m *member) subscribe() error {
	work, ctl := events.Work.Name(m.name), events.Control.Name(m.name)
	x, err := m.bus.Listen(bus.Control, m.arrive, work, ctl, events.Heartbeats.All())
	if err != nil {
		return err
	}
	m.stops = append(m.stops, func() { x.Stop(); x.Wait() })
	sub, err := m.bus.SubscribeQueue(events.Asks.Lane, events.Asks.Name(m.pool), events.AskGroup, m.asked)
	if err != nil {
		return err
	}
	m.stops = append(m.stops, func() { _ = sub.Unsubscribe() }) // fails only where the connection is closed
	if err := m.bus.Conn(bus.Control).Flush(); err != nil {
		return fmt.Errorf("join the fleet: %w", err)
	}
	return nil
}

// arrive takes one message of the ordered channel. It never blocks, whatever the message is.
func (m *member) arrive(msg *nats.Msg) {
	err := m.safely(func() error {
		switch kind, _, _ := strings.Cut(msg.Subject, "."); kind {
		case "work":
			return m.dispatched(msg)
		case "ctl":
			return m.controlled(msg)
		default:
			return m.heard(msg)
		}
	})
	if err != nil {
		m.metrics.refused.Inc()
		m.log.Warn("message not understood", "subject", msg.Subject, "error", err)
	}
}

func (m *member) heard(msg *nats.Msg) error {
	_, gateway, _ := strings.Cut(msg.Subject, ".")
	m.table.Hear(gateway, time.Now())
	return nil
}

// dispatched takes a dispatch, or sends the outcome that says why not.
func (m *member) dispatched(msg *nats.Msg) error {
	var p inferv1.Dispatch
	if err := proto.Unmarshal(msg.Data, &p); err != nil {
		return fmt.Errorf("decode dispatch: %w", err)
	}
	d, err := dispatch(&p)
	if d.Router == "" {
		return err
	}
	if err != nil {
		m.outbox.put([]held.Ticket{d.Ticket}, held.Outcome{
			Verdict: held.Done, Error: errs.New(errs.Invalid, "invalid_dispatch", "The worker cannot read its dispatch: %v.", err),
		})
		return err
	}
	m.admit(d, p.GetSubmit())
	return nil
}

// dispatch reads and checks what the books need. Router is empty where nobody can be answered.
func dispatch(p *inferv1.Dispatch) (held.Dispatch, error) {
	s := p.GetSubmit()
	if !token(p.GetRouter()) || p.GetNumber() == 0 {
		return held.Dispatch{}, fmt.Errorf("dispatch names no router or number")
	}
	d := held.Dispatch{
		Key:    held.Key{Gateway: s.GetGateway(), Sequence: s.GetSequence(), Attempt: s.GetAttempt()},
		Ticket: held.Ticket{Router: p.GetRouter(), Number: p.GetNumber()},
		Pool:   p.GetPool(), Partition: p.GetPartition(), Epoch: p.GetEpoch(),
	}
	if ms := s.GetDeadlineUnixMs(); ms > 0 {
		d.Deadline = time.UnixMilli(ms)
	}
	if !token(d.Gateway) || d.Attempt == 0 {
		return d, fmt.Errorf("submit names no gateway or attempt")
	}
	return d, nil
}

// token reports whether a name that came over the bus can be a part of a subject.
func token(s string) bool { return s != "" && len(s) <= 128 && s == bus.Token(s) }

func (m *member) controlled(msg *nats.Msg) error {
	var c inferv1.Control
	if err := proto.Unmarshal(msg.Data, &c); err != nil {
		return fmt.Errorf("decode control: %w", err)
	}
	switch c := c.GetControl().(type) {
	case *inferv1.Control_Ping:
		unknown := m.resend(c.Ping.GetGateway(), c.Ping.GetExpects(), false)
		return m.pong(msg.Reply, unknown)
	case *inferv1.Control_Cancel:
		return m.cancel(c.Cancel.GetGateway(), c.Cancel.GetRefs())
	case *inferv1.Control_Grant:
		m.grant(c.Grant.GetGateway(), c.Grant.GetLimits())
	case *inferv1.Control_Resend:
		m.resend(c.Resend.GetGateway(), c.Resend.GetExpects(), true)
	case *inferv1.Control_Drain:
		m.worker.drain(time.Duration(c.Drain.GetGraceMs()) * time.Millisecond)
		return m.pong(msg.Reply, nil)
	case *inferv1.Control_Cordon:
		m.cordon(true)
		return m.pong(msg.Reply, nil)
	case *inferv1.Control_Uncordon:
		m.cordon(false)
		return m.pong(msg.Reply, nil)
	case *inferv1.Control_Describe:
		return m.reply(msg.Reply, m.identity.get().description)
	case *inferv1.Control_LoadAdapter:
		m.adapt(msg.Reply, func(ctx context.Context) error {
			return m.loadAdapter(ctx, c.LoadAdapter.GetName(), c.LoadAdapter.GetPath())
		})
	case *inferv1.Control_UnloadAdapter:
		m.adapt(msg.Reply, func(ctx context.Context) error { return m.unloadAdapter(ctx, c.UnloadAdapter.GetName()) })
	case *inferv1.Control_ListAdapters:
		m.adapt(msg.Reply, func(context.Context) error { return nil })
	default:
		return fmt.Errorf("control says nothing that this version knows")
	}
	return nil
}

func (m *member) pong(reply string, unknown []*inferv1.Ref) error {
	state, _ := m.state()
	return m.reply(reply, &inferv1.Pong{Worker: m.name, StartedUnixNanos: m.started.UnixNano(), Unknown: unknown, State: state})
}

func (m *member) reply(subject string, answer proto.Message) error {
	if subject == "" {
		return nil // the caller does not want to know
	}
	return m.bus.Publish(bus.Control, subject, "", answer)
}

// resend sends again what a gateway lacks and returns what is not held. With refuse, the gateway is told of that in
// band, too.
func (m *member) resend(gateway string, expects []*inferv1.Expect, refuse bool) (unknown []*inferv1.Ref) {
	if !token(gateway) {
		return nil
	}
	m.table.Hear(gateway, time.Now())
	gone := frames.Failure{Error: errGap, Elsewhere: true}
	for _, e := range expects {
		k := held.Key{Gateway: gateway, Sequence: e.GetRef().GetSequence(), Attempt: e.GetRef().GetAttempt()}
		s, ok := m.table.Find(k)
		if !ok {
			unknown = append(unknown, e.GetRef())
			if refuse {
				m.sender.Refuse(gateway, k.Sequence, k.Attempt, e.GetNext(), gone)
			}
			continue
		}
		if !s.Out.Resend(e.GetNext(), gone) {
			m.metrics.gaps.Inc()
			m.stop(s, errGap)
		}
	}
	return unknown
}

func (m *member) grant(gateway string, limits []*inferv1.Limit) {
	for _, l := range limits {
		k := held.Key{Gateway: gateway, Sequence: l.GetRef().GetSequence(), Attempt: l.GetRef().GetAttempt()}
		if s, ok := m.table.Find(k); ok {
			s.Out.Grant(l.GetBelow())
		}
	}
}

func (m *member) cancel(gateway string, refs []*inferv1.Ref) error {
	if !token(gateway) {
		return fmt.Errorf("cancel names no gateway")
	}
	now := time.Now()
	for _, r := range refs {
		for _, s := range m.table.Cancel(held.Key{Gateway: gateway, Sequence: r.GetSequence(), Attempt: r.GetAttempt()}, now) {
			s.Out.Seal()
			s.Stop(errWithdrawn)
		}
	}
	return nil
}

// stop ends a sequence for a reason of the worker's own.
func (m *member) stop(s *held.Sequence, cause error) {
	m.table.Stopping(s, time.Now())
	s.Stop(cause)
}
