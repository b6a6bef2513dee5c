package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/bus"
	"github.com/leathq/leat/pkg/bus/bustest"
	"github.com/leathq/leat/pkg/bus/embed"
	"github.com/leathq/leat/pkg/events"
	"github.com/leathq/leat/pkg/host"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/gpu"
)

// scripted is an engine that does what a test says.
type scripted struct {
	steps engine.Steps
	took  func(kind string, d time.Duration)
	run   func(ctx context.Context, req *engine.Request, out engine.Output) error
	slots int

	mu    sync.Mutex
	stats engine.Stats
	info  func(*engine.Info)
}

func (e *scripted) Generate(ctx context.Context, req *engine.Request, out engine.Output) error {
	return e.run(ctx, req, out)
}

func (e *scripted) Tokenize(_ context.Context, text string, _, _ bool) ([]int32, error) {
	ids := make([]int32, len(text))
	for i := range text {
		ids[i] = int32(text[i])
	}
	return ids, nil
}

func (e *scripted) Detokenize(_ context.Context, ids []int32) (string, error) {
	b := make([]byte, len(ids))
	for i := range ids {
		b[i] = byte(ids[i])
	}
	return string(b), nil
}

func (e *scripted) Info() engine.Info {
	i := engine.Info{Model: "m/1", Engine: "sim", ModelVersion: "v1", Fingerprint: "f1", Slots: e.slots, Chat: engine.ChatNone, Tokenizes: true}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.info != nil {
		e.info(&i)
	}
	return i
}

func (e *scripted) Stats() engine.Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

func (e *scripted) set(change func(*engine.Stats)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.stats)
}

func (e *scripted) Close() error { return nil }

// say emits n deltas "0 ", "1 ", … and the end, heeding credit.
func say(n int) func(context.Context, *engine.Request, engine.Output) error {
	return func(ctx context.Context, _ *engine.Request, out engine.Output) error {
		for i := range n {
			if err := out.Wait(ctx); err != nil {
				return err
			}
			out.Emit(engine.Delta{Text: fmt.Sprintf("%d ", i), Tokens: []int32{int32(i)}})
		}
		out.Emit(engine.Delta{Finish: engine.FinishStop, Usage: &engine.Usage{UncachedInput: 3, Output: n}, Timing: &engine.Timing{Prefill: time.Millisecond}})
		return nil
	}
}

// block emits one delta and then waits to be stopped.
func block(ctx context.Context, _ *engine.Request, out engine.Output) error {
	out.Emit(engine.Delta{Text: "x", Tokens: []int32{1}})
	<-ctx.Done()
	return ctx.Err()
}

// silent emits nothing and waits to be stopped.
func silent(ctx context.Context, _ *engine.Request, _ engine.Output) error {
	<-ctx.Done()
	return ctx.Err()
}

// fleet is the other side of the bus: a gateway "gw" and a router "r1" in the test's hands, and one worker "w1".
type fleet struct {
	t      testing.TB
	srv    *embed.Server
	bus    *bus.Bus
	worker *worker.Worker
	engine *scripted
	log    *logged
	stop   context.CancelFunc
	ended  chan error
	number uint64

	mu       sync.Mutex
	frames   []*inferv1.Frame
	outcomes map[uint64][]*inferv1.Outcome
	reports  []*inferv1.Report
	stray    []*nats.Msg // NATS's no-responders
	news     chan struct{}
	quiet    bool // no heartbeats
}

type setup struct {
	cfg    worker.Config
	engine *scripted                     // nil: the sim engine
	wrap   func(*scripted) engine.Engine // what the worker sees of it; nil: itself
	load   func(context.Context) error   // what happens before it is there
	bus    bus.Options                   // the worker's
	frozen *bustest.Frozen               // the worker's way to the server; nil: an ordinary one
	fleet  bus.Options                   // the other side's
	deps   func(*host.Deps)
	gpus   func() (gpu.Library, error) // nil: those of the machine
}

func start(t testing.TB, s setup) *fleet {
	t.Helper()
	noLeaks(t)
	f := &fleet{
		t: t, srv: bustest.Start(t), ended: make(chan error, 1), news: make(chan struct{}, 1), log: new(logged),
		outcomes: map[uint64][]*inferv1.Outcome{}, engine: s.engine,
	}
	s.fleet.Name = "fleet"
	f.bus = bustest.Connect(t, f.srv, s.fleet)
	s.bus.Name = "worker"
	if s.frozen != nil {
		s.frozen.Server, s.bus.InProcess = f.srv, s.frozen
	}
	deps := host.Deps{
		ID: "w1", Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: prometheus.NewRegistry(),
		Tracer: noop.NewTracerProvider(), Bus: bustest.Connect(t, f.srv, s.bus), DrainTimeout: time.Minute,
	}
	if s.deps != nil {
		s.deps(&deps)
	}
	if s.cfg.Engine == "" {
		s.cfg.Engine = "sim"
	}
	if s.engine == nil {
		f.worker = worker.New(s.cfg, deps)
	} else {
		s.engine.stats.Healthy = true
		f.worker = worker.NewWith(s.cfg, deps, func(ctx context.Context, hooks worker.Hooks) (engine.Engine, error) {
			if s.load != nil {
				if err := s.load(ctx); err != nil {
					return nil, err
				}
			}
			s.engine.steps, s.engine.took = hooks.Steps, hooks.Took
			if s.wrap != nil {
				return s.wrap(s.engine), nil
			}
			return s.engine, nil
		}, s.gpus)
	}
	f.listen()
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	beats := make(chan struct{})
	go func() { defer close(beats); f.beat(ctx) }()
	go func() { f.ended <- f.worker.Run(ctx) }()
	t.Cleanup(func() {
		f.stop()
		<-beats
		f.left()
		if strings.Contains(f.log.String(), "panic stopped") && !strings.Contains(t.Name(), "Panic") {
			t.Errorf("the worker panicked:\n%s", f.log.String())
		}
	})
	f.await("a report", func() bool { return len(f.reports) > 0 })
	if s.load == nil {
		f.await("a worker that is ready", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_READY })
	}
	return f
}

// left waits until Run has returned.
func (f *fleet) left() {
	f.t.Helper()
	returned(f.t, f.ended)
}

// returned waits for what Run has returned, which stays there, and which should be nothing.
func returned(t testing.TB, ended chan error) {
	t.Helper()
	select {
	case err := <-ended:
		ended <- err
		if err != nil {
			t.Errorf("Run returned %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Fatalf("Run does not return\n%s", stacks())
	}
}

func (f *fleet) listen() {
	f.t.Helper()
	sub := func(l bus.Lane, subject string, take func(*nats.Msg)) {
		_, err := f.bus.Subscribe(l, subject, func(m *nats.Msg) {
			f.mu.Lock()
			take(m)
			f.mu.Unlock()
			select {
			case f.news <- struct{}{}:
			default:
			}
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	sub(bus.Tokens, events.Frames.Name("gw"), func(m *nats.Msg) { f.frames = append(f.frames, decode[inferv1.Frame](f.t, m)) })
	sub(bus.Control, "rtr.*", func(m *nats.Msg) {
		for _, o := range decode[inferv1.Outcomes](f.t, m).GetOutcomes() {
			f.outcomes[o.GetNumber()] = append(f.outcomes[o.GetNumber()], o)
		}
	})
	sub(bus.Control, events.Reports.All(), func(m *nats.Msg) { f.reports = append(f.reports, decode[inferv1.Report](f.t, m)) })
	sub(bus.Control, "nrs.>", func(m *nats.Msg) { f.stray = append(f.stray, m) })
	for _, l := range []bus.Lane{bus.Control, bus.Tokens} {
		if err := f.bus.Conn(l).Flush(); err != nil {
			f.t.Fatal(err)
		}
	}
}

func decode[M any, P interface {
	*M
	proto.Message
}](t testing.TB, m *nats.Msg) P {
	p := P(new(M))
	if err := proto.Unmarshal(m.Data, p); err != nil {
		t.Errorf("%s: %v", m.Subject, err)
	}
	return p
}

func (f *fleet) beat(ctx context.Context) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		f.mu.Lock()
		quiet := f.quiet
		f.mu.Unlock()
		if !quiet {
			_ = f.bus.Publish(bus.Control, events.Heartbeats.Name("gw"), "", &inferv1.Heartbeat{Gateway: "gw"})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// order is a dispatch that a test may still change.
type order struct {
	*inferv1.Dispatch
	req *inferv1.Request
}

// order makes a dispatch of a new sequence; its sequence number is the dispatch's number.
func (f *fleet) order() order {
	f.number++
	return order{
		Dispatch: &inferv1.Dispatch{
			Router: "r1", Pool: "p", Epoch: 5, Number: f.number,
			Submit: &inferv1.Submit{Gateway: "gw", Sequence: f.number, Attempt: 1, Credit: 100, SubmittedUnixNanos: time.Now().UnixNano()},
		},
		req: &inferv1.Request{RequestId: "r", Model: "m/1", Prompt: &inferv1.Request_Text{Text: "hello"}, Stream: true, MaxTokens: 20},
	}
}

func (f *fleet) send(o order) uint64 {
	f.t.Helper()
	if o.Submit.Claim == nil && o.Submit.Body == nil {
		body, err := proto.Marshal(o.req)
		if err != nil {
			f.t.Fatal(err)
		}
		o.Submit.Body = body
	}
	n := fmt.Sprint(o.Number)
	if err := f.bus.Publish(bus.Control, events.Work.Name("w1"), events.Undelivered.Name("r1", "w1", n), o.Dispatch); err != nil {
		f.t.Fatal(err)
	}
	return o.Submit.Sequence
}

func (f *fleet) control(c *inferv1.Control) {
	f.t.Helper()
	if err := f.bus.Publish(bus.Control, events.Control.Name("w1"), "", c); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) ask(c *inferv1.Control, out proto.Message) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := f.bus.Request(ctx, events.Control.Name("w1"), c, out); err != nil {
		f.t.Fatal(err)
	}
}

func refs(seqs ...uint64) (out []*inferv1.Ref) {
	for _, s := range seqs {
		out = append(out, &inferv1.Ref{Sequence: s, Attempt: 1})
	}
	return out
}

func cancelOf(seqs ...uint64) *inferv1.Control {
	return &inferv1.Control{Control: &inferv1.Control_Cancel{Cancel: &inferv1.Cancel{Gateway: "gw", Refs: refs(seqs...)}}}
}

func grantTo(seq uint64, below uint32) *inferv1.Control {
	return &inferv1.Control{Control: &inferv1.Control_Grant{Grant: &inferv1.Grant{
		Gateway: "gw", Limits: []*inferv1.Limit{{Ref: refs(seq)[0], Below: below}}}}}
}

func resendOf(seq uint64, next uint32) *inferv1.Control {
	return &inferv1.Control{Control: &inferv1.Control_Resend{Resend: &inferv1.Resend{
		Gateway: "gw", Expects: []*inferv1.Expect{{Ref: refs(seq)[0], Next: next}}}}}
}

func pingFor(seq uint64, next uint32) *inferv1.Control {
	return &inferv1.Control{Control: &inferv1.Control_Ping{Ping: &inferv1.Ping{
		Gateway: "gw", Expects: []*inferv1.Expect{{Ref: refs(seq)[0], Next: next}}}}}
}

// await waits until a condition over what came holds; it is asked with the lock held.
func (f *fleet) await(what string, ok func() bool) {
	f.t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		f.mu.Lock()
		done := ok()
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-f.news:
		case <-tick.C:
		case <-deadline.C:
			f.t.Fatalf("no %s\nlog:\n%s", what, f.log.String())
		}
	}
}

// outcome waits for the only outcome of a dispatch.
func (f *fleet) outcome(number uint64) *inferv1.Outcome {
	f.t.Helper()
	f.await(fmt.Sprintf("outcome of %d", number), func() bool { return len(f.outcomes[number]) > 0 })
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.outcomes[number][0]
}

func (f *fleet) verdict(number uint64, want inferv1.Verdict) *inferv1.Outcome {
	f.t.Helper()
	o := f.outcome(number)
	if o.GetVerdict() != want {
		f.t.Fatalf("verdict %v of dispatch %d, want %v (%v)", o.GetVerdict(), number, want, o.GetError())
	}
	return o
}

// deltas are what came of a sequence, in order of arrival. Call it with the lock held.
func (f *fleet) deltas(seq uint64) (out []*inferv1.Delta) {
	for _, fr := range f.frames {
		for _, d := range fr.GetDeltas() {
			if d.GetSequence() == seq {
				out = append(out, d)
			}
		}
	}
	return out
}

// answer waits for the end of a sequence, puts its deltas in order and checks that none is missing.
func (f *fleet) answer(seq uint64) (text string, end *inferv1.End) {
	f.t.Helper()
	f.await(fmt.Sprintf("end of sequence %d", seq), func() bool {
		text, end = assemble(f.deltas(seq))
		return end != nil
	})
	return text, end
}

// assemble puts deltas together; end is nil where they are not complete.
func assemble(ds []*inferv1.Delta) (text string, end *inferv1.End) {
	byIndex := map[uint32]*inferv1.Delta{}
	for _, d := range ds {
		byIndex[d.GetIndex()] = d
	}
	for i := uint32(0); byIndex[i] != nil; i++ {
		text += byIndex[i].GetText()
		end = byIndex[i].GetEnd()
	}
	return text, end
}

// last is the newest report.
func (f *fleet) last() *inferv1.Report { return f.reports[len(f.reports)-1] }

// logged is a buffer that many goroutines may write.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// noLeaks checks, after everything else was cleaned up, that no goroutine of this module is left.
func noLeaks(t testing.TB) {
	if _, ok := t.(*testing.T); !ok {
		return // benchmarks and fuzzing have goroutines of their own
	}
	t.Cleanup(func() {
		var left string
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
			if left = ours(); left == "" {
				return
			}
			wait := time.NewTimer(10 * time.Millisecond)
			<-wait.C
		}
		t.Errorf("goroutines are left:\n%s", left)
	})
}

func ours() string {
	var out []string
	for _, g := range strings.Split(stacks(), "\n\n") {
		if strings.Contains(g, "leathq/leat/") && !strings.Contains(g, "worker_test.ours") && !strings.Contains(g, "testing.(*T).Run") || strings.Contains(g, "nats.(*Conn)") {
			out = append(out, g)
		}
	}
	return strings.Join(out, "\n\n")
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

// again runs another worker of the same name until it gives up or ctx ends.
func (f *fleet) again(ctx context.Context, t *testing.T, opened func()) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	w := worker.NewWith(worker.Config{Engine: "sim", Pool: "p"}, host.Deps{
		ID: "w1", Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Tracer: noop.NewTracerProvider(),
		Bus: bustest.Connect(t, f.srv, bus.Options{}),
	}, func(context.Context, worker.Hooks) (engine.Engine, error) {
		opened()
		e := &scripted{run: block, slots: 1}
		e.stats.Healthy = true
		return e, nil
	}, nil)
	return w.Run(ctx)
}

// onlyLife checks that all reports are of one life: a router takes a newer one for the end of the older.
func (f *fleet) onlyLife(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	n := len(f.reports)
	f.mu.Unlock()
	f.await("two more reports", func() bool { return len(f.reports) >= n+2 })
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.reports {
		if r.GetStartedUnixNanos() != f.reports[0].GetStartedUnixNanos() {
			t.Errorf("a report of another life: %v", r)
		}
	}
}
