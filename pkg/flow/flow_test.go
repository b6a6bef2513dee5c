package flow_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// A run through three stages ends complete with every row accounted for: 4 partitions × 60 batches × 10 rows, and what was refused.
func TestARunKeepsEveryRow(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 4, batches: 60}}, &keeping{kind: "keep"}, &keeping{kind: "last"})
	if err := r.Start(t.Context(), threeStages("r1"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r1", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	r.Look("r1", func(st *flow.State) {
		c, refused := st.Total(), uint64(4*9)
		if got, want := [4]uint64{c.GetRowsIn(), c.GetValid(), c.GetQuarantined(), c.GetRefused()}, [4]uint64{2400 + refused, 2160, 240, refused}; got != want {
			t.Errorf("in, valid, quarantined, refused are %v, want %v", got, want)
		}
	})
}

// One, two and four replicas make the same of the same input, also where they are stopped in the middle, at random batches and at segments' ends, and
// others go on.
func TestReplicasAndCrashesDoNotShow(t *testing.T) {
	t.Parallel() // it mostly waits
	want := ""
	for _, c := range []struct {
		name     string
		replicas int
		crashes  int64
	}{{"one", 1, 0}, {"two", 2, 0}, {"four", 4, 0}, {"one that dies", 1, 5}, {"four that die", 4, 8}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			got := s.dying(c.replicas, c.crashes)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("made\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// What a run made that was resumed after its source was broken is what it would have made at once.
func TestAResumedRunMakesTheSame(t *testing.T) {
	t.Parallel() // it mostly waits
	s := newSite(t)
	want := s.dying(1, 0)

	s = newSite(t)
	var broken atomic.Bool
	broken.Store(true)
	src := &counting{partitions: 4, batches: 60, fail: func(p uint32, n int) error {
		if broken.Load() && p == 2 && n == 31 {
			return &flow.Error{Code: "truncated_file", Message: "file 2 ends in the middle of a row"}
		}
		return nil
	}}
	r := s.start([]flow.Source{src}, &keeping{kind: "keep"}, &keeping{kind: "last"})
	if err := r.Start(t.Context(), threeStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "failed", ended(datav1.Outcome_OUTCOME_FAILED))
	r.Look("r", func(st *flow.State) {
		if f := st.Failures(); len(f) != 1 || f[0].GetPartition() != 2 || f[0].GetTrouble().GetCode() != "truncated_file" {
			t.Errorf("failures are %v", f)
		}
	})
	broken.Store(false)
	if n, err := r.Resume(t.Context(), "r"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	await(t, r, "r", "complete", func(st *flow.State) bool {
		return st.Attempt() == 1 && ended(datav1.Outcome_OUTCOME_COMPLETE)(st)
	})
	if got := fingerprint(r, "r"); got != want {
		t.Errorf("made\n%s\nwant\n%s", got, want)
	}
}

// A stage that takes nothing holds its source within the room of three segments and what is under way; when it goes on, so does all.
func TestASlowStageHoldsItsSource(t *testing.T) {
	s := newSite(t)
	s.cfg.SegmentBytes = 4 * s.cfg.BatchBytes
	opened := make(chan struct{})
	src := &counting{partitions: 1, batches: 200}
	gate := func(ctx context.Context, _ flow.Place, _ uint64) error {
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r := s.start([]flow.Source{src}, &keeping{kind: "keep", gate: gate})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	const room, underway = 3 * 4, 16 + 2
	full := func() bool {
		info := s.data()
		return info.State.Msgs >= room
	}
	for !full() {
		if t.Context().Err() != nil {
			t.Fatal("the stream never fills")
		}
	}
	for range 100 { // each a round trip, in which a source that is not held would read on
		s.data()
	}
	if got := src.read.Load(); got > room+underway {
		t.Errorf("the source has read %d batches, of which %d have room", got, room+underway)
	}
	close(opened)
	await(t, r, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
}

// A cancelled run ends, and leaves nothing on DATA.
func TestACancelledRunEnds(t *testing.T) {
	s := newSite(t)
	begun := make(chan struct{})
	once := sync.OnceFunc(func() { close(begun) })
	gate := func(ctx context.Context, _ flow.Place, _ uint64) error {
		once()
		<-ctx.Done()
		return ctx.Err()
	}
	r := s.start([]flow.Source{&counting{partitions: 2, batches: 60}}, &keeping{kind: "keep", gate: gate})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := r.Cancel(t.Context(), "r", "enough"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "cancelled", ended(datav1.Outcome_OUTCOME_CANCELLED))
	r.stop()
	if info := s.data(); info.State.Consumers != 0 {
		t.Errorf("%d consumers are left", info.State.Consumers)
	}
}

// A stage that loses a row fails the run by name.
func TestBooksThatDoNotBalanceFailTheRun(t *testing.T) {
	s := newSite(t)
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 5}}, &keeping{kind: "keep", lose: true})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "failed", ended(datav1.Outcome_OUTCOME_FAILED))
	r.Look("r", func(st *flow.State) {
		if x := st.Ended().GetTroubles(); len(x) != 1 || x[0].GetCode() != "books" {
			t.Errorf("troubles are %v", x)
		}
	})
}

// A message that is no batch goes to the dead letters and fails its partition.
func TestAnUndecodableBatchIsADeadLetter(t *testing.T) {
	s := newSite(t)
	gate := func(_ context.Context, _ flow.Place, n uint64) error {
		if n == 2 {
			return &flow.Undecodable{Err: errors.New("not Arrow")}
		}
		return nil
	}
	r := s.start([]flow.Source{&counting{partitions: 1, batches: 5}}, &keeping{kind: "keep", gate: gate})
	if err := r.Start(t.Context(), twoStages("r"), "bulk"); err != nil {
		t.Fatal(err)
	}
	await(t, r, "r", "failed", ended(datav1.Outcome_OUTCOME_FAILED))
	dead, err := s.bus.JetStream().Stream(t.Context(), "DLQ")
	if err != nil {
		t.Fatal(err)
	}
	m, err := dead.GetLastMsgForSubject(t.Context(), "dlq.DATA.data.r.in.0")
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header.Get("Leat-Reason"); !strings.Contains(got, "not Arrow") {
		t.Errorf("its reason is %q", got)
	}
}

// data is the stream of batches as it stands.
func (s *site) data() *jetstream.StreamInfo {
	s.t.Helper()
	x, err := s.bus.JetStream().Stream(s.t.Context(), "DATA")
	if err != nil {
		s.t.Fatal(err)
	}
	return x.CachedInfo()
}

// dying makes a run through three stages by some replicas, of which one dies and another comes at random places, and returns what it made.
func (s *site) dying(replicas int, crashes int64) string {
	var left atomic.Int64
	left.Store(crashes)
	die := make(chan struct{}, crashes+1)
	maybe := func(odds int) error {
		if left.Load() > 0 && rand.IntN(odds) == 0 && left.Add(-1) >= 0 {
			die <- struct{}{}
			return errors.New("as if the store were away")
		}
		return nil
	}
	gate := func(context.Context, flow.Place, uint64) error { return maybe(30) }
	end := func(flow.Place) error { return maybe(4) }
	begin := func() *replica {
		return s.start([]flow.Source{&counting{partitions: 4, batches: 60}}, &keeping{kind: "keep", gate: gate, close: end}, &keeping{kind: "last", gate: gate, close: end})
	}
	var all []*replica
	for range replicas {
		all = append(all, begin())
	}
	watcher := s.start(nil)
	if err := all[0].Start(s.t.Context(), threeStages("r"), "bulk"); err != nil {
		s.t.Fatal(err)
	}
	over := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			select {
			case <-die:
				all[0].stop()
				all = append(all[1:], begin())
			case <-over:
				return
			}
		}
	})
	await(s.t, watcher, "r", "complete", ended(datav1.Outcome_OUTCOME_COMPLETE))
	close(over)
	killer.Wait()
	return fingerprint(watcher, "r")
}
