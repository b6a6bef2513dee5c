package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

const (
	lookEvery  = 250 * time.Millisecond // besides every change of a fact
	heldFor    = time.Second            // how long a part that another replica has is left alone
	retryFirst = 500 * time.Millisecond
	retryMost  = 30 * time.Second
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
	Publish func(ctx context.Context, s Summary) (version string, err error)
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
	work   sync.WaitGroup
}

// New makes a runner for some kinds of stages. It opens nothing.
func New(d Deps, cfg Config, sources []Source, handlers ...Handler) *Runner {
	r := &Runner{
		Deps: d, id: d.ID, cfg: cfg, handlers: map[string]Handler{}, sources: map[string]Source{}, board: newBoard(), ready: make(chan struct{}),
		active: map[string]context.CancelFunc{}, busy: map[string]int{}, not: map[string]time.Time{}, tries: map[string]uint32{},
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
	for {
		err := r.open(ctx)
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
	stop, err := r.board.watch(ctx, r.Bus.JetStream())
	if err != nil {
		return err
	}
	defer stop()
	close(r.ready)
	defer r.work.Wait()
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
	var byRun [][]job
	for _, s := range r.board.runs {
		if s.planned == nil {
			continue
		}
		if s.Over() || len(s.Failures()) > 0 {
			r.stop(s)
		}
		if jobs := r.jobs(s); len(jobs) > 0 {
			byRun = append(byRun, jobs)
		}
	}
	r.board.mu.Unlock()
	r.turn++
	for begun := true; begun; { // one of each run, then the next of each
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

// jobs are what this replica could do for a run now.
func (r *Runner) jobs(s *State) []job {
	run := s.planned.GetRun()
	var out []job
	if len(r.sources) > 0 && s.Ended() == nil && (s.Cancelled() != nil || len(s.Failures()) > 0 || s.allFinished()) {
		out = append(out, job{lease: events.DataLease(run.GetId()), place: Place{Run: run}, do: r.end})
	}
	if s.Over() || len(s.Failures()) > 0 {
		return out
	}
	for _, stage := range run.GetStages() {
		do := r.doer(stage)
		if do == nil {
			continue
		}
		place := Place{Run: run, Stage: stage, Blob: r.Blob, Schema: s.planned.GetSchema()}
		if s.StageDone(stage.GetName()) && s.Finished(stage.GetName()) == nil {
			out = append(out, job{lease: events.DataLease(run.GetId(), stage.GetName()), place: place, do: r.finish})
		}
		for _, p := range s.planned.GetPartitions() {
			if s.todo(stage.GetName(), p.GetNumber()) {
				place.Partition = p
				lease := events.DataLease(run.GetId(), stage.GetName(), strconv.Itoa(int(p.GetNumber())))
				out = append(out, job{lease: lease, kind: stage.GetKind(), place: place, do: do})
			}
		}
	}
	return out
}

func (r *Runner) doer(s *datav1.Stage) func(context.Context, job) error {
	if r.sources[s.GetKind()] != nil {
		return r.read
	}
	if r.handlers[s.GetKind()] != nil {
		return r.carry
	}
	return nil
}

func (s *State) allFinished() bool {
	for _, stage := range s.planned.GetRun().GetStages() {
		if s.Finished(stage.GetName()) == nil {
			return false
		}
	}
	return true
}

// begin does a job if there is room and its lease is free.
func (r *Runner) begin(ctx context.Context, j job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[j.lease] != nil || time.Now().Before(r.not[j.lease]) || j.kind != "" && r.busy[j.kind] >= r.cfg.Partitions {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	r.active[j.lease] = cancel
	r.busy[j.kind]++
	r.work.Go(func() {
		defer cancel()
		wait := r.attempt(ctx, j)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.active, j.lease)
		r.busy[j.kind]--
		r.not[j.lease] = time.Now().Add(wait)
	})
}

// attempt does a job if nobody else does, and says after what time it may be looked at again.
func (r *Runner) attempt(ctx context.Context, j job) (wait time.Duration) {
	got, err := r.hold(ctx, j.lease, func(ctx context.Context) {
		err := r.board.current(ctx, r.Bus.JetStream(), j.place.Run.GetId())
		if err == nil {
			err = j.do(ctx, j)
		}
		wait = r.ended(ctx, j, err)
	})
	if err != nil && ctx.Err() == nil {
		r.Log.Debug("lease not taken", "lease", j.lease, "error", err)
	}
	if !got {
		return heldFor
	}
	return wait
}

// errYield says that a partition has nothing to be done for now.
var errYield = errors.New("nothing arrives")

// ended judges how a job went.
func (r *Runner) ended(ctx context.Context, j job, err error) time.Duration {
	switch {
	case err == nil:
		r.failures(j, false)
		return 0
	case errors.Is(err, errYield):
		return heldFor
	case ctx.Err() != nil:
		return 0
	}
	tries := r.failures(j, true)
	var final *Error
	if errors.As(err, &final) && j.place.Partition != nil {
		r.failed(ctx, j, final)
		return heldFor
	}
	r.Log.Warn("data run held up", "lease", j.lease, "tries", tries, "error", err)
	if j.place.Stage != nil {
		r.troubled(ctx, j, tries, err)
	}
	return min(retryFirst<<min(tries-1, 10), retryMost)
}

// failures counts how often a job failed in a row.
func (r *Runner) failures(j job, failed bool) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !failed {
		delete(r.tries, j.lease)
		return 0
	}
	r.tries[j.lease]++
	return r.tries[j.lease]
}

// troubled says that something is tried again.
func (r *Runner) troubled(ctx context.Context, j job, tries uint32, err error) {
	t := &datav1.StageTrouble{
		Run: j.place.Run.GetId(), Stage: j.place.Stage.GetName(), Partition: j.place.Partition.GetNumber(), Tries: tries, Replica: r.id,
		UnixNanos: time.Now().UnixNano(), Trouble: &datav1.Trouble{Code: codeOf(err), Message: err.Error()},
	}
	id := fmt.Sprintf("%s.trouble.%s.%d", j.lease, r.id, t.GetUnixNanos())
	if err := r.say(ctx, events.StageTrouble.Name(t.GetRun()), id, t); err != nil {
		r.Log.Debug("trouble not said", "error", err)
	}
}

func (r *Runner) failed(ctx context.Context, j job, e *Error) {
	f := &datav1.PartitionFailed{
		Run: j.place.Run.GetId(), Stage: j.place.Stage.GetName(), Partition: j.place.Partition.GetNumber(), Replica: r.id, UnixNanos: time.Now().UnixNano(),
		Trouble: &datav1.Trouble{Code: e.Code, Message: e.Message}, Objects: e.kept,
	}
	r.board.look(f.GetRun(), func(s *State) { f.Attempt = s.Attempt() })
	if err := r.say(ctx, events.PartitionFailed.Name(f.GetRun()), fmt.Sprintf("%s.failed.%d", j.lease, f.GetAttempt()), f); err != nil {
		r.Log.Warn("failure of a partition not said", "lease", j.lease, "error", err)
	}
}

func codeOf(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, blob.ErrNoSpace):
		return "no_space"
	}
	return "unavailable"
}

// say stores a fact.
func (r *Runner) say(ctx context.Context, subject, id string, m proto.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return r.Bus.PublishFact(ctx, subject, id, r.id, time.Now(), m)
}
