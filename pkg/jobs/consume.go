package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
)

const (
	ackWait   = 30 * time.Second // a job whose holder died is handed out again after so long
	lookEvery = time.Second      // how often new tenants are looked for
	idleFor   = 200 * time.Millisecond
	quantum   = 4 // jobs taken from a tenant at a time
	// maxPending bounds a tenant's jobs that are held, or wait for another attempt.
	maxPending = 1000
)

// Work is how a service does jobs.
type Work struct {
	Name  string   // of its durable consumers: the same in every replica, another for every service
	Kinds []string // that it does; no other service may do them
	// Window is how many jobs of a class this process may hold at most, now.
	Window func(class string) int
	// Do does a job, or puts it off, and returns when its place is free. ctx ends when the process stops or the job is
	// cancelled. It must call one of the delivery's ends.
	Do func(ctx context.Context, d *Delivery)
	// Lasting says that a job goes on where its holder dies, for as long as it takes: how often that happened, or how old the job is, says nothing of it. One that is held
	// for longer than JOBS keeps it is published again meanwhile; where this process gets it then, whoever held it before is stopped.
	Lasting bool
	// Borrowed says that another service looks after the streams: here they are made where they are missing, and their limits, the jobs that nobody takes and
	// those that are too old are left to it.
	Borrowed bool
	// Settled is told of a job that has its result when it comes: it was done before, or cancelled while nobody had it. After an error it comes again. nil: nobody
	// wants to know.
	Settled func(ctx context.Context, j *Job, r *Result) error
	// Opened is called once, when the streams have been opened or could not be at the first try.
	Opened func()
	Log    *slog.Logger
}

// Run takes jobs and has them done until ctx ends, then waits for those that are held. Among tenants of a class it takes
// turns; tenants are found by the subjects that JOBS holds, once a second.
func (c *Client) Run(ctx context.Context, w Work) error {
	opened := sync.OnceFunc(w.Opened)
	for c.ensure(ctx, w, opened) != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookEvery):
		}
	}
	held := &running{jobs: map[string]*Delivery{}}
	sub, err := c.bus.Subscribe(bus.Control, events.JobCancels.All(), held.cancelled)
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	var classes sync.WaitGroup
	for _, class := range []string{High, Normal, Bulk} {
		d := &dispatcher{c: c, w: w, class: class, held: held, queues: map[string]jetstream.Consumer{}, freed: make(chan struct{}, 1)}
		if class != Bulk { // whoever publishes these waits; bulk is left to the next look
			hint, err := c.bus.Subscribe(bus.Control, events.Jobs.Name(class, "*", "*"), d.heard)
			if err != nil {
				return fmt.Errorf("jobs: %w", err)
			}
			defer func() { _ = hint.Unsubscribe() }()
		}
		classes.Go(func() { d.run(ctx) })
	}
	if !w.Borrowed {
		classes.Go(func() { c.tidy(ctx, w) })
	}
	classes.Wait()
	return nil
}

// tidy finds the jobs that nobody takes.
func (c *Client) tidy(ctx context.Context, w Work) {
	for tick := time.NewTicker(lookEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case now := <-tick.C:
			err := c.strays(ctx)
			if err == nil {
				err = c.overdue(ctx, now)
			}
			if err != nil && ctx.Err() == nil {
				w.Log.Debug("jobs not looked through", "error", err)
			}
		}
	}
}

func (c *Client) ensure(ctx context.Context, w Work, tried func()) error {
	open := Ensure
	if w.Borrowed {
		open = borrow
	}
	err := open(ctx, c.bus, c.cfg)
	tried()
	if err != nil && ctx.Err() == nil {
		w.Log.Warn("streams of jobs not opened; trying again", "error", err)
	}
	return err
}

// running knows the jobs that this process holds, so that a cancel finds them.
type running struct {
	mu   sync.Mutex
	jobs map[string]*Delivery // by kind and id
}

// add notes a job that is held, in place of an earlier delivery of it, which ends where this one stands for it.
func (r *running) add(d *Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := d.Kind + "." + d.ID
	if before := r.jobs[key]; before != nil && before.passed.Load() {
		before.stop()
	}
	r.jobs[key] = d
}

// has says whether a delivery is the last one of its job.
func (r *running) has(d *Delivery) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jobs[d.Kind+"."+d.ID] == d
}

func (r *running) remove(d *Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := d.Kind + "." + d.ID; r.jobs[key] == d {
		delete(r.jobs, key)
	}
}

func (r *running) cancelled(m *nats.Msg) {
	_, job, _ := strings.Cut(m.Subject, ".")
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := r.jobs[job]; d != nil {
		d.stop()
	}
}

// dispatcher takes the jobs of one class.
type dispatcher struct {
	c     *Client
	w     Work
	class string
	held  *running

	queues map[string]jetstream.Consumer // by tenant
	order  []string                      // tenants, in turn
	looked time.Time
	known  sync.Map    // tenants of order
	hint   atomic.Bool // a job was published by a tenant that is not known

	mu       sync.Mutex
	inFlight int
	freed    chan struct{}
	all      sync.WaitGroup
}

func (d *dispatcher) run(ctx context.Context) {
	defer d.all.Wait()
	for ctx.Err() == nil {
		if d.hint.Swap(false) || time.Since(d.looked) >= lookEvery {
			if err := d.look(ctx); err != nil && ctx.Err() == nil {
				d.w.Log.Debug("tenants with jobs not looked up", "class", d.class, "error", err)
				_ = d.c.ensure(ctx, d.w, func() {}) // NATS may have come back without its data
			}
			d.looked = time.Now()
		}
		if d.turn(ctx) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-d.freed:
		case <-time.After(idleFor):
		}
	}
}

// heard notes that a job was published, and whether it may be its tenant's first.
func (d *dispatcher) heard(m *nats.Msg) {
	if parts := strings.Split(m.Subject, "."); len(parts) == 4 {
		if _, known := d.known.Load(parts[2]); !known {
			d.hint.Store(true)
		}
	}
	d.wake()
}

func (d *dispatcher) wake() {
	select {
	case d.freed <- struct{}{}:
	default:
	}
}

// look finds the tenants that have jobs of the kinds, and opens their queues.
func (d *dispatcher) look(ctx context.Context) error {
	s, err := d.c.stream(ctx, events.JobsStream)
	if err != nil {
		return err
	}
	prefix := strings.TrimSuffix(events.Jobs.Name(d.class, "*", "*"), "*.*")
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return fmt.Errorf("list subjects: %w", err)
	}
	found := map[string]bool{}
	for subject := range info.State.Subjects {
		tenant, kind, ok := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
		if ok && slices.Contains(d.w.Kinds, kind) {
			found[tenant] = true
		}
	}
	d.order = slices.DeleteFunc(d.order, func(t string) bool {
		if !found[t] {
			d.known.Delete(t)
			delete(d.queues, t)
		}
		return !found[t]
	})
	for tenant := range found {
		if _, known := d.known.LoadOrStore(tenant, true); !known {
			d.order = append(d.order, tenant)
		}
	}
	return nil
}

// queue is a tenant's, made where it is missing.
func (d *dispatcher) queue(ctx context.Context, tenant string) (jetstream.Consumer, error) {
	if q := d.queues[tenant]; q != nil {
		return q, nil
	}
	s, err := d.c.stream(ctx, events.JobsStream)
	if err != nil {
		return nil, err
	}
	subjects := make([]string, len(d.w.Kinds))
	for i, kind := range d.w.Kinds {
		subjects[i] = events.Jobs.Name(d.class, tenant, kind)
	}
	q, err := s.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: d.w.Name + "_" + d.class + "_" + tenant, FilterSubjects: subjects, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxDeliver: -1, MaxAckPending: maxPending, InactiveThreshold: 24 * time.Hour,
	})
	if err != nil {
		return nil, fmt.Errorf("open the queue of %s: %w", tenant, err)
	}
	d.queues[tenant] = q
	return q, nil
}

// turn takes some jobs of each tenant while there is room. The tenant that comes first changes from turn to turn.
func (d *dispatcher) turn(ctx context.Context) (taken int) {
	for range len(d.order) {
		room := d.room()
		if room <= 0 || ctx.Err() != nil {
			return taken
		}
		tenant := d.order[0]
		d.order = append(d.order[1:], tenant)
		n, err := d.take(ctx, tenant, min(room, quantum))
		if err != nil && ctx.Err() == nil {
			d.w.Log.Debug("no jobs taken", "class", d.class, "tenant", tenant, "error", err)
			delete(d.queues, tenant)
		}
		taken += n
	}
	return taken
}

func (d *dispatcher) room() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.w.Window(d.class) - d.inFlight
}

func (d *dispatcher) take(ctx context.Context, tenant string, n int) (taken int, err error) {
	q, err := d.queue(ctx, tenant)
	if err != nil {
		return 0, err
	}
	batch, err := q.FetchNoWait(n)
	if err != nil {
		return 0, err
	}
	for m := range batch.Messages() {
		taken++
		d.begin(ctx, m)
	}
	if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrNoResponders) {
		return taken, err
	}
	return taken, nil
}

// begin has a message done.
func (d *dispatcher) begin(ctx context.Context, m jetstream.Msg) {
	d.mu.Lock()
	d.inFlight++
	d.mu.Unlock()
	d.all.Go(func() {
		defer func() {
			d.mu.Lock()
			d.inFlight--
			d.mu.Unlock()
			d.wake()
		}()
		d.do(ctx, m)
	})
}
