package ingestor_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
	ingestorv1 "github.com/leathq/leat/proto/gen/leat/ingestor/v1"
	"github.com/leathq/leat/services/ingestor"
)

const runOfFiles = `{"name": "docs", "stages": [
	{"name": "read", "kind": "ingest", "spec": {"source": {"type": "jsonl", "path": "*.jsonl", "partition_bytes": 400000, "max_bad": "2%"}}},
	{"name": "count", "kind": "count", "from": "read"}]}`

func (s *site) jobs() *jobs.Client {
	return jobs.New(s.bus, files.New(s.bus, files.Config{}), jobs.DefaultConfig())
}

func (s *site) publish(t *testing.T, id, class, request string) {
	t.Helper()
	if _, err := s.jobs().Submit(t.Context(), &jobs.Job{ID: id, Class: class, Tenant: "acme", Kind: jobs.Data, Request: []byte(request)}); err != nil {
		t.Fatal(err)
	}
}

// answer is what a job's result says.
type answer struct {
	Status                 int
	Outcome, Run, Name     string
	Counts                 map[string]uint64
	Error                  struct{ Code, Message string }
	Created, Begun, Ending time.Time
}

// result waits for a job's.
func (s *site) result(t *testing.T, id string) (a answer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := s.jobs().Results(ctx, jobs.Data, time.Now().Add(-time.Hour), func(r *jobs.Result) bool {
		if r.Job != id {
			return true
		}
		a.Status, a.Created, a.Begun, a.Ending = r.Status, r.Created, r.Started, r.Finished
		if err := json.Unmarshal(r.Response, &a); err != nil {
			t.Error(err)
		}
		return false
	})
	if err != nil {
		t.Fatalf("no result of %s: %v", id, err)
	}
	return a
}

// empty waits until no job of data is left.
func (s *site) empty(t *testing.T) {
	t.Helper()
	eventually(t, "the queue is empty", func() bool {
		n := 0
		if err := s.jobs().Waiting(t.Context(), jobs.Data, func(*jobs.Job) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// A job is a run of its id, tenant and class; its result is how that ended. The same job again is the same run.
func TestAJobIsARun(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 1000)
	s.publish(t, "j1", jobs.High, runOfFiles)
	got := s.result(t, "j1")
	if got.Status != 200 || got.Outcome != "complete" || got.Run != "j1" || got.Name != "docs" || got.Counts["rows_in"] != 1000 || got.Counts["refused"] != 10 {
		t.Errorf("the result is %+v", got)
	}
	if !got.Created.Before(got.Ending) || got.Begun.IsZero() {
		t.Errorf("it was created at %v, begun at %v, ended at %v", got.Created, got.Begun, got.Ending)
	}
	first := s.follow(t, "j1")
	if first.GetRun().GetTenant() != "acme" || first.GetClass() != jobs.High {
		t.Errorf("the run is %s's, of class %s", first.GetRun().GetTenant(), first.GetClass())
	}
	s.file(t, "b.jsonl", 10)
	m := s.bus.JetStream()
	if _, err := m.Publish(t.Context(), events.Jobs.Name(jobs.Bulk, "acme", jobs.Data), []byte(runOfFiles)); err != nil {
		t.Fatal(err) // another job, which has no id of its own
	}
	s.empty(t)
	list, err := s.ListRuns(t.Context(), &ingestorv1.ListRunsRequest{Name: "docs"})
	if err != nil || len(list.GetStates()) != 2 || list.GetStates()[0].GetCounts().GetRowsIn() != 10 {
		t.Errorf("the runs are %v, %v", list, err)
	}
	if again := s.follow(t, "j1"); again.GetPlannedUnixNanos() != first.GetPlannedUnixNanos() {
		t.Error("the run was planned again")
	}
}

// What cannot be a run is a dead letter with its reason, which its result and its state say, too.
func TestAJobThatIsNoRunIsADeadLetter(t *testing.T) {
	s := start(t, &counting{})
	s.file(t, "a.jsonl", 10)
	for id, c := range map[string]struct{ request, says string }{
		"none":     {`[1]`, "run"},
		"key":      {`{"sauce": {"type": "jsonl"}}`, `do you mean "source"?`},
		"type":     {`{"source": {"type": "jsonk", "path": "a.jsonl"}}`, `do you mean "jsonl"?`},
		"file":     {`{"source": {"type": "jsonl", "path": "z.jsonl"}}`, "z.jsonl"},
		"tenant":   {`{"tenant": "other", "source": {"type": "jsonl", "path": "a.jsonl"}}`, "tenant"},
		"other-id": {`{"id": "x", "stages": []}`, "id"},
	} {
		s.publish(t, id, jobs.Normal, c.request)
		if got := s.result(t, id); got.Status != 400 || !strings.Contains(got.Error.Message, c.says) {
			t.Errorf("%s: the result is %+v, want 400 with %s", id, got, c.says)
		}
		var letter *jobs.Letter
		if err := s.jobs().Letters(t.Context(), func(l *jobs.Letter) bool {
			if l.Job == id {
				letter = l
			}
			return true
		}); err != nil || letter == nil || !strings.Contains(letter.Reason, c.says) || string(letter.Data) != c.request {
			t.Errorf("%s: the dead letter is %+v, %v", id, letter, err)
		}
		state, err := s.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: id})
		if err != nil || state.GetState().GetPhase() != "failed" || !strings.Contains(state.GetState().GetTroubles()[0].GetMessage(), c.says) {
			t.Errorf("%s: its state is %v, %v", id, state, err)
		}
		if _, err := s.Resume(t.Context(), &ingestorv1.ResumeRequest{Run: id}); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s: resumed: %v", id, err)
		}
	}
	s.empty(t)
}

// gated is a stage that says when it has begun, and waits until it is opened.
func gated() (stage *counting, begun chan struct{}, open func()) {
	opened, begun := make(chan struct{}), make(chan struct{}, 1000)
	return &counting{gate: func(ctx context.Context) error {
		begun <- struct{}{}
		select {
		case <-opened:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}, begun, func() { close(opened) }
}

// Cancelling a job cancels its run, whether an ingestor has it or not, and cancelling the run gives the job that result.
func TestCancellingAJobCancelsItsRun(t *testing.T) {
	stage, begun, _ := gated()
	s := start(t, stage)
	s.file(t, "a.jsonl", 1000)
	s.publish(t, "held", jobs.Bulk, runOfFiles)
	<-begun
	if err := s.jobs().Cancel(t.Context(), "acme", jobs.Data, "held"); err != nil {
		t.Fatal(err)
	}
	if got := s.follow(t, "held"); got.GetPhase() != "cancelled" {
		t.Errorf("the run of the job is %s", got.GetPhase())
	}
	s.publish(t, "asked", jobs.Bulk, runOfFiles)
	<-begun
	if _, err := s.Cancel(t.Context(), &ingestorv1.CancelRequest{Run: "asked"}); err != nil {
		t.Fatal(err)
	}
	if got := s.result(t, "asked"); got.Status != jobs.StatusCancelled || got.Outcome != "cancelled" {
		t.Errorf("the job of the run has %+v", got)
	}
	s.publish(t, "alone", jobs.Bulk, runOfFiles)
	<-begun
	s.first() // nobody has the job now
	if err := s.jobs().Cancel(t.Context(), "acme", jobs.Data, "alone"); err != nil {
		t.Fatal(err)
	}
	s.join(t, "i2")
	if got := s.follow(t, "alone"); got.GetPhase() != "cancelled" {
		t.Errorf("the run of the job that nobody had is %s", got.GetPhase())
	}
	s.empty(t)
}

// Whoever gets a job again when its holder is gone goes on with the same run, although its input has changed, and the job has one result.
func TestAJobSurvivesItsIngestor(t *testing.T) {
	stage, begun, open := gated()
	s := start(t, stage)
	s.file(t, "a.jsonl", 1000)
	s.publish(t, "j", jobs.Bulk, runOfFiles)
	<-begun
	before, err := s.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: "j"})
	if err != nil {
		t.Fatal(err)
	}
	s.first()
	stream, err := s.bus.JetStream().Stream(t.Context(), events.JobsStream)
	if err == nil { // as if whoever had the job had died with it, and its time were up
		err = stream.DeleteConsumer(t.Context(), "ingestor_bulk_acme")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.file(t, "b.jsonl", 10)
	s.join(t, "i2")
	open()
	got := s.result(t, "j")
	if got.Status != 200 || got.Counts["rows_in"] != 1000 {
		t.Errorf("the result is %+v", got)
	}
	if after := s.follow(t, "j"); after.GetPlannedUnixNanos() != before.GetState().GetPlannedUnixNanos() || after.GetAttempt() != 0 {
		t.Errorf("the run is %v", after)
	}
	s.empty(t)
}

// A run that takes longer than the queue keeps jobs has its own result in the end.
func TestAJobOfALongRunHasItsResult(t *testing.T) {
	stage, begun, open := gated()
	s := start(t, stage, func(c *ingestor.Config) { c.Jobs.MaxAge = 100 * time.Millisecond })
	s.file(t, "a.jsonl", 1000)
	s.publish(t, "j", jobs.Bulk, runOfFiles)
	<-begun
	eventually(t, "the job is published again, and again", func() bool {
		stream, err := s.bus.JetStream().Stream(t.Context(), events.JobsStream)
		return err == nil && stream.CachedInfo().State.LastSeq >= 3
	})
	open()
	if got := s.result(t, "j"); got.Status != 200 || got.Outcome != "complete" || got.Counts["rows_in"] != 1000 {
		t.Errorf("the result is %+v", got)
	}
	if got := s.follow(t, "j"); got.GetAttempt() != 0 || got.GetPhase() != "complete" {
		t.Errorf("the run is %v", got)
	}
	s.empty(t)
}

// A run that is submitted as a job waits where there is no room, can be seen and cancelled there, and what is wrong with its description is said at once.
func TestARunWaitsForRoom(t *testing.T) {
	stage, begun, open := gated()
	s := start(t, stage)
	s.file(t, "a.jsonl", 1000)
	submit := func(id, class string) {
		if _, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: reading(id), Class: class, Job: true}); err != nil {
			t.Fatal(err)
		}
	}
	s.first()
	s.cfg.Runs = 1
	s.join(t, "i2")
	submit("r1", "")
	<-begun
	submit("r2", "")
	submit("r3", "")
	for _, id := range []string{"r2", "r3"} {
		if got, err := s.GetRun(t.Context(), &ingestorv1.GetRunRequest{Run: id}); err != nil || got.GetState().GetPhase() != "queued" || got.GetState().GetRun().GetName() != "docs" {
			t.Errorf("%s is %v, %v", id, got, err)
		}
	}
	if list, err := s.ListRuns(t.Context(), &ingestorv1.ListRunsRequest{}); err != nil || len(list.GetStates()) != 3 || list.GetStates()[0].GetRun().GetId() != "r3" {
		t.Errorf("the list is %v, %v", list, err)
	}
	if _, err := s.Cancel(t.Context(), &ingestorv1.CancelRequest{Run: "r2"}); err != nil {
		t.Error(err)
	}
	if got := s.follow(t, "r2"); got.GetPhase() != "cancelled" {
		t.Errorf("cancelled, r2 is %s", got.GetPhase())
	}
	if _, err := s.Cancel(t.Context(), &ingestorv1.CancelRequest{Run: "r2"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("cancelled again: %v", err)
	}
	open()
	if got := s.follow(t, "r3"); got.GetPhase() != "complete" || got.GetRun().GetTenant() != "default" {
		t.Errorf("r3 came to %v", got)
	}
	wrong := reading("x")
	wrong.Stages[0].Spec = []byte(`{"source": {"type": "jsonk"}}`)
	if _, err := s.Submit(t.Context(), &ingestorv1.SubmitRequest{Run: wrong, Job: true}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a wrong run: %v", err)
	}
	if _, err := s.jobs().Result(t.Context(), jobs.Data, "x"); !errors.Is(err, jobs.ErrNoResult) {
		t.Errorf("its job: %v", err)
	}
}
