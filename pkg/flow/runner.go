package flow

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

const (
	lookEvery   = 250 * time.Millisecond // besides every change of a fact
	heldFor     = time.Second            // how long a part that another replica has is left alone
	retryFirst  = 500 * time.Millisecond
	retryMost   = 30 * time.Second
	finishTries = 20 // of a stage's judgement, and of a dataset's publication: some seven minutes
)

// Deps is what a Runner works with.
type Deps struct {
	ID   string // of this replica: a NATS token
	Log  *slog.Logger
	Bus  *bus.Bus
	NATS bus.Config
	Blob *blob.Store
	// Publish makes the dataset of a run whose stages have all finished; success says whether the checks hold. The same run gives the same version. nil: none
	// is made. Only replicas with sources use it.
	Publish func(ctx context.Context, store *blob.Store, s Summary) (version string, err error)
	// Started is told of every run that is planned, attempt 0, and of each attempt after it, before anybody works on it; Ending of an attempt's end before that
	// is a fact: perhaps several times, of the same each time. An error is tried again, by whoever asked for the start. nil: nobody is told.
	Started func(ctx context.Context, f *datav1.RunPlanned, attempt uint32, at time.Time) error
	Ending  func(ctx context.Context, store *blob.Store, s Summary, f *datav1.RunEnded) error
}

// Runner works on runs. Make it with New, run it once.
type Runner struct {
	Deps
	id       string
	cfg      Config
	handlers map[string]Handler
	sources  map[string]Source
	board    *board
	bulk     jetstream.JetStream
	leases   jetstream.KeyValue
	ready    chan struct{}
	trouble  atomic.Pointer[error] // why the streams could not be opened at the last try

	mu     sync.Mutex
	active map[string]context.CancelFunc // by lease
	busy   map[string]int                // partitions by kind
	not    map[string]time.Time          // leases that are not to be tried before
	tries  map[string]uint32             // failures by lease
	turn   int

	retryFirst  time.Duration
	finishTries uint32
	absentFor   time.Duration
	gapMost     time.Duration
	work        sync.WaitGroup
}

// New makes a runner for some kinds of stages. It opens nothing.
func New(d Deps, cfg Config, sources []Source, handlers ...Handler) *Runner {
	r := &Runner{
		Deps: d, id: d.ID, cfg: cfg, handlers: map[string]Handler{}, sources: map[string]Source{}, board: newBoard(), ready: make(chan struct{}),
		active: map[string]context.CancelFunc{}, busy: map[string]int{}, not: map[string]time.Time{}, tries: map[string]uint32{},
		retryFirst: retryFirst, finishTries: finishTries, absentFor: absentFor, gapMost: gapMost,
	}
	for _, h := range handlers {
		r.handlers[h.Kind()] = h
	}
	for _, s := range sources {
		r.sources[s.Kind()] = s
	}
	return r
}

// Ready is closed when the streams are open.
func (r *Runner) Ready() <-chan struct{} { return r.ready }

// Trouble is why the streams cannot be opened, while that is so and has been tried.
func (r *Runner) Trouble() error {
	select {
	case <-r.ready:
		return nil
	default:
	}
	if err := r.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Run works on runs until ctx ends, then lets go of what it holds and returns nil.
func (r *Runner) Run(ctx context.Context) error {
	var stop func()
	for {
		err := r.open(ctx)
		if err == nil {
			stop, err = r.board.watch(ctx, r.Bus.JetStream(), r.Blob)
		}
		if err == nil {
			break
		}
		r.trouble.Store(&err)
		r.Log.Warn("data runs not opened; trying again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
	defer stop()
	close(r.ready)
	defer r.work.Wait()
	if len(r.sources) > 0 {
		r.work.Go(func() { r.absences(ctx) })
	}
	for ctx.Err() == nil {
		changed := r.board.wait()
		r.look(ctx)
		select {
		case <-changed:
		case <-time.After(lookEvery):
		case <-ctx.Done():
		}
	}
	return nil
}

func (r *Runner) open(ctx context.Context) (err error) {
	if err = Ensure(ctx, r.Bus, r.NATS, r.cfg); err != nil {
		return err
	}
	if r.bulk, err = jetstream.New(r.Bus.Conn(bus.Bulk), jetstream.WithPublishAsyncTimeout(5*time.Second)); err != nil {
		return fmt.Errorf("open JetStream for batches: %w", err)
	}
	r.leases, err = r.Bus.Leases(ctx, r.NATS)
	return err
}

// job is something that one replica at a time does.
type job struct {
	lease string
	kind  string // counted against the partitions at a time; empty: not
	place Place
	do    func(context.Context, job) error
}

// look begins what is there to be done and that nobody does, and stops what is over.
func (r *Runner) look(ctx context.Context) {
	r.board.mu.Lock()
	admitted := r.admit()
	var byClass [3][][]job
	for _, s := range r.board.runs {
		if s.planned == nil {
			continue
		}
		if s.Over() || len(s.Failures()) > 0 {
			r.stop(s)
		}
		if todo := r.jobs(s, admitted[s.planned.GetRun().GetId()]); len(todo) > 0 {
			class := s.class()
			byClass[class] = append(byClass[class], todo)
		}
	}
	r.board.mu.Unlock()
	r.turn++
	for _, runs := range byClass {
		r.order(runs)
		r.share(ctx, runs)
	}
}

// class is a run's place among the classes: while there is work of one, those behind it get what room it leaves.
func (s *State) class() int {
	switch s.planned.GetClass() {
	case jobs.High:
		return 0
	case jobs.Normal:
		return 1
	}
	return 2
}

// share begins one thing of each run, then the next of each, while there is room.
func (r *Runner) share(ctx context.Context, byRun [][]job) {
	for begun := true; begun; {
		begun = false
		for i := range byRun {
			at := (i + r.turn) % len(byRun)
			if len(byRun[at]) > 0 {
				r.begin(ctx, byRun[at][0])
				byRun[at], begun = byRun[at][1:], true
			}
		}
	}
}

func (r *Runner) stop(s *State) {
	prefix := events.DataLease(s.planned.GetRun().GetId()) + "."
	r.mu.Lock()
	defer r.mu.Unlock()
	for lease, cancel := range r.active {
		if len(lease) > len(prefix) && lease[:len(prefix)] == prefix {
			cancel()
		}
	}
}
