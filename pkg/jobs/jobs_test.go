package jobs_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
)

// config keeps everything for long: a bubble's clock is decades behind the one by which the server ages messages.
func config() jobs.Config {
	c := jobs.DefaultConfig()
	const long = 60 * 365 * 24 * time.Hour
	c.MaxAge, c.KeepFor, c.KeepDead = long, long, long
	return c
}

// client opens the streams and a client of them.
func client(t *testing.T, s *embed.Server, name string) (*jobs.Client, *bus.Bus) {
	t.Helper()
	b := bustest.Connect(t, s, bus.Options{Name: name, InProcess: s})
	if err := jobs.Ensure(t.Context(), b, config()); err != nil {
		t.Fatal(err)
	}
	return jobs.New(b, files.New(b, files.Config{}), config()), b
}

// serve runs a service that does jobs until the end of the test, or until stop is called.
func serve(t *testing.T, c *jobs.Client, window int, do func(context.Context, *jobs.Delivery)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		err := c.Run(ctx, jobs.Work{
			Name: "test", Kinds: []string{"chat"}, Window: func(string) int { return window }, Do: do, Opened: func() {}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return stop
}

func submit(t *testing.T, c *jobs.Client, class, tenant string, n int) {
	t.Helper()
	for i := range n {
		j := &jobs.Job{ID: fmt.Sprintf("%s-%s-%d", class, tenant, i), Class: class, Tenant: tenant, Kind: "chat", Request: []byte("{}")}
		if _, err := c.Submit(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
}

func done(ctx context.Context, d *jobs.Delivery) {
	d.Done(ctx, &jobs.Result{Status: 200, Response: []byte("{}"), Attempts: d.Delivered})
}

// A tenant with few jobs does not wait for one with many.
func TestTenantsTakeTurns(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		c, _ := client(t, s, "a")
		submit(t, c, jobs.Bulk, "hog", 60)
		submit(t, c, jobs.Bulk, "small", 6)
		var mu sync.Mutex
		var order []string
		all := make(chan struct{})
		stop := serve(t, c, 4, func(ctx context.Context, d *jobs.Delivery) {
			time.Sleep(100 * time.Millisecond) // of the bubble: takes no time
			mu.Lock()
			if order = append(order, d.Tenant); len(order) == 66 {
				close(all)
			}
			mu.Unlock()
			done(ctx, d)
		})
		<-all
		stop()
		last := len(order) - 1
		for order[last] != "small" {
			last--
		}
		if last > 24 {
			t.Errorf("the small tenant's last job was number %d of 66", last+1)
		}
	})
}

var delays = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

// Failures count wherever they happen; between them the delays grow; what failed once more is a dead letter.
func TestFailuresCountAcrossProcesses(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		var mu sync.Mutex
		var at []time.Duration
		began := time.Now()
		for _, name := range []string{"a", "b"} {
			c, _ := client(t, s, name)
			serve(t, c, 1, func(ctx context.Context, d *jobs.Delivery) {
				mu.Lock()
				at = append(at, time.Since(began))
				first := len(at) == 1
				mu.Unlock()
				if first {
					d.Later(time.Second) // for want of room, which does not count
				} else if !d.Failed(delays) {
					d.Dead(ctx, "upstream_error", "no", &jobs.Result{Status: 502, Response: []byte("{}"), Attempts: d.Delivered})
				}
			})
		}
		c, b := client(t, s, "c")
		submit(t, c, jobs.High, "t", 1)
		var letter *jobs.Letter
		for letter == nil {
			time.Sleep(time.Second)
			if err := c.Letters(t.Context(), func(l *jobs.Letter) bool { letter = l; return true }); err != nil {
				t.Fatal(err)
			}
			if time.Since(began) > 5*time.Minute {
				t.Fatalf("no dead letter after attempts at %v", at)
			}
		}
		if len(at) != 5 || letter.Attempts != 5 || letter.Code != "upstream_error" {
			t.Fatalf("attempts at %v, letter %+v", at, letter)
		}
		for i, want := range append([]time.Duration{time.Second}, delays...) {
			if gap := at[i+1] - at[i]; gap < want || gap > want+2*time.Second {
				t.Errorf("attempt %d came %v after the one before, want %v", i+2, gap, want)
			}
		}
		// Requeued, it begins anew.
		if _, err := c.Requeue(t.Context(), letter.Sequence); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if len(at) != 9 {
			t.Errorf("%d attempts after it was queued again, want 4 more than 5", len(at))
		}
		if info, err := b.JetStream().Stream(t.Context(), events.JobsStream); err != nil || info.CachedInfo().State.Msgs != 0 {
			t.Errorf("%v: jobs are left", err)
		}
	})
}

// A job that takes every process with it that has it is a dead letter after some.
func TestAJobThatIsLostWithItsHoldersIsTakenOut(t *testing.T) {
	bustest.Bubble(t, func(t *testing.T) {
		s := bustest.StartInProcess(t)
		c, b := client(t, s, "a")
		submit(t, c, jobs.High, "t", 1)
		queue, err := b.JetStream().CreateOrUpdateConsumer(t.Context(), events.JobsStream, jetstream.ConsumerConfig{
			Durable: "test_high_t", FilterSubjects: []string{"jobs.high.t.chat"}, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second,
			MaxDeliver: -1, MaxAckPending: 1000, InactiveThreshold: 24 * time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 11 { // holders that die with it
			if _, err := queue.Next(jetstream.FetchMaxWait(time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		ran := false
		serve(t, c, 1, func(ctx context.Context, d *jobs.Delivery) { ran = true; done(ctx, d) })
		time.Sleep(2 * time.Minute)
		r, err := c.Result(t.Context(), "chat", "high-t-0")
		if err != nil || ran || r.OK() || !strings.Contains(string(r.Response), "job_lost_too_often") {
			t.Errorf("ran: %v; %+v, %v", ran, r, err)
		}
	})
}

func TestAJobIsReadFromItsMessage(t *testing.T) {
	for _, c := range []struct {
		subject string
		header  nats.Header
		data    string
		id      string
		code    string
	}{
		{"jobs.bulk.t.chat", nil, "{}", "s7", ""},
		{"jobs.bulk.t.chat", nats.Header{"Nats-Msg-Id": {"a"}, "ce-id": {"b"}}, "{}", "a", ""},
		{"jobs.bulk.t.chat", nats.Header{"Nats-Msg-Id": {"a"}, "Leat-Job": {"j"}}, "{}", "j", ""},
		{"jobs.bulk.t.chat", nats.Header{"ce-id": {"b"}, "Content-Type": {"application/json; charset=utf-8"}}, "{}", "b", ""},
		{"jobs.bulk.t.chat", nats.Header{"ce-id": {"no token"}}, "{}", jobs.ID("no token"), ""},
		{"jobs.bulk.t.chat", nil, "{", "s7", "invalid_json"},
		{"jobs.slow.t.chat", nil, "{}", "s7", "invalid_class"},
		{"jobs.bulk.t", nil, "{}", "s7", "invalid_subject"},
		{"jobs.bulk.t.chat", nats.Header{"Content-Type": {"text/plain"}}, "{}", "s7", "unsupported_content_type"},
	} {
		j, err := jobs.Read(c.subject, c.header, []byte(c.data), 7)
		code := ""
		if e, ok := err.(*jobs.Error); ok { //nolint:errorlint // it returns nothing else
			code = e.Code
		}
		if j.ID != c.id || code != c.code {
			t.Errorf("%s %v: id %q, code %q", c.subject, c.header, j.ID, code)
		}
	}
	if odd := jobs.TenantToken("Müller & Söhne"); bus.Token(odd) != odd || odd == jobs.TenantToken("Müller - Söhne") {
		t.Errorf("%q is no token of its own", odd)
	}
}
