// Package bus is how Leat's services speak: three NATS connections, typed subjects, claim checks for large payloads.
//
// Three connections per process keep bulk from sitting in front of tokens: Control (requests, replies, JetStream),
// Tokens (frames) and Bulk (Arrow). The package knows how to carry messages and refuses to know what they mean; where
// they go is spelled in pkg/events.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus/internal/tap"
	"github.com/leathq/leat/pkg/conf"
)

// Lane is which of the three connections a message takes.
type Lane uint8

// The lanes.
const (
	Control Lane = iota
	Tokens
	Bulk
	lanes
)

var laneNames = [...]string{"control", "tokens", "bulk"}

// Bus is a process's connections. All methods are safe for concurrent use.
type Bus struct {
	conns   [lanes]*nats.Conn
	js      jetstream.JetStream
	log     *slog.Logger
	faults  Faults
	claims  claimStore
	opened  openedStreams
	who     string
	dropped atomic.Uint64
	states  [lanes]state
	taps    [lanes]tap.Hub
	lists   [lanes]listeners
	hooks   struct {
		sync.Mutex
		onReconnect, onDisconnect []func()
	}
}

// state is a lane's, as its callbacks told. nats.go's own answer takes a lock that it holds while it connects, which may
// be for seconds.
type state struct{ atomic.Int32 }

const (
	connected int32 = iota
	reconnecting
	closed
)

func (s *state) lost() { s.CompareAndSwap(connected, reconnecting) }
func (s *state) back() { s.CompareAndSwap(reconnecting, connected) }

// Options are what a caller may give beside the configuration. The zero value works.
type Options struct {
	Name      string                     // shown in NATS's own connection list
	Inbox     string                     // answers arrive on _INBOX.<Inbox>.>, so that NATS can keep services apart; empty: on _INBOX.>
	Log       *slog.Logger               // nil discards
	InProcess nats.InProcessConnProvider // an embedded server: connect to it without a socket
	Faults    Faults                     // tests: what a bad network does to arriving messages
}

// Faults decides what becomes of an arriving core message: deliver calls, now, later, twice or never. It is called by
// whoever would deliver the message; only bustest implements it.
type Faults interface {
	Arrive(lane Lane, msg *nats.Msg, deliver func(*nats.Msg))
}

// Connect opens the three connections and JetStream. It tries for cfg.ConnectTimeout and then says what to do.
func Connect(ctx context.Context, cfg Config, opts Options) (*Bus, error) {
	b := &Bus{log: opts.Log, faults: opts.Faults, who: cfg.who(), claims: claimStore{replicas: cfg.LeaseReplicas}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	identity, err := cfg.identity()
	if err != nil {
		return nil, err
	}
	for lane := range lanes {
		nc, err := b.dial(ctx, cfg, opts, lane, identity)
		if err != nil {
			b.closeNow()
			return nil, fmt.Errorf("connect to NATS at %s: %w (%s)", conf.HidePasswords(cfg.URL), err, cfg.advice(err))
		}
		b.conns[lane] = nc
	}
	js, err := jetstream.New(b.conns[Control])
	if err != nil {
		b.closeNow()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	b.js = js
	return b, nil
}

func (b *Bus) dial(ctx context.Context, cfg Config, opts Options, lane Lane, identity []nats.Option) (*nats.Conn, error) {
	o := []nats.Option{
		nats.Name(opts.Name + "/" + laneNames[lane]),
		nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2),
		nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond),
		nats.IgnoreAuthErrorAbort(),
		nats.ErrorHandler(b.asyncError),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			b.states[lane].lost()
			if err != nil {
				b.log.Warn("bus connection lost", "lane", laneNames[lane], "error", err)
			}
			b.tell(&b.hooks.onDisconnect)
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.reconnected(lane) }),
		nats.ClosedHandler(func(*nats.Conn) { b.states[lane].Store(closed) }),
	}
	if lane == Tokens {
		o = append(o, nats.ReconnectBufSize(-1)) // stale tokens are not replayed: the ring resends what is still wanted
	}
	if opts.Inbox != "" {
		o = append(o, nats.CustomInboxPrefix("_INBOX."+opts.Inbox))
	}
	o = append(o, identity...)
	o = append(o, nats.SetCustomDialer(&b.taps[lane]))
	if opts.InProcess != nil {
		o = append(o, nats.InProcessServer(b.taps[lane].InProcess(opts.InProcess)))
	}
	for {
		nc, err := nats.Connect(cfg.URL, o...)
		if err == nil {
			return nc, nil
		}
		if errors.Is(err, nats.ErrAuthorization) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (b *Bus) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
		b.dropped.Add(1)
		b.log.Error("bus subscription too slow, messages dropped", "subject", sub.Subject)
		return
	}
	if errors.Is(err, nats.ErrPermissionViolation) {
		b.log.Error("NATS forbids this process something that it needs", "error", err, "identity", b.who,
			"advice", "every service needs the permissions of its own NATS user: see deploy/nats")
		return
	}
	b.log.Warn("bus error", "error", err)
}

func (b *Bus) reconnected(lane Lane) {
	b.states[lane].back()
	b.lists[lane].settle(b, lane)
	b.log.Info("bus connection back", "lane", laneNames[lane])
	b.tell(&b.hooks.onReconnect)
}

func (b *Bus) tell(hooks *[]func()) {
	b.hooks.Lock()
	fns := slices.Clone(*hooks)
	b.hooks.Unlock()
	for _, fn := range fns {
		fn()
	}
}

// OnReconnect has fn called after any lane came back. What arrives then may be handled before: see OnDisconnect. fn must return soon.
func (b *Bus) OnReconnect(fn func()) {
	b.hooks.Lock()
	defer b.hooks.Unlock()
	b.hooks.onReconnect = append(b.hooks.onReconnect, fn)
}

// OnDisconnect has fn called after any lane was lost, before OnReconnect's when it comes back. fn must return soon.
func (b *Bus) OnDisconnect(fn func()) {
	b.hooks.Lock()
	defer b.hooks.Unlock()
	b.hooks.onDisconnect = append(b.hooks.onDisconnect, fn)
}

// Conn is the lane's connection.
func (b *Bus) Conn(l Lane) *nats.Conn { return b.conns[l] }

// JetStream is the control lane's JetStream.
func (b *Bus) JetStream() jetstream.JetStream { return b.js }

// Dropped counts how often a subscription fell behind and lost messages.
func (b *Bus) Dropped() uint64 { return b.dropped.Load() }

// Up returns nil while every lane is connected, else which is not. It never blocks.
func (b *Bus) Up() error {
	for l := range b.states {
		switch b.states[l].Load() {
		case reconnecting:
			return fmt.Errorf("NATS %s connection is lost and being made again", laneNames[l])
		case closed:
			return fmt.Errorf("NATS %s connection is closed", laneNames[l])
		}
	}
	return nil
}

// MaxPayload is the server's limit for one message in bytes, headers included.
func (b *Bus) MaxPayload() int { return int(b.conns[Control].MaxPayload()) }

var buffers = sync.Pool{New: func() any { s := make([]byte, 0, 4096); return &s }}

// Publish sends m to a subject, with an optional reply subject. It returns once the message is written or somebody is about
// to write it: core NATS does not say whether anybody got it. Where reply is set and nobody listens, a message with the status 503
// arrives there within a round trip.
func (b *Bus) Publish(l Lane, subject, reply string, m proto.Message) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	data, err := proto.MarshalOptions{}.MarshalAppend((*buf)[:0], m)
	if err != nil {
		return fmt.Errorf("encode message for %s: %w", subject, err)
	}
	if cap(data) <= 1<<16 {
		*buf = data[:0]
	}
	return b.publish(l, subject, reply, data)
}

// PublishEncoded is Publish for a message that is encoded already. data is not kept.
func (b *Bus) PublishEncoded(l Lane, subject string, data []byte) error {
	return b.publish(l, subject, "", data)
}

func (b *Bus) publish(l Lane, subject, reply string, data []byte) error {
	if b.taps[l].Publish(subject, reply, data) {
		return nil
	}
	if reply == "" {
		return b.conns[l].Publish(subject, data)
	}
	return b.conns[l].PublishRequest(subject, reply, data)
}

// Request sends m and waits for one reply, which it decodes into out. Nobody there is nats.ErrNoResponders at once.
func (b *Bus) Request(ctx context.Context, subject string, m, out proto.Message) error {
	data, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode message for %s: %w", subject, err)
	}
	msg, err := b.conns[Control].RequestWithContext(ctx, subject, data)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(msg.Data, out); err != nil {
		return fmt.Errorf("decode reply to %s: %w", subject, err)
	}
	return nil
}

// NoResponders reports whether msg is NATS's own answer that nobody listens.
func NoResponders(msg *nats.Msg) bool {
	return len(msg.Data) == 0 && msg.Header.Get("Status") == "503"
}

// Subscribe has handle called for each message, one at a time and in order. handle must not block: it stands in front
// of every later message of the subscription.
func (b *Bus) Subscribe(l Lane, subject string, handle nats.MsgHandler) (*nats.Subscription, error) {
	return b.subscribe(l, subject, "", handle)
}

// SubscribeQueue is Subscribe where one member of the group gets each message.
func (b *Bus) SubscribeQueue(l Lane, subject, group string, handle nats.MsgHandler) (*nats.Subscription, error) {
	return b.subscribe(l, subject, group, handle)
}

func (b *Bus) subscribe(l Lane, subject, group string, handle nats.MsgHandler) (*nats.Subscription, error) {
	if b.faults != nil {
		inner := handle
		handle = func(m *nats.Msg) { b.faults.Arrive(l, m, inner) }
	}
	sub, err := b.conns[l].QueueSubscribe(subject, group, handle)
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	if err := sub.SetPendingLimits(1<<20, 256<<20); err != nil {
		return nil, fmt.Errorf("set limits of %s: %w", subject, err)
	}
	if b.states[l].Load() == connected {
		// The client may send a subscription later than a message that Publish writes at once, and that may be asking for
		// an answer there.
		_ = b.conns[l].FlushTimeout(time.Second) // not now: with the reconnect that must follow
	}
	return sub, nil
}

// Close drains the subscriptions, flushes what was published and closes, within ctx.
func (b *Bus) Close(ctx context.Context) error {
	var errs []error
	for l, nc := range b.conns {
		if nc == nil || nc.IsClosed() {
			continue
		}
		if nc.IsConnected() {
			if err := nc.FlushWithContext(ctx); err != nil {
				errs = append(errs, fmt.Errorf("flush %s connection: %w", laneNames[l], err))
			}
		}
	}
	b.closeNow()
	return errors.Join(errs...)
}

func (b *Bus) closeNow() {
	for l, nc := range b.conns {
		if nc != nil {
			b.states[l].Store(closed)
			nc.Close()
		}
	}
}
