package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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
	stuckAfter  = 5 * time.Second  // a stopped sequence that holds its slot so long speaks against the engine
	reportEvery = 250 * time.Millisecond
	reportGap   = 20 * time.Millisecond // between two reports on changes of load class
	sweepEvery  = 25 * time.Millisecond
	maxRequest  = 64 << 20 // bytes of a claimed request
	firstCredit = 128      // where a gateway does not say
	maxAsks     = 16       // answered at once
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
	slots   int
	asks    chan struct{}

	life     context.Context // of the sequences: outlives the stop signal, not the drain
	end      context.CancelFunc
	working  sync.WaitGroup // sequences
	serving  sync.WaitGroup // loops and answers
	stops    []func()       // subscriptions
	room     atomic.Bool
	changed  chan struct{} // the load class changed: report soon
	number   atomic.Uint64 // of reports
	identity identity
	status   status
}

// status is what the worker does, and why where it is not ready.
type status struct {
	sync.Mutex
	state inferv1.WorkerState
	note  string
}

func (m *member) state() (inferv1.WorkerState, string) {
	m.status.Lock()
	defer m.status.Unlock()
	return m.status.state, m.status.note
}

// become changes the state and says whether that was a change. Draining is only left for gone.
func (m *member) become(s inferv1.WorkerState, note string) bool {
	m.status.Lock()
	defer m.status.Unlock()
	if m.status.state >= inferv1.WorkerState_WORKER_STATE_DRAINING && s <= m.status.state || m.status.state == s && m.status.note == note {
		return false
	}
	changed := m.status.state != s
	m.status.state, m.status.note = s, note
	return changed
}

// join starts the engine and enters the fleet.
func (w *Worker) join(ctx context.Context) (*member, error) {
	b := w.deps.Bus
	sender := frames.NewSender(w.name, func(gateway string, frame []byte) error {
		return b.Conn(events.Frames.Lane).Publish(events.Frames.Name(gateway), frame)
	}, frames.Options{MaxFrame: min(b.MaxPayload()-4096, 900<<10)})
	eng, err := w.open(ctx, w.cfg, w.deps, sender)
	if err != nil {
		sender.Close()
		return nil, err
	}
	m := w.newMember(ctx, eng, sender)
	if err := m.subscribe(); err != nil {
		m.close()
		return nil, err
	}
	b.OnReconnect(m.reconnected)
	m.serving.Go(m.outbox.run)
	m.serving.Go(m.reportLoop)
	m.serving.Go(m.sweepLoop)
	m.become(inferv1.WorkerState_WORKER_STATE_READY, "")
	m.checkHealth()
	w.member.Store(m)
	m.kick()
	w.log.Info("joined the fleet", "pool", m.pool, "models", m.identity.get().names, "slots", m.slots, "engine", w.cfg.Engine)
	return m, nil
}

func (w *Worker) newMember(ctx context.Context, eng engine.Engine, sender *frames.Sender) *member {
	m := &member{
		worker: w, name: w.name, pool: w.cfg.Pool, started: time.Now(), log: w.log, bus: w.deps.Bus, engine: eng,
		sender: sender, metrics: w.metrics, slots: w.cfg.Slots, asks: make(chan struct{}, maxAsks), changed: make(chan struct{}, 1),
	}
	m.life, m.end = context.WithCancel(context.WithoutCancel(ctx))
	info := eng.Info()
	if m.slots == 0 {
		m.slots = info.Slots
	}
	if m.slots == 0 {
		m.slots = defaultSlots
	}
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
	m.table = held.New(held.Limits{Slots: m.slots + w.cfg.Overcommit, Keep: keepEnded, KeepBytes: keepBytes, Silence: silence})
	m.room.Store(true)
	m.outbox = newOutbox(m)
	return m
}

// defaultSlots is for an engine that does not say how many sequences it runs at once, such as a remote provider.
const defaultSlots = 64

// close ends everything that join started. The sequences have ended. What arrives from now on meets nobody, which NATS
// tells its sender.
func (m *member) close() {
	for _, stop := range m.stops {
		stop()
	}
	m.end()
	m.outbox.close()
	m.serving.Wait()
	m.sender.Close()
	if err := m.engine.Close(); err != nil {
		m.log.Error("engine did not close cleanly", "error", err)
	}
}

// reconnected is called when a lost connection is back: gateways could not be heard, and reports did not arrive.
func (m *member) reconnected() {
	m.table.HearAll(time.Now())
	m.kick()
}

func stateName(s inferv1.WorkerState) string {
	return [...]string{"starting", "starting", "ready", "unhealthy", "draining", "gone"}[s]
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
