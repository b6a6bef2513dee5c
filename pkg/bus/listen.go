package bus

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Listen has handle called for each message on some subjects of a lane, one at a time and in the order in which they were
// sent, whatever their subjects, by the goroutine that reads the lane's connection. That makes it the fastest way for a
// message to arrive, and handle stands in front of everything else on the lane: it must not block, not call Request, and
// not keep the message or its data.
func (b *Bus) Listen(l Lane, handle nats.MsgHandler, subjects ...string) (*Listener, error) {
	if b.faults != nil {
		inner := handle
		handle = func(m *nats.Msg) { b.faults.Arrive(l, keepable(m), inner) }
	}
	x := &Listener{of: &b.lists[l], subjects: subjects, handle: handle}
	if err := x.of.add(b, l, x); err != nil {
		return nil, err
	}
	return x, nil
}

// keepable is a copy of a message that stays as it is.
func keepable(m *nats.Msg) *nats.Msg {
	c := *m
	c.Data = slices.Clone(m.Data)
	return &c
}

// Listener is what Listen began. Its methods are safe for concurrent use.
type Listener struct {
	of       *listeners
	subjects []string
	handle   nats.MsgHandler
	tapped   bool
	end      func()
	over     atomic.Bool
	running  sync.Mutex // held while handle runs
}

// Stop ends it. It does not wait for a message that is being handled, so that it can be called with a lock held.
func (x *Listener) Stop() {
	x.over.Store(true)
	x.of.remove(x)
}

// Wait returns when no message is being handled; after Stop, none will be.
func (x *Listener) Wait() {
	x.running.Lock()
	defer x.running.Unlock()
}

func (x *Listener) call(m *nats.Msg) {
	x.running.Lock()
	defer x.running.Unlock()
	if !x.over.Load() {
		x.handle(m)
	}
}

// listeners are those of a lane, which outlive its connections.
type listeners struct {
	mu  sync.Mutex
	all []*Listener
}

func (ls *listeners) add(b *Bus, l Lane, x *Listener) error {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if err := x.open(b, l); err != nil {
		return err
	}
	ls.all = append(ls.all, x)
	return nil
}

func (ls *listeners) remove(x *Listener) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if i := slices.Index(ls.all, x); i >= 0 {
		ls.all = slices.Delete(ls.all, i, i+1)
		x.end()
	}
}

// settle moves listeners from a tap to the NATS client's own subscriptions, or back, where the lane's new connection is of
// another kind than the one before: servers of a cluster need not agree on TLS.
func (ls *listeners) settle(b *Bus, l Lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, x := range ls.all {
		if x.tapped == b.taps[l].Usable() {
			continue
		}
		x.end()
		if err := x.open(b, l); err != nil {
			b.log.Error("subscriptions lost with a reconnect", "subjects", x.subjects, "error", err)
		}
	}
}

// open subscribes in the way that the lane's connection allows.
func (x *Listener) open(b *Bus, l Lane) error {
	if x.tapped = b.taps[l].Usable(); x.tapped {
		var ends []func()
		for _, subject := range x.subjects {
			ends = append(ends, b.taps[l].Subscribe(subject, x.call))
		}
		x.end = func() {
			for _, end := range ends {
				end()
			}
		}
		return nil
	}
	return x.openChannel(b.conns[l])
}

// openChannel gathers several subscriptions of the NATS client in one channel, which keeps the order of their messages.
func (x *Listener) openChannel(nc *nats.Conn) error {
	ch := make(chan *nats.Msg, 1<<16)
	var subs []*nats.Subscription
	quit := make(chan struct{})
	x.end = func() {
		for _, s := range subs {
			_ = s.Unsubscribe() // fails only where the connection is closed, which ends it too
		}
		close(quit)
	}
	for _, subject := range x.subjects {
		s, err := nc.ChanSubscribe(subject, ch)
		if err != nil {
			x.end()
			x.end = func() {} // Stop comes, too
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		subs = append(subs, s)
	}
	go func() {
		for {
			select {
			case m := <-ch:
				x.call(m)
			case <-quit:
				return
			}
		}
	}()
	return nil
}
