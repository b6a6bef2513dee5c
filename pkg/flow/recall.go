package flow

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/events"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// recallTime bounds one try to fold a run from its facts.
const recallTime = 10 * time.Second

// recall folds the facts of one run that EVENTS has now; of one that it does not know nothing is planned.
func recall(ctx context.Context, js jetstream.JetStream, store *blob.Store, run string) (*State, error) {
	ctx, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	out := NewState()
	c, err := js.OrderedConsumer(ctx, events.EventsStream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{events.DataFacts(run)}})
	if err != nil {
		return nil, fmt.Errorf("look for the facts of %s: %w", run, err)
	}
	defer discard(js, c)
	left := c.CachedInfo().NumPending
	if left == 0 {
		return out, nil
	}
	in, err := c.Messages()
	if err != nil {
		return nil, fmt.Errorf("read the facts of %s: %w", run, err)
	}
	defer in.Stop()
	for ; left > 0; left-- {
		m, err := in.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, fmt.Errorf("read the facts of %s: %w", run, err)
		}
		_, f := readFact(m.Subject(), m.Data())
		if f, err = whole(ctx, store, f); err != nil {
			return nil, err
		}
		if f != nil {
			out.Apply(f)
		}
	}
	return out, nil
}

// discard removes a consumer of EVENTS that is read no more; where that fails the server does it after some minutes.
func discard(js jetstream.JetStream, c jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if info := c.CachedInfo(); info != nil {
		_ = js.DeleteConsumer(ctx, events.EventsStream, info.Name)
	}
}

// insist folds a run, trying again for as long as ctx lasts; nil after that, or where nothing is planned.
func insist(ctx context.Context, js jetstream.JetStream, store *blob.Store, run string) *State {
	for {
		s, err := recall(ctx, js, store, run)
		if err == nil && s.planned != nil {
			return s
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryFirst):
		}
	}
}

// State calls f with the state of a run, which must not be kept; nil where nothing is known of it. One that has ended and was forgotten is folded anew from
// the bus.
func (r *Runner) State(ctx context.Context, run string, f func(*State)) error {
	known := false
	r.board.look(run, func(s *State) {
		if known = s != nil && s.planned != nil; known {
			f(s)
		}
	})
	if known {
		return nil
	}
	s, err := recall(ctx, r.Bus.JetStream(), r.Blob, run)
	if err != nil {
		return err
	}
	if s.planned == nil {
		s = nil
	}
	f(s)
	return nil
}

// Latest is the plan of the last complete run of a tenant's name, without its partitions; nil where there is none.
func (r *Runner) Latest(tenant, name string) *datav1.RunPlanned {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	if l := r.board.latest[[2]string{tenant, name}]; l != nil {
		return l.plan
	}
	return nil
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
