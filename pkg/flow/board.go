package flow

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// board folds the facts of all runs as they come. It is safe for concurrent use.
type board struct {
	mu      sync.Mutex
	runs    map[string]*State
	seen    uint64        // the number of the last fact in EVENTS that was taken in
	changed chan struct{} // closed at the next change
}

func newBoard() *board { return &board{runs: map[string]*State{}, changed: make(chan struct{})} }

// watch takes in facts until the returned function is called.
func (b *board) watch(ctx context.Context, js jetstream.JetStream) (stop func(), err error) {
	c, err := js.OrderedConsumer(ctx, events.EventsStream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{events.DataFacts("*")}})
	if err != nil {
		return nil, fmt.Errorf("watch the facts of runs: %w", err)
	}
	run, err := c.Consume(b.take)
	if err != nil {
		return nil, fmt.Errorf("watch the facts of runs: %w", err)
	}
	return run.Stop, nil
}

func (b *board) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return
	}
	run, f := readFact(m.Subject(), m.Data())
	b.mu.Lock()
	defer b.mu.Unlock()
	if f != nil {
		if b.runs[run] == nil {
			b.runs[run] = NewState()
		}
		b.runs[run].Apply(f)
	}
	b.seen = max(b.seen, meta.Sequence.Stream)
	close(b.changed)
	b.changed = make(chan struct{})
}

// readFact decodes a fact; nil where it is none that this version knows.
func readFact(subject string, data []byte) (run string, f proto.Message) {
	parts := strings.Split(subject, ".")
	if len(parts) != 5 {
		return "", nil
	}
	makers := map[string]func() proto.Message{
		"run_planned":      func() proto.Message { return &datav1.RunPlanned{} },
		"source_progress":  func() proto.Message { return &datav1.SourceProgress{} },
		"segment_done":     func() proto.Message { return &datav1.SegmentDone{} },
		"partition_done":   func() proto.Message { return &datav1.PartitionDone{} },
		"partition_failed": func() proto.Message { return &datav1.PartitionFailed{} },
		"stage_trouble":    func() proto.Message { return &datav1.StageTrouble{} },
		"stage_finished":   func() proto.Message { return &datav1.StageFinished{} },
		"run_ended":        func() proto.Message { return &datav1.RunEnded{} },
		"run_cancelled":    func() proto.Message { return &datav1.RunCancelled{} },
		"run_resumed":      func() proto.Message { return &datav1.RunResumed{} },
	}
	make := makers[parts[2]]
	if make == nil {
		return "", nil
	}
	f = make()
	if proto.Unmarshal(data, f) != nil {
		return "", nil
	}
	return parts[4], f
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
