package flow_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/blob"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/conf"
	"github.com/leathq/leat/pkg/flow"
	"github.com/leathq/leat/pkg/jobs"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
)

// counting is a source of numbered rows: partition p has rows "p:0", "p:1", …, ten a batch. Every seventh chunk has a refusal, too.
type counting struct {
	partitions, batches int
	read                atomic.Int64 // chunks
	fail                func(partition uint32, batch int) error
	spec                []byte // of each partition
	pad                 int    // bytes more in each batch
}

func (c *counting) Kind() string       { return "ingest" }
func (c *counting) Check([]byte) error { return nil }

func (c *counting) Plan(context.Context, *datav1.Run, *datav1.Stage) (*flow.Plan, error) {
	p := &flow.Plan{Schema: []byte("{}"), Watermark: []byte("{}")}
	for i := range c.partitions {
		p.Partitions = append(p.Partitions, &datav1.Partition{Key: fmt.Sprint(i), Spec: c.spec})
	}
	return p, nil
}

func (c *counting) Open(_ context.Context, p flow.Place, cursor json.RawMessage) (flow.Stream, error) {
	s := &rows{c: c, p: p.Partition.GetNumber()}
	if cursor != nil {
		return s, json.Unmarshal(cursor, &s.n)
	}
	return s, nil
}

type rows struct {
	c *counting
	p uint32
	n int
}

func (s *rows) Next(context.Context) (*flow.Chunk, error) {
	if s.n == s.c.batches {
		return nil, io.EOF
	}
	if s.c.fail != nil {
		if err := s.c.fail(s.p, s.n); err != nil {
			return nil, err
		}
	}
	var lines []string
	for i := range 10 {
		lines = append(lines, fmt.Sprintf("%d:%d", s.p, s.n*10+i))
	}
	lines[0] += strings.Repeat("0", s.c.pad)
	out := &flow.Chunk{Batch: flow.Batch{Data: []byte(strings.Join(lines, "\n")), Rows: 10, Schema: "s"}}
	if s.n%7 == 3 {
		out.Refused = []flow.Refusal{{File: fmt.Sprint(s.p), Line: int64(s.n), Reason: "odd"}}
	}
	s.n++
	s.c.read.Add(1)
	out.After, _ = json.Marshal(s.n)
	return out, nil
}

func (s *rows) Close() error { return nil }

// keeping is a stage that keeps rows: those ending in 3 are quarantined, all others kept and passed on.
type keeping struct {
	kind  string
	gate  func(ctx context.Context, p flow.Place, n uint64) error // before each batch; nil: none
	close func(p flow.Place) error                                // at a segment's end; nil: none
	lose  bool                                                    // a row of each segment, from the books

	finish func() error // nil: none
}

func (k *keeping) Kind() string       { return k.kind }
func (k *keeping) Check([]byte) error { return nil }

func (k *keeping) Segment(_ context.Context, p flow.Place) (flow.Segment, error) {
	return &kept{k: k, p: p, counts: &datav1.Counts{}}, nil
}

func (k *keeping) Finish(context.Context, flow.Finishing) (*datav1.StageFinished, error) {
	if k.finish != nil {
		if err := k.finish(); err != nil {
			return nil, err
		}
	}
	return &datav1.StageFinished{Success: true}, nil
}

type kept struct {
	k           *keeping
	p           flow.Place
	valid, away bytes.Buffer
	counts      *datav1.Counts
}

func (s *kept) Add(ctx context.Context, n uint64, b flow.Batch) (flow.Batch, error) {
	if s.k.gate != nil {
		if err := s.k.gate(ctx, s.p, n); err != nil {
			return flow.Batch{}, err
		}
	}
	lines := strings.Split(string(b.Data), "\n")
	if uint64(len(lines)) != b.Rows {
		return flow.Batch{}, &flow.Undecodable{Err: errors.New("not ten lines")}
	}
	var next []string
	for _, line := range lines {
		s.counts.RowsIn++
		if strings.HasSuffix(line, "3") {
			s.counts.Quarantined++
			s.away.WriteString(line + "\n")
			continue
		}
		s.counts.Valid++
		s.valid.WriteString(line + "\n")
		next = append(next, line)
	}
	return flow.Batch{Data: []byte(strings.Join(next, "\n")), Rows: uint64(len(next)), Schema: b.Schema}, nil
}

func (s *kept) Close(ctx context.Context) (*datav1.Counts, []*datav1.Object, error) {
	if s.k.close != nil {
		if err := s.k.close(s.p); err != nil {
			return nil, nil, err
		}
	}
	if s.k.lose {
		s.counts.Valid--
	}
	var out []*datav1.Object
	for role, data := range map[string][]byte{"valid": s.valid.Bytes(), "quarantine": s.away.Bytes()} {
		sum := sha256.Sum256(data)
		o := &datav1.Object{Role: role, Key: "shards/" + hex.EncodeToString(sum[:]), Digest: hex.EncodeToString(sum[:]), Bytes: uint64(len(data))}
		if err := s.p.Blob.Put(ctx, o.GetKey(), bytes.NewReader(data)); err != nil {
			return nil, nil, err
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *datav1.Object) int { return strings.Compare(b.GetRole(), a.GetRole()) })
	return s.counts, out, nil
}

func (s *kept) Discard() {}

// site is a bus, a store, and replicas that come and go.
type site struct {
	missAfter time.Duration // above 0: how long nobody works on a stage before replicas say so
	gapMost   time.Duration // above 0: how long a batch may not come that was sent
	t         *testing.T
	nats      *embed.Server
	store     *blob.Store
	bus       *bus.Bus
	cfg       flow.Config
	log       *slog.Logger

	mu    sync.Mutex
	count int
}

type replica struct {
	*flow.Runner
	stop func()
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, bustest.Start(t))
}

func newSiteOn(t *testing.T, nats *embed.Server) *site {
	t.Helper()
	s := &site{t: t, nats: nats, cfg: flow.DefaultConfig(), log: slog.New(slog.DiscardHandler)}
	s.cfg.SegmentBytes, s.cfg.BatchBytes, s.cfg.MaxBytes, s.cfg.Partitions = 8*conf.KiB, conf.KiB, 64*conf.MiB, 4
	s.bus = bustest.Connect(t, s.nats, bus.Options{})
	if err := jobs.Ensure(t.Context(), s.bus, jobs.DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	var err error
	if s.store, err = blob.Open(t.Context(), "mem://"); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs a replica. Its stop is as a crash to the others, but that its leases are given back.
func (s *site) start(sources []flow.Source, handlers ...flow.Handler) *replica {
	s.t.Helper()
	s.mu.Lock()
	s.count++
	id := fmt.Sprintf("replica-%d", s.count)
	s.mu.Unlock()
	r := flow.New(flow.Deps{ID: id, Log: s.log, Bus: s.bus, NATS: bus.DefaultConfig(), Blob: s.store}, s.cfg, sources, handlers...)
	if s.missAfter > 0 {
		r.MissAfter(s.missAfter)
	}
	if s.gapMost > 0 {
		r.GapMost(s.gapMost)
		r.TryFast()
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := r.Run(ctx); err != nil {
			s.t.Error(err)
		}
	}()
	out := &replica{r, sync.OnceFunc(func() { cancel(); <-over })}
	s.t.Cleanup(out.stop)
	select {
	case <-r.Ready():
	case <-time.After(20 * time.Second):
		s.t.Fatal("the runner does not start")
	}
	return out
}

func twoStages(id string) *datav1.Run {
	return &datav1.Run{Id: id, Name: "n", Stages: []*datav1.Stage{{Name: "in", Kind: "ingest"}, {Name: "keep", Kind: "keep", From: "in"}}}
}

func threeStages(id string) *datav1.Run {
	r := twoStages(id)
	r.Stages = append(r.Stages, &datav1.Stage{Name: "last", Kind: "last", From: "keep"})
	return r
}

// await waits until a run's state satisfies ok, and fails with what it is where it does not.
func await(t *testing.T, r *replica, run, what string, ok func(*flow.State) bool) {
	t.Helper()
	late := time.After(60 * time.Second)
	for {
		changed, done, over, shown := r.Changed(), false, false, ""
		r.Look(run, func(s *flow.State) {
			if s == nil {
				return
			}
			done, over = ok(s), s.Ended() != nil
			shown = fmt.Sprintf("ended %v, failures %v, total %v, trouble %v", s.Ended(), s.Failures(), s.Total(), s.Trouble("keep"))
		})
		if done {
			return
		}
		if over {
			t.Fatalf("run %s: ended, and not %s: %s", run, what, shown)
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("run %s: not %s after a minute: %s", run, what, shown)
		}
	}
}

func ended(o datav1.Outcome) func(*flow.State) bool {
	return func(s *flow.State) bool { return s.Ended() != nil && s.Ended().GetOutcome() == o }
}

// fingerprint is all that a run made: what it kept by segment, and its digests and counts, without who and when.
func fingerprint(r *replica, run string) string {
	var b strings.Builder
	r.Look(run, func(s *flow.State) {
		for _, stage := range s.Planned().GetRun().GetStages() {
			for _, p := range s.Planned().GetPartitions() {
				d := s.Done(stage.GetName(), p.GetNumber())
				fmt.Fprintf(&b, "%s/%d %v %s\n", stage.GetName(), p.GetNumber(), plain(d.GetCounts()), d.GetDigest())
				for _, x := range s.Segments(stage.GetName(), p.GetNumber()) {
					fmt.Fprintf(&b, " seg %d to %d %v", x.GetSegment(), x.GetNextBatch(), plain(x.GetCounts()))
					for _, o := range x.GetObjects() {
						fmt.Fprintf(&b, " %s=%s", o.GetRole(), o.GetDigest())
					}
					b.WriteByte('\n')
				}
				for _, x := range s.Reads(stage.GetName(), p.GetNumber()) {
					fmt.Fprintf(&b, " read %d %v %s", x.GetSegment(), plain(x.GetCounts()), x.GetCursor())
					for _, o := range x.GetObjects() {
						fmt.Fprintf(&b, " %s=%s", o.GetRole(), o.GetDigest())
					}
					b.WriteByte('\n')
				}
			}
		}
	})
	return b.String()
}

func plain(c *datav1.Counts) [6]uint64 {
	return [6]uint64{c.GetRowsIn(), c.GetValid(), c.GetQuarantined(), c.GetRefused(), c.GetBatches(), c.GetBytes()}
}
