package flow

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// keepEnded is how many runs that have ended a board keeps.
const keepEnded = 256

// board folds the facts of all runs as they come. Of those that have ended it keeps the last ones. It is safe for concurrent use.
type board struct {
	mu      sync.Mutex
	runs    map[string]*State
	over    []string              // runs that have ended, in the order in which they did
	keep    int                   // of those
	latest  map[[2]string]*latest // by tenant and name
	recall  func(string) *State   // folds a run anew
	whole   func(proto.Message) proto.Message
	seen    uint64        // the number of the last fact in EVENTS that was taken in
	changed chan struct{} // closed at the next change
}

// latest is the last complete run of a name.
type latest struct {
	plan  *datav1.RunPlanned
	ended int64
}

func newBoard() *board {
	return &board{runs: map[string]*State{}, keep: keepEnded, latest: map[[2]string]*latest{}, changed: make(chan struct{})}
}

// watch takes in facts until the returned function is called.
func (b *board) watch(ctx context.Context, js jetstream.JetStream, store *blob.Store) (stop func(), err error) {
	b.recall = func(run string) *State { return insist(ctx, js, store, run) }
	b.whole = func(f proto.Message) proto.Message { return insistWhole(ctx, store, f) }
	c, err := js.OrderedConsumer(ctx, events.EventsStream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{events.DataFacts("*")}})
	if err != nil {
		return nil, fmt.Errorf("watch the facts of runs: %w", err)
	}
	run, err := c.Consume(b.take)
	if err != nil {
		return nil, fmt.Errorf("watch the facts of runs: %w", err)
	}
	return func() { run.Stop(); discard(js, c) }, nil
}

func (b *board) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return
	}
	run, f := readFact(m.Subject(), m.Data())
	f = b.whole(f) // which may wait for the store
	again := b.resumed(run, f)
	b.mu.Lock()
	defer b.mu.Unlock()
	if again != nil {
		b.runs[run] = again
	}
	b.apply(run, f)
	b.seen = max(b.seen, meta.Sequence.Stream)
	close(b.changed)
	b.changed = make(chan struct{})
}

// resumed is a run's state where a fact takes up a run that was forgotten, else nil.
func (b *board) resumed(run string, f proto.Message) *State {
	if _, ok := f.(*datav1.RunResumed); !ok {
		return nil
	}
	b.mu.Lock()
	known := b.runs[run] != nil
	b.mu.Unlock()
	if known {
		return nil
	}
	return b.recall(run)
}

// apply takes in a fact. One of a run that is not known, and that does not plan it, is of one that was forgotten.
func (b *board) apply(run string, f proto.Message) {
	if _, plans := f.(*datav1.RunPlanned); b.runs[run] == nil && plans {
		b.runs[run] = NewState()
	}
	s := b.runs[run]
	if s == nil || f == nil {
		return
	}
	s.Apply(f)
	if end, ok := f.(*datav1.RunEnded); ok && s.Ended() != nil {
		b.ended(run, s, end)
	}
}

// ended remembers how far a complete run has read, and forgets runs that have ended before the last ones.
func (b *board) ended(run string, s *State, f *datav1.RunEnded) {
	if key := [2]string{s.planned.GetRun().GetTenant(), s.planned.GetRun().GetName()}; f.GetOutcome() == datav1.Outcome_OUTCOME_COMPLETE && key[1] != "" {
		if have := b.latest[key]; have == nil || have.ended < f.GetUnixNanos() {
			plan := &datav1.RunPlanned{Run: s.planned.GetRun(), Watermark: s.planned.GetWatermark(), Schema: s.planned.GetSchema(), UnixNanos: s.planned.GetUnixNanos()}
			b.latest[key] = &latest{plan, f.GetUnixNanos()}
		}
	}
	b.over = append(slices.DeleteFunc(b.over, func(r string) bool { return r == run }), run)
	for len(b.over) > b.keep {
		if old := b.runs[b.over[0]]; old != nil && old.Ended() != nil { // it may have been resumed
			delete(b.runs, b.over[0])
		}
		b.over = b.over[1:]
	}
}

// look calls f with a run's state, which must not be kept; nil where nothing is known of it.
func (b *board) look(run string, f func(*State)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b.runs[run])
}

// each calls f with the state of every run that is planned.
func (b *board) each(f func(run string, s *State)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for run, s := range b.runs {
		if s.planned != nil {
			f(run, s)
		}
	}
}

func (b *board) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// current returns when every fact of a run that was stored before the call is in the fold.
func (b *board) current(ctx context.Context, js jetstream.JetStream, run string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := js.Stream(ctx, events.EventsStream)
	if err != nil {
		return fmt.Errorf("look for the last fact of %s: %w", run, err)
	}
	m, err := s.GetLastMsgForSubject(ctx, events.DataFacts(run))
	if err != nil {
		return fmt.Errorf("look for the last fact of %s: %w", run, err)
	}
	for {
		changed := b.wait()
		b.mu.Lock()
		seen := b.seen
		b.mu.Unlock()
		if seen >= m.Sequence {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for the facts of %s: %w", run, ctx.Err())
		}
	}
}
