package chaos_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/e2e/driver/procs"
	"github.com/leathq/leat/e2e/driver/programs"
	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/files"
	"github.com/leathq/leat/pkg/jobs"
)

var (
	jobCount  = flag.Int("jobs", 1000, "jobs of the test of durable jobs")
	killEach  = flag.Duration("kill-every", time.Second, "time between two processes that are killed under durable jobs")
	onlineFor = flag.Duration("online-for", 6*time.Second, "how long online requests are sent without and with bulk work behind")
	killLast  = flag.Int("kills", 4, "processes that are killed under durable jobs; 0: until all is done")
)

// labour is a fleet under durable jobs.
type labour struct {
	*fleet
	t     *testing.T
	pages []ask
	book  book
	sims  []string
}

func newLabour(t *testing.T) *labour {
	t.Helper()
	l := &labour{fleet: newFleet(t, 2, 2, "gateway: {window: 16}\n"), t: t}
	for i := range 3 {
		name := fmt.Sprintf("w%d", i)
		l.sims = append(l.sims, name)
		l.simulator(name)
	}
	l.serving("sim", 3)
	for i := range 40 {
		l.pages = append(l.pages, ask{
			Model: "sim", Prompt: fmt.Sprintf("Job %d is done in time.", i), MaxTokens: 8 + i%5*4, Seed: int64(i), Temperature: 0.9, IgnoreEOS: true, Stream: true,
		})
	}
	l.book = learn(t, l.gateways[0].HTTP, len(l.pages), l.pages)
	return l
}

func (l *labour) simulator(name string) {
	l.worker(name, "sim", "--engine", "sim", "--slots", "16", "--sim-step-base", "10ms")
}

// client is a client of jobs that lives through a NATS server's death.
func (l *labour) client() (*jobs.Client, *bus.Bus) {
	l.t.Helper()
	cfg := bus.DefaultConfig()
	cfg.URL = l.nats.NATS
	b, err := bus.Connect(l.t.Context(), cfg, bus.Options{Name: "client of jobs"})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = b.Close(context.Background()) })
	return jobs.New(b, files.New(b, files.Config{}), jobs.DefaultConfig()), b
}

// killOne kills a process at random and starts it again.
func (l *labour) killOne(r *rand.Rand) string {
	restart := func(of []*procs.Process, i int, kind string) {
		of[i].Kill(l.t)
		of[i] = l.service(kind, fmt.Sprintf("%s %d, again", kind, i))
	}
	switch n := r.IntN(8); {
	case n < 2:
		restart(l.gateways, n, "gateway")
		return fmt.Sprintf("gateway %d", n)
	case n < 4:
		restart(l.routers, n-2, "router")
		return fmt.Sprintf("router %d", n-2)
	case n < 7:
		name := l.sims[n-4]
		l.workers[name].Kill(l.t)
		l.simulator(name)
		return "worker " + name
	}
	l.nats.Kill(l.t)
	l.nats.Start(l.t)
	return "nats-server"
}

// Whatever process dies, and however often: every job has one result, the right one.
func TestJobsOutliveEveryProcess(t *testing.T) {
	l := newLabour(t)
	c, b := l.client()
	procs.AwaitStream(t, b.JetStream(), events.ResultsStream)
	n := *jobCount
	results := make([]*jobs.Result, n)
	var work sync.WaitGroup
	work.Go(func() { l.publish(c, n) })
	done := make(chan struct{})
	work.Go(func() {
		defer close(done)
		l.collect(c, results)
	})
	began := time.Now()
	r := rand.New(rand.NewPCG(1, uint64(n)))
	kills := map[string]int{}
	for killed := 0; *killLast == 0 || killed < *killLast; killed++ {
		select {
		case <-done:
		case <-time.After(*killEach):
			kills[l.killOne(r)]++
			continue
		}
		break
	}
	work.Wait()
	attempts := 0
	for i, got := range results {
		if got == nil {
			t.Fatalf("job %d has no result", i)
		}
		attempts += got.Attempts
		var body struct {
			Choices []struct{ Text string }
		}
		want := l.book[l.pages[i%len(l.pages)]]
		if err := json.Unmarshal(got.Response, &body); err != nil || !got.OK() || len(body.Choices) != 1 || body.Choices[0].Text != want {
			t.Errorf("job %d: %d %s, want %q", i, got.Status, got.Response, want)
		}
	}
	left, kept := l.messages(b, events.JobsStream, 0), l.messages(b, events.ResultsStream, uint64(n))
	if left != 0 || kept != uint64(n) || l.messages(b, events.DeadStream, 0) != 0 {
		t.Errorf("%d jobs are left, %d results are kept, want %d", left, kept, n)
	}
	tell(t, "%d jobs in %.1f s, killed %v: %d results, none twice, none lost, none wrong; %d attempts", n, time.Since(began).Seconds(), kills, kept, attempts)
}

// messages is how many a stream holds, once it is as many as wanted or has not become so for a minute: a job whose holder died between its result and its
// acknowledgement is handed out again after half of one.
func (l *labour) messages(b *bus.Bus, stream string, want uint64) (n uint64) {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		s, err := b.JetStream().Stream(l.t.Context(), stream)
		if err != nil {
			continue
		}
		if n = s.CachedInfo().State.Msgs; n == want {
			return n
		}
	}
	return n
}

// publish publishes until NATS has taken every job.
func (l *labour) publish(c *jobs.Client, n int) {
	for i := range n {
		q := l.pages[i%len(l.pages)]
		q.Stream = false
		body, err := json.Marshal(q)
		if err != nil {
			l.t.Error(err)
			return
		}
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			_, err := c.Submit(ctx, &jobs.Job{ID: fmt.Sprintf("job-%d", i), Class: jobs.Bulk, Tenant: fmt.Sprint("tenant-", i%3), Kind: "completions", Request: body})
			cancel()
			if err == nil {
				break
			}
			<-time.After(100 * time.Millisecond)
		}
	}
}

// collect finds every job's result, for three minutes and a tenth of a second a job.
func (l *labour) collect(c *jobs.Client, results []*jobs.Result) {
	limit := time.Now().Add(3*time.Minute + time.Duration(len(results))*100*time.Millisecond)
	for low := 0; low < len(results); {
		found := false
		for i := low; i < min(low+256, len(results)); i++ {
			if results[i] != nil {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			r, err := c.Result(ctx, "completions", fmt.Sprintf("job-%d", i))
			cancel()
			if err == nil {
				results[i], found = r, true
			} else if !errors.Is(err, jobs.ErrNoResult) {
				break // NATS is away
			}
		}
		for low < len(results) && results[low] != nil {
			low++
		}
		if time.Now().After(limit) {
			return
		}
		if !found {
			<-time.After(50 * time.Millisecond)
		}
	}
}

// What docs/jobs.md tells a user to type works with NATS's own command line.
func TestJobsByTheOfficialClient(t *testing.T) {
	l := &labour{fleet: newFleet(t, 1, 1, ""), t: t}
	l.worker("w0", "sim", "--engine", "sim")
	l.serving("sim", 1)
	client := programs.Tool(t, "github.com/nats-io/natscli/nats", "v0.3.0") // the first time this takes minutes
	nats := func(args ...string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, client, append([]string{"--server", l.nats.NATS}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+l.dir, "XDG_CONFIG_HOME="+l.dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("nats %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	said := nats("pub", "-J", "jobs.normal.acme.chat", `{"model":"sim","max_tokens":3,"messages":[{"role":"user","content":"Hi"}]}`, "-H", "Nats-Msg-Id:greeting-1")
	if !strings.Contains(said, "JOBS") {
		t.Errorf("it does not say that the stream has the job: %s", said)
	}
	if got := nats("sub", "results.chat.greeting-1", "--last-per-subject", "--count", "1"); !strings.Contains(got, `"job":"greeting-1"`) || !strings.Contains(got, `"status":200`) || !strings.Contains(got, `"object":"chat.completion"`) {
		t.Errorf("result: %s", got)
	}
}
