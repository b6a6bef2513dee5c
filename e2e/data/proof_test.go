package data_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/dataset"
	"github.com/leathq/leat/pkg/flow"
	datav1 "github.com/leathq/leat/proto/gen/leat/data/v1"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
)

var (
	records   = flag.Int("records", 240000, "records of the corpus that runs are proved with")
	killEvery = flag.Duration("kill-every", time.Second, "time between two processes that are killed under a run")
	killMost  = flag.Int("kills", 4, "processes that are killed under a run; 0: until it ends")
	killSeed  = flag.Uint64("kill-seed", 1, "which ones")
)

// small has segments so small that there are many.
func small() flow.Config {
	c := flow.DefaultConfig()
	c.SegmentBytes, c.BatchBytes, c.MaxBytes = 2<<20, 128<<10, 64<<20
	return c
}

// One, two and four replicas of each service make the same of the same input, byte for byte, and so do four of which one after another is killed without warning,
// the NATS server included: the same shards, counts and verdicts, every row once.
func TestReplicasAndKilledProcessesDoNotShow(t *testing.T) {
	const files = 4
	input := t.TempDir()
	lines(t, input, files, *records/files)
	want := ""
	for _, c := range []struct {
		name     string
		replicas int
		killed   bool
	}{{"one", 1, false}, {"two", 2, false}, {"four", 4, false}, {"two, killed", 2, true}, {"four, killed", 4, true}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(t, input, c.replicas, small())
			began := time.Now()
			f.submit(&ingestorv1.SubmitRequest{Run: reading("r", `{"source": {"type": "jsonl", "path": "*.jsonl", "partition_bytes": 4000000}}`)})
			kills := f.follow("r", c.killed)
			got := f.made("r")
			t.Logf("%d records in %.1f s, killed %v", *records, time.Since(began).Seconds(), kills)
			f.every("r", files*(*records/files))
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("made\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// follow waits for a run's complete end; where asked for, it kills one process after another meanwhile and starts each again, or lets it stand still for some seconds: of
// each kind in turn, in an order and of those at random.
func (f *fleet) follow(run string, kill bool) map[string]int {
	f.t.Helper()
	random := rand.New(rand.NewPCG(*killSeed, uint64(len(f.validators))))
	kills, n, order := map[string]int{}, 0, random.Perm(4)
	next := time.Now()
	for limit := time.Now().Add(8 * time.Minute); ; {
		changed, outcome, shown, begun := f.watcher.Changed(), datav1.Outcome_OUTCOME_UNSPECIFIED, "", false
		f.watcher.Look(run, func(s *flow.State) {
			if s != nil {
				outcome, begun = s.Ended().GetOutcome(), s.StageCounts("validate").GetRowsIn() > 0
				shown = fmt.Sprint(s.Total(), s.Failures(), s.Ended(), s.Trouble("read"), s.Trouble("validate"))
			}
		})
		if outcome == datav1.Outcome_OUTCOME_COMPLETE {
			if kill && n < max(1, *killMost) {
				f.t.Errorf("the run ended after %d kills; take more -records", n)
			}
			return kills
		}
		if outcome != datav1.Outcome_OUTCOME_UNSPECIFIED || time.Now().After(limit) {
			f.t.Fatalf("killed %v; the run stands at %s", kills, shown)
		}
		if kill && begun && time.Now().After(next) && (*killMost == 0 || n < *killMost) {
			kills[f.killOne(order[n%4], random)]++
			n++
			next = time.Now().Add(*killEvery)
		}
		select {
		case <-changed:
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// killOne kills a process of a kind, which one at random, and starts it again, or freezes one.
func (f *fleet) killOne(kind int, r *rand.Rand) string {
	f.t.Helper()
	again := func(of []*procs.Process, start func() *procs.Process) {
		i := r.IntN(len(of))
		of[i].Kill(f.t)
		of[i] = start()
	}
	switch kind {
	case 0:
		f.nats.Kill(f.t)
		f.nats.Start(f.t)
		return "nats-server"
	case 1:
		again(f.ingestors, f.ingestor)
		return "ingestor"
	case 2:
		return f.freeze([]*procs.Process{f.ingestors[0], f.validators[0]}[r.IntN(2)])
	}
	again(f.validators, f.validator)
	return "validator"
}

// freeze stops a process for longer than a lease lives. It comes back and goes on where it stood, as if nothing were another's by now.
func (f *fleet) freeze(p *procs.Process) string {
	f.t.Helper()
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		f.t.Fatal(err)
	}
	time.AfterFunc(bus.LeaseTTL+time.Second, func() { _ = syscall.Kill(p.PID(), syscall.SIGCONT) }) // it may have been killed
	return "frozen"
}

// made is all that a run made: what it kept by segment, its digests, counts and verdicts, without who and when.
func (f *fleet) made(run string) string {
	var b strings.Builder
	f.watcher.Look(run, func(s *flow.State) {
		for _, stage := range s.Planned().GetRun().GetStages() {
			name := stage.GetName()
			for _, p := range s.Planned().GetPartitions() {
				d := s.Done(name, p.GetNumber())
				fmt.Fprintf(&b, "%s/%d %s %s\n", name, p.GetNumber(), plain(d.GetCounts()), d.GetDigest())
				for _, x := range s.Segments(name, p.GetNumber()) {
					fmt.Fprintf(&b, " segment %d to %d %s%s\n", x.GetSegment(), x.GetNextBatch(), plain(x.GetCounts()), digests(x.GetObjects()))
				}
				for _, x := range s.Reads(name, p.GetNumber()) {
					fmt.Fprintf(&b, " read %d %s %s%s\n", x.GetSegment(), plain(x.GetCounts()), x.GetCursor(), digests(x.GetObjects()))
				}
			}
			fmt.Fprintf(&b, "%s %s %v %v\n", name, plain(s.Finished(name).GetCounts()), s.Finished(name).GetSuccess(), verdicts(s.Finished(name)))
		}
		fmt.Fprintf(&b, "all %s, version %s\n", plain(s.Ended().GetCounts()), s.Ended().GetVersion())
	})
	return b.String()
}

func plain(c *datav1.Counts) string {
	return fmt.Sprint([6]uint64{c.GetRowsIn(), c.GetValid(), c.GetQuarantined(), c.GetRefused(), c.GetBatches(), c.GetBytes()})
}

func digests(objects []*datav1.Object) (out string) {
	for _, o := range objects {
		out += " " + o.GetRole() + "=" + o.GetDigest()
	}
	return out
}

func verdicts(f *datav1.StageFinished) (out string) {
	for _, v := range f.GetVerdicts() {
		out += " " + v.GetGate() + " " + v.GetStatus() + " " + v.GetReason()
	}
	return out + digests(f.GetObjects())
}

// every looks into all shards: each record of the corpus is there once, where it belongs.
func (f *fleet) every(run string, n int) {
	f.t.Helper()
	var objects []*datav1.Object
	refused, expected := uint64(0), uint64(0)
	f.watcher.Look(run, func(s *flow.State) {
		refused = s.Total().GetRefused()
		for _, p := range s.Planned().GetPartitions() {
			for _, x := range s.Segments("validate", p.GetNumber()) {
				objects = append(objects, x.GetObjects()...)
			}
		}
	})
	seen := make([]string, n)
	shards := dataset.New(f.store)
	for _, o := range objects {
		role := map[string]string{"valid": "valid", "quarantine": "quarantined"}[o.GetRole()]
		if role == "" {
			continue
		}
		shard := dataset.Shard{Path: o.GetKey(), Digest: o.GetDigest(), Rows: int64(o.GetRows()), Bytes: int64(o.GetBytes())}
		err := shards.Read(f.t.Context(), shard, []string{"id"}, func(b *arrowio.Batch) error {
			for _, id := range b.Column(0).Int64s() {
				seen[id] += role
			}
			return nil
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	for i, got := range seen {
		want := fate(i)
		if want == "refused" {
			expected++
			want = ""
		}
		if got != want {
			f.t.Fatalf("record %d is %q, want %q", i, got, fate(i))
		}
	}
	if refused != expected {
		f.t.Errorf("%d records are refused, want %d", refused, expected)
	}
}
