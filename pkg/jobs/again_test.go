package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
)

// lasting is a service whose jobs last until they are let go.
type lasting struct {
	held   atomic.Int64
	begun  chan struct{}
	letGo  chan struct{}
	stop   func()
	window int
}

func (l *lasting) serve(t *testing.T, c *jobs.Client) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		err := c.Run(ctx, jobs.Work{
			Name: "test", Kinds: []string{"chat"}, Window: func(string) int { return l.window }, Do: l.do, Lasting: true, Borrowed: true, Opened: func() {},
			Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Error(err)
		}
	})
	l.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(l.stop)
}

func (l *lasting) do(ctx context.Context, d *jobs.Delivery) {
	l.held.Add(1)
	defer l.held.Add(-1)
	l.begun <- struct{}{}
	select {
	case <-l.letGo:
		done(ctx, d)
	case <-ctx.Done():
		d.Later(0)
	}
}

// A job that lasts for longer than one may wait has its own result in the end, whether its holder has room to take it up again or not, and whoever dies; it is held once
// by a process, and is not taken for one that nobody does.
func TestAJobThatLastsIsNoOldJob(t *testing.T) {
	for name, c := range map[string]struct {
		window int
		dies   bool
	}{"with room": {8, false}, "without room": {1, false}, "a holder that dies": {8, true}} {
		t.Run(name, func(t *testing.T) {
			bustest.Bubble(t, func(t *testing.T) {
				s := bustest.StartInProcess(t)
				_, b := client(t, s, "a")
				cfg := config()
				cfg.MaxAge = time.Minute
				patient := jobs.New(b, files.New(b, files.Config{}), cfg)
				l := &lasting{begun: make(chan struct{}, 100), letGo: make(chan struct{}), window: c.window}
				l.serve(t, patient)
				published := time.Now()
				submit(t, patient, jobs.High, "t", 1)
				<-l.begun
				for range 30 { // five minutes
					time.Sleep(10 * time.Second)
					if err := patient.Overdue(t.Context(), time.Now().Add(12*time.Hour-30*time.Second)); err != nil {
						t.Fatal(err)
					}
					if n := l.held.Load(); n != 1 {
						t.Errorf("it is held %d times after %s", n, time.Since(published))
					}
					if c.dies && time.Since(published) == 3*time.Minute {
						l.stop()
						l.serve(t, patient)
						time.Sleep(2 * time.Second)
					}
				}
				close(l.letGo)
				time.Sleep(2 * time.Minute)
				r, err := patient.Result(t.Context(), "chat", "high-t-0")
				if err != nil || r.Status != 200 || r.Created.Sub(published).Abs() > time.Second {
					t.Errorf("its result is %+v, %v; it was published at %v", r, err, published)
				}
				letters := 0
				if err := patient.Letters(t.Context(), func(*jobs.Letter) bool { letters++; return true }); err != nil || letters > 0 {
					t.Errorf("%d dead letters, %v", letters, err)
				}
				if info, err := b.JetStream().Stream(t.Context(), events.JobsStream); err != nil || info.CachedInfo().State.Msgs != 0 {
					t.Errorf("%v: messages of it are left", err)
				}
			})
		})
	}
}

// One that lasts is cancelled at once, also after it was published again.
func TestAJobThatLastsIsCancelled(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		_, b := client(t, s, "a")
		cfg := config()
		cfg.MaxAge = time.Minute
		patient := jobs.New(b, files.New(b, files.Config{}), cfg)
		l := &lasting{begun: make(chan struct{}, 100), letGo: make(chan struct{}), window: 1}
		l.serve(t, patient)
		submit(t, patient, jobs.High, "t", 1)
		<-l.begun
		time.Sleep(90 * time.Second)
		if err := errors.Join(patient.Cancel(t.Context(), "t", "chat", "high-t-0"), b.Conn(bus.Control).Flush()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := l.held.Load(); n != 0 {
			t.Error("it is still held")
		}
	})
}

// The request of a job that is done for longer than its file is kept was read by whoever began it.
func TestAJobThatLastsOutlivesItsRequest(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		c, b := client(t, s, "a")
		l := &lasting{begun: make(chan struct{}, 100), letGo: make(chan struct{}), window: 8}
		close(l.letGo)
		l.serve(t, c)
		for id, created := range map[string]string{"new": "", "lasts": time.Now().Add(-72 * time.Hour).Format(time.RFC3339Nano)} {
			m := nats.NewMsg("jobs.high.t.chat")
			m.Header.Set(nats.MsgIdHdr, id)
			m.Header.Set(jobs.HeaderFile, "file-that-is-gone")
			m.Header.Set(jobs.HeaderCreated, created)
			if _, err := b.JetStream().PublishMsg(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		for id, want := range map[string]int{"new": 400, "lasts": 200} {
			if r, err := c.Result(t.Context(), "chat", id); err != nil || r.Status != want {
				t.Errorf("%s: its result is %+v, %v; want %d", id, r, err, want)
			}
		}
	})
}

// A job that nobody has begun is too old some time, as before.
func TestAJobThatNobodyBeganIsOverdue(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		_, b := client(t, s, "a")
		cfg := config()
		cfg.MaxAge = time.Minute
		patient := jobs.New(b, files.New(b, files.Config{}), cfg)
		submit(t, patient, jobs.High, "t", 1)
		time.Sleep(2 * time.Minute)
		if err := patient.Overdue(t.Context(), time.Now().Add(12*time.Hour-30*time.Second)); err != nil {
			t.Fatal(err)
		}
		if r, err := patient.Result(t.Context(), "chat", "high-t-0"); err != nil || r.Status != 400 {
			t.Errorf("its result is %+v, %v", r, err)
		}
	})
}
