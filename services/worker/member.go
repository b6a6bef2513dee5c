package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/trace"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/obs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/frames"
	"github.com/leathq/leat/services/worker/internal/held"
)

const (
	keepEnded   = 10 * time.Second // an ended sequence can be asked after
	keepBytes   = 64 << 20         // of all ended sequences
	silence     = 3 * time.Second  // of a gateway, until its sequences are stopped
	remindAfter = time.Second      // a stream waits for credit
	stuckAfter  = 5 * time.Second  // a stopped sequence that holds its slot so long speaks against the engine
	reportEvery = 250 * time.Millisecond
	reportGap   = 20 * time.Millisecond // between two reports on changes of load class
	maxRequest  = 64 << 20              // bytes of a claimed request
	firstCredit = 128                   // where a gateway does not say
	maxAsks     = 16                    // answered at once
)

// member is a worker that is in the fleet: everything that lives from joining to leaving.
type member struct {
	worker  *Worker
	name    string
	pool    string
	started time.Time
	log     *slog.Logger
	bus     *bus.Bus
	engine  engine.Engine
	sender  *frames.Sender
	table   *held.Table
	outbox  *outbox
	metrics *metrics
	tracer  trace.Tracer // nil: tracing is off
	asks    chan struct{}

	life     context.Context // of the sequences: outlives the stop signal, not the drain
	end      context.CancelFunc
	working  sync.WaitGroup // sequences
	serving  sync.WaitGroup // loops and answers
	stops    []func()       // subscriptions
	slots    atomic.Int64
	room     atomic.Bool
	changed  chan struct{} // the load class changed: report soon
	number   atomic.Uint64 // of reports
	hearing  hearing
	resting  atomic.Bool   // the sweeping is
	woken    chan struct{} // ends its rest
	identity identity
	status   status
}

// status is what the worker does, and why where it is not ready.
type status struct {
	sync.Mutex
	state    inferv1.WorkerState
	note     string
	cordoned string // why it takes nothing though it could; empty: it is not cordoned
}

func (m *member) state() (inferv1.WorkerState, string) {
	m.status.Lock()
	defer m.status.Unlock()
	return m.status.state, m.status.note
}

// become changes the state, and with it whether dispatches are taken, and says whether that was a change. Draining is
// only left for gone; a worker that is well and cordoned is cordoned.
func (m *member) become(s inferv1.WorkerState, note string) bool {
	m.status.Lock()
	defer m.status.Unlock()
	return m.becomeLocked(s, note)
}

// becomeLocked is become for who holds the status.
func (m *member) becomeLocked(s inferv1.WorkerState, note string) bool {
	if leaves(m.status.state) && !leaves(s) {
		return false
	}
	if m.status.cordoned != "" {
		switch s {
		case inferv1.WorkerState_WORKER_STATE_READY:
			s, note = inferv1.WorkerState_WORKER_STATE_CORDONED, joined(m.status.cordoned, note)
		case inferv1.WorkerState_WORKER_STATE_UNHEALTHY:
			note = joined(note, m.status.cordoned)
		}
	}
	changed := m.status.state != s
	m.status.state, m.status.note = s, note
	if s == inferv1.WorkerState_WORKER_STATE_READY {
		m.table.Close(held.None)
	} else {
		m.table.Close(held.HandedBack)
	}
	return changed
}

// join starts the engine and enters the fleet. It asks for others of its name before it says a word, since its reports
// would make routers take the other for a life that is over, and again when the engine is there, which may take minutes.
func (w *Worker) join(ctx context.Context) (*member, error) {
	if err := w.alone(ctx); err != nil {
		return nil, err
	}
	b := w.deps.Bus
	sender := frames.NewSender(w.name, func(gateway string, frame []byte) error {
		return b.PublishEncoded(events.Frames.Lane, events.Frames.Name(gateway), frame)
	}, frames.Options{MaxFrame: min(b.MaxPayload()-4096, 900<<10)})
	coming := w.announce(ctx)
	eng, err := w.open(ctx, w.cfg, w.deps, hooks{Steps: sender, Took: w.metrics.step})
	coming.end()
	if err != nil {
		sender.Close()
		coming.gone(ctx)
		return nil, err
	}
	m := w.newMember(ctx, eng, sender, coming.started)
	m.number.Store(coming.number)
	m.serving.Go(m.outbox.run)
	m.judge(eng.Stats(), 0) // before anything can arrive
	if err := m.enter(ctx); err != nil {
		m.close()
		coming.gone(ctx)
		return nil, err
	}
	w.member.Store(m)
	b.OnReconnect(m.kick) // nobody has heard of this worker meanwhile
	m.serving.Go(m.reportLoop)
	m.serving.Go(m.sweepLoop)
	m.serving.Go(m.listenLoop)
	m.kick()
	w.log.Info("joined the fleet", "pool", m.pool, "models", m.identity.get().names, "slots", m.slots.Load(), "engine", w.cfg.Engine)
	return m, nil
}

// enterIn is how long entering may take: another worker of the name that died while it entered is in the way for as long
// as leases last.
const enterIn = 2 * bus.LeaseTTL

// enter takes the worker's place in the fleet where it is free. Of workers with one name that come at the same instant one
// enters at a time, so that the others find it there. Without JetStream there is no turn to wait for; there are no
// routers then, either.
func (m *member) enter(ctx context.Context) error {
	take := func() error {
		if err := m.worker.alone(ctx); err != nil {
			return err
		}
		return m.subscribe()
	}
	turn, cancel := context.WithTimeout(ctx, enterIn)
	defer cancel()
	for {
		err := m.bus.Exclusively(turn, m.worker.deps.NATS, events.WorkerEntry(m.name), take)
		switch {
		case errors.Is(err, bus.ErrNoExclusion):
			m.log.Warn("another worker with this name that joins at the same instant would not be noticed", "error", err)
			return take()
		case errors.Is(err, bus.ErrTurnLost) && turn.Err() == nil:
			m.unsubscribe()
		default:
			return err
		}
	}
}

// unsubscribe ends what subscribe began.
func (m *member) unsubscribe() {
	for _, stop := range m.stops {
		stop()
	}
	m.stops = nil
}

func (w *Worker) newMember(ctx context.Context, eng engine.Engine, sender *frames.Sender, started time.Time) *member {
	m := &member{
		worker: w, name: w.name, pool: w.cfg.Pool, started: started, log: w.log, bus: w.deps.Bus, engine: eng,
		sender: sender, metrics: w.metrics, asks: make(chan struct{}, maxAsks), changed: make(chan struct{}, 1),
		woken: make(chan struct{}, 1), hearing: hearing{start: time.Now()},
	}
	m.life, m.end = context.WithCancel(context.WithoutCancel(ctx))
	info := eng.Info()
	m.slots.Store(int64(w.cfg.slotsOf(info)))
	names := w.cfg.Names
	if len(names) == 0 {
		names = []string{info.Model}
	}
	if m.pool == "" {
		m.pool = bus.Token(names[0])
	}
	m.identity.refresh(m.name, m.pool, names, info, m.started)
	if obs.On(w.deps.Tracer) {
		m.tracer = w.deps.Tracer.Tracer("leat/worker")
	}
	m.table = held.New(held.Limits{Slots: int(m.slots.Load()) + w.cfg.Overcommit, Keep: keepEnded, KeepBytes: keepBytes, Silence: silence})
	m.room.Store(true)
	m.outbox = newOutbox(m)
	return m
}

// alone makes sure that no other worker has this one's name: both would get every dispatch.
func (w *Worker) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ping := &inferv1.Control{Control: &inferv1.Control_Ping{Ping: &inferv1.Ping{}}}
	err := w.deps.Bus.Request(ctx, events.Control.Name(w.name), ping, new(inferv1.Pong))
	if err == nil {
		return fmt.Errorf("a worker named %s is in the fleet already; give this one another --name", w.name)
	}
	if !errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("ask for other workers named %s: %w", w.name, err)
	}
	return nil
}

// defaultSlots is for an engine that does not say how many sequences it runs at once, such as a remote provider.
const defaultSlots = 64

func (c Config) slotsOf(info engine.Info) int {
	switch {
	case c.Slots > 0:
		return c.Slots
	case info.Slots > 0:
		return min(info.Slots, maxSlots)
	}
	return defaultSlots
}

// close ends everything that join started. The sequences have ended. What arrives from now on meets nobody, which NATS
// tells its sender.
func (m *member) close() {
	m.unsubscribe()
	m.end()
	m.outbox.close()
	m.serving.Wait()
	m.sender.Close()
	if err := m.engine.Close(); err != nil {
		m.log.Error("engine did not close cleanly", "error", err)
	}
}

func stateName(s inferv1.WorkerState) string {
	return [...]string{"starting", "starting", "ready", "unhealthy", "draining", "gone", "cordoned"}[s]
}

// safely runs f and turns a panic into an error, counted and logged.
func (m *member) safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			m.metrics.panics.Inc()
			err = fmt.Errorf("panic: %v", r)
			m.log.Error("panic stopped", "panic", r, "stack", stack())
		}
	}()
	return f()
}
