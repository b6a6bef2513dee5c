package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/events"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker"
	"github.com/leathq/leat/services/worker/internal/engine"
)

func TestASequenceArrivesWholeAndItsRouterHearsOfIt(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(5), slots: 4}})
	o := f.order()
	seq := f.send(o)
	text, end := f.answer(seq)
	if text != "0 1 2 3 4 " || end.GetFinishReason() != "stop" || end.GetUsage().GetOutput() != 5 {
		t.Fatalf("got %q %v", text, end)
	}
	f.mu.Lock()
	first := f.deltas(seq)[0]
	f.mu.Unlock()
	if s := first.GetStart(); s.GetFingerprint() != "f1" || s.GetModelVersion() != "v1" || s.GetQueueNanos() <= 0 {
		t.Errorf("start %v", s)
	}
	out := f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	if out.GetUsage().GetUncachedInput() != 3 || out.GetPrefillNanos() != 1e6 || out.GetFirstTokenNanos() <= 0 || out.GetTotalNanos() < out.GetFirstTokenNanos() {
		t.Errorf("outcome %v", out)
	}
	f.await("a report without it", func() bool {
		h := f.last().GetHoldings()
		return len(h) == 1 && h[0].GetRouter() == "r1" && h[0].GetHighest() == o.Number && len(h[0].GetNumbers()) == 0
	})
}

func TestTheSimEngineAnswersOverTheBus(t *testing.T) {
	f := start(t, setup{})
	o := f.order()
	o.req.Model = "sim"
	o.req.IgnoreEos = true
	text, end := f.answer(f.send(o))
	if end.GetUsage().GetOutput() != 20 || text == "" {
		t.Fatalf("got %q %v", text, end)
	}
	f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
}

func TestTheEngineGetsTheRequestAsItWasSent(t *testing.T) {
	got := make(chan *engine.Request, 1)
	f := start(t, setup{engine: &scripted{slots: 1, run: func(ctx context.Context, r *engine.Request, out engine.Output) error {
		got <- r
		return say(1)(ctx, r, out)
	}}})
	o := f.order()
	o.req = &inferv1.Request{
		RequestId: "id", Model: "m/1", Prompt: &inferv1.Request_Tokens{Tokens: &inferv1.TokenIds{Ids: []int32{1, 2}}}, AddSpecial: true,
		ParseSpecial: true, Stop: []string{"s"}, MaxTokens: 7, IgnoreEos: true, Stream: true, Echo: true, Logprobs: true, TopLogprobs: 3,
		User: "u", Metadata: map[string]string{"k": "v"},
		Sampling: &inferv1.Sampling{
			Temperature: proto.Float64(0), TopP: proto.Float64(.5), TopK: proto.Int32(0), MinP: proto.Float64(.1), FrequencyPenalty: proto.Float64(1),
			PresencePenalty: proto.Float64(-1), RepetitionPenalty: proto.Float64(1.1), LogitBias: map[int32]float64{5: -100}, Seed: proto.Int64(0), AutoSeed: 9,
		},
	}
	f.answer(f.send(o))
	r := <-got
	s := r.Sampling
	ok := r.ID == "id" && r.Model == "m/1" && slices.Equal(r.Prompt.Tokens, []int32{1, 2}) && r.Prompt.AddSpecial && r.Prompt.ParseSpecial &&
		slices.Equal(r.Stop, []string{"s"}) && r.MaxTokens == 7 && r.IgnoreEOS && r.Stream && r.Echo && r.Logprobs && r.TopLogprob == 3 &&
		r.User == "u" && r.Metadata["k"] == "v" && *s.Temperature == 0 && *s.TopP == .5 && *s.TopK == 0 && *s.MinP == .1 && *s.FrequencyPenalty == 1 &&
		*s.PresencePenalty == -1 && *s.RepetitionPenalty == 1.1 && s.LogitBias[5] == -100 && *s.Seed == 0 && s.AutoSeed == 9
	if !ok {
		t.Errorf("got %+v", r)
	}
}

func TestAUnaryRequestCostsTheWorkerTwoMessages(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(3), slots: 4}})
	var ids []uint64
	for range 20 {
		o := f.order()
		o.req.Stream = false
		ids = append(ids, f.send(o))
		f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
		f.answer(o.Submit.Sequence)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.frames) != len(ids) {
		t.Errorf("%d frames for %d answers", len(f.frames), len(ids))
	}
}

func TestOneStepOfTheEngineIsOneFrame(t *testing.T) {
	const sequences, steps = 8, 20
	e := &scripted{slots: sequences}
	outs := make(chan engine.Output, sequences)
	done := make(chan struct{})
	e.run = func(_ context.Context, _ *engine.Request, out engine.Output) error {
		outs <- out
		<-done
		return nil
	}
	f := start(t, setup{engine: e})
	for range sequences {
		f.send(f.order())
	}
	var all []engine.Output
	for range sequences {
		all = append(all, <-outs)
	}
	for step := range steps {
		e.steps.Hold()
		for _, out := range all {
			d := engine.Delta{Text: "t"}
			if step == steps-1 {
				d.Finish = engine.FinishStop
			}
			out.Emit(d)
		}
		e.steps.Release()
		f.await("the step's frame", func() bool { return len(f.frames) == step+1 })
	}
	close(done)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, fr := range f.frames {
		if len(fr.GetDeltas()) != sequences || fr.GetNumber() != uint64(i+1) || fr.GetWorker() != "w1" {
			t.Fatalf("frame %d: number %d, %d deltas", i, fr.GetNumber(), len(fr.GetDeltas()))
		}
	}
}

func TestCreditPausesOneSequenceAlone(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(50), slots: 4}})
	slow := f.order()
	slow.Submit.Credit = 3
	s := f.send(slow)
	f.await("three deltas", func() bool { return len(f.deltas(s)) >= 3 })
	fast := f.order()
	if text, _ := f.answer(f.send(fast)); !strings.HasPrefix(text, "0 1 2 3 ") {
		t.Fatalf("the other one said %q", text)
	}
	f.mu.Lock()
	if n := len(f.deltas(s)); n != 3 {
		t.Errorf("%d deltas within a credit of 3", n)
	}
	f.mu.Unlock()
	f.control(grantTo(s, 10))
	f.await("ten deltas", func() bool { return len(f.deltas(s)) == 10 })
	f.control(grantTo(s, 5)) // late
	f.control(grantTo(s, 1000))
	f.answer(s)
	f.verdict(slow.Number, inferv1.Verdict_VERDICT_DONE)
}

func TestAFullWorkerSaysSo(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: block, slots: 2}})
	a, b, c := f.order(), f.order(), f.order()
	f.send(a)
	f.send(b)
	f.send(c)
	f.verdict(c.Number, inferv1.Verdict_VERDICT_FULL)
	f.await("a report that says full", func() bool { return f.last().GetHeld() == 2 && f.last().GetSlots() == 2 })
	f.control(cancelOf(a.Submit.Sequence))
	f.verdict(a.Number, inferv1.Verdict_VERDICT_CANCELLED)
	again := f.order()
	again.Submit.Sequence = c.Submit.Sequence
	f.send(again)
	f.await("its first delta", func() bool { return len(f.deltas(c.Submit.Sequence)) == 1 })
}

func TestADispatchThatComesTwiceRunsOnce(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(3), slots: 4}})
	o := f.order()
	o.Submit.Credit = 1
	f.send(o)
	f.send(o)
	f.await("the first delta", func() bool { return len(f.deltas(1)) > 0 })
	f.control(grantTo(1, 100))
	f.answer(1)
	f.verdict(1, inferv1.Verdict_VERDICT_DONE)
	f.send(o)
	f.await("the outcome again", func() bool { return len(f.outcomes[1]) == 2 })
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.deltas(1)); n != 4 || f.outcomes[1][1].GetVerdict() != inferv1.Verdict_VERDICT_DONE {
		t.Errorf("%d deltas, outcomes %v", n, f.outcomes[1])
	}
}

func TestEveryRouterThatDispatchedASequenceHearsItsOwnNumber(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(3), slots: 4}})
	o := f.order()
	o.Submit.Credit = 1
	s := f.send(o)
	f.await("the first delta", func() bool { return len(f.deltas(s)) == 1 })
	o.Dispatch = proto.CloneOf(o.Dispatch)
	o.Router, o.Number, o.Epoch = "r2", 70, o.Epoch+1
	f.send(o)
	f.control(grantTo(s, 100))
	f.verdict(1, inferv1.Verdict_VERDICT_DONE)
	f.verdict(70, inferv1.Verdict_VERDICT_DONE)
}

func TestARouterOfAnOldEpochIsFenced(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(1), slots: 4}})
	o := f.order()
	o.Epoch = 7
	f.send(o)
	f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	old := f.order()
	old.Router, old.Epoch = "r0", 6
	f.send(old)
	f.verdict(old.Number, inferv1.Verdict_VERDICT_FENCED)
	other := f.order()
	other.Partition, other.Epoch = 3, 1
	f.send(other)
	f.verdict(other.Number, inferv1.Verdict_VERDICT_DONE)
}

func TestAPromptAboveTheMessageLimit(t *testing.T) {
	prompt := strings.Repeat("leat ", 1<<20)
	f := start(t, setup{engine: &scripted{slots: 1, run: func(_ context.Context, r *engine.Request, out engine.Output) error {
		out.Emit(engine.Delta{Text: fmt.Sprint(r.Prompt.Text == prompt), Finish: engine.FinishStop})
		return nil
	}}})
	o := f.order()
	o.req.Prompt = &inferv1.Request_Text{Text: prompt}
	payload, err := proto.Marshal(o.req)
	if err != nil {
		t.Fatal(err)
	}
	if o.Submit.Claim, err = f.bus.PutClaim(t.Context(), payload); err != nil {
		t.Fatal(err)
	}
	if text, end := f.answer(f.send(o)); text != "true" {
		t.Fatalf("got %q %v", text, end)
	}
	f.verdict(o.Number, inferv1.Verdict_VERDICT_DONE)
	lost := f.order()
	lost.Submit.Claim = proto.CloneOf(o.Submit.Claim)
	lost.Submit.Claim.Object = "nothing"
	if _, end := f.answer(f.send(lost)); end.GetError().GetCode() != "request_lost" {
		t.Errorf("a lost claim ends with %v", end)
	}
}

func TestAnAnswerAboveTheMessageLimit(t *testing.T) {
	long := strings.Repeat("0123456789", 300_000)
	f := start(t, setup{engine: &scripted{slots: 1, run: func(_ context.Context, _ *engine.Request, out engine.Output) error {
		out.Emit(engine.Delta{Text: long, Finish: engine.FinishStop})
		return nil
	}}})
	if text, _ := f.answer(f.send(f.order())); text != long {
		t.Errorf("%d bytes came of %d", len(text), len(long))
	}
}

func TestQuestionsToTheTokeniser(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: say(1), slots: 1}})
	ask := func(q *inferv1.Ask) *inferv1.Answer {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		a := new(inferv1.Answer)
		if err := f.bus.Request(ctx, events.Asks.Name("m-1"), q, a); err != nil {
			t.Fatal(err)
		}
		if a.GetClaim() != nil {
			claimed := new(inferv1.Answer)
			if err := f.bus.GetClaim(ctx, a.GetClaim(), 64<<20, claimed); err != nil {
				t.Fatal(err)
			}
			return claimed
		}
		return a
	}
	text := &inferv1.Ask{Model: "m/1", Question: &inferv1.Ask_Tokenize{Tokenize: &inferv1.TokenizeText{Text: "ab"}}}
	if got := ask(text).GetTokens().GetIds(); !slices.Equal(got, []int32{'a', 'b'}) {
		t.Errorf("tokens %v", got)
	}
	ids := &inferv1.Ask{Model: "m/1", Question: &inferv1.Ask_Detokenize{Detokenize: &inferv1.TokenIds{Ids: []int32{'h', 'i'}}}}
	if got := ask(ids).GetText(); got != "hi" {
		t.Errorf("text %q", got)
	}
	big := strings.Repeat("x", 3<<20)
	payload, err := proto.Marshal(&inferv1.Ask{Model: "m/1", Question: &inferv1.Ask_Tokenize{Tokenize: &inferv1.TokenizeText{Text: big}}})
	if err != nil {
		t.Fatal(err)
	}
	claim, err := f.bus.PutClaim(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(&inferv1.Ask{Claim: claim}).GetTokens().GetIds(); len(got) != len(big) {
		t.Errorf("%d tokens of a large text, want %d", len(got), len(big))
	}
	if got := ask(&inferv1.Ask{Model: "other", Question: text.Question}).GetError(); got.GetKind() != "not_found" {
		t.Errorf("unknown model: %v", got)
	}
	if got := ask(&inferv1.Ask{Model: "m/1"}).GetError(); got.GetKind() != "invalid" {
		t.Errorf("no question: %v", got)
	}
}

func TestReportsAndDescription(t *testing.T) {
	e := &scripted{run: block, slots: 3}
	e.stats = engine.Stats{Running: 1, Waiting: 2, QueuedTokens: 30, KVUse: .4, PrefillRate: 500, DecodeRate: 60, PromptTokens: 7, CachedTokens: 8, OutputTokens: 9, Steps: 10}
	f := start(t, setup{engine: e})
	f.await("two reports", func() bool { return len(f.reports) >= 2 })
	f.mu.Lock()
	a, b := f.reports[0], f.last()
	f.mu.Unlock()
	if b.GetNumber() <= a.GetNumber() || a.GetStartedUnixNanos() == 0 || a.GetStartedUnixNanos() != b.GetStartedUnixNanos() {
		t.Errorf("numbers %d, %d; started %d, %d", a.GetNumber(), b.GetNumber(), a.GetStartedUnixNanos(), b.GetStartedUnixNanos())
	}
	if b.GetWorker() != "w1" || b.GetPool() != "m-1" || !slices.Equal(b.GetModels(), []string{"m/1"}) || b.GetState() != inferv1.WorkerState_WORKER_STATE_READY ||
		b.GetSlots() != 3 || b.GetRunning() != 1 || b.GetWaiting() != 2 || b.GetQueuedTokens() != 30 || b.GetKvUse() != .4 || b.GetPrefillRate() != 500 ||
		b.GetDecodeRate() != 60 || b.GetPromptTokens() != 7 || b.GetCachedTokens() != 8 || b.GetOutputTokens() != 9 || b.GetSteps() != 10 || b.GetEngine() != "sim" {
		t.Errorf("report %v", b)
	}
	d := new(inferv1.Description)
	f.ask(&inferv1.Control{Control: &inferv1.Control_Describe{Describe: &inferv1.Describe{}}}, d)
	if d.GetDigest() == "" || d.GetDigest() != b.GetDescriptionDigest() || len(d.GetModels()) != 1 || d.GetModels()[0].GetFingerprint() != "f1" ||
		d.GetModels()[0].GetChat() != "none" || !d.GetModels()[0].GetTokenizes() {
		t.Errorf("description %v", d)
	}
	e.mu.Lock()
	e.info = func(i *engine.Info) { i.Exact, i.Slots = true, 5 }
	e.mu.Unlock()
	f.await("another digest and more slots", func() bool {
		return f.last().GetDescriptionDigest() != d.GetDigest() && f.last().GetSlots() == 5
	})
}

func TestAChangeOfLoadClassIsReportedAtOnce(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: block, slots: 1}})
	f.await("a free worker", func() bool { return f.last().GetHeld() == 0 })
	soonest := time.Hour // a busy machine delays some; reports that only come every 250 ms delay all
	for range 5 {
		f.mu.Lock()
		before := len(f.reports)
		f.mu.Unlock()
		o := f.order()
		sent := time.Now()
		f.send(o)
		f.await("full", func() bool { return len(f.reports) > before && f.last().GetHeld() == 1 })
		f.control(cancelOf(o.Submit.Sequence))
		f.await("free", func() bool { return f.last().GetHeld() == 0 })
		soonest = min(soonest, time.Since(sent))
	}
	if soonest > 200*time.Millisecond {
		t.Errorf("both changes took at least %s to be reported", soonest)
	}
}

func TestAPingNamesWhatIsNotHeld(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: block, slots: 2}})
	s := f.send(f.order())
	f.await("the first delta", func() bool { return len(f.deltas(s)) == 1 })
	pong := new(inferv1.Pong)
	f.ask(&inferv1.Control{Control: &inferv1.Control_Ping{Ping: &inferv1.Ping{Gateway: "gw", Expects: []*inferv1.Expect{
		{Ref: &inferv1.Ref{Sequence: s, Attempt: 1}, Next: 1}, {Ref: &inferv1.Ref{Sequence: s, Attempt: 2}}, {Ref: &inferv1.Ref{Sequence: 99, Attempt: 1}},
	}}}}, pong)
	if len(pong.GetUnknown()) != 2 || pong.GetUnknown()[0].GetAttempt() != 2 || pong.GetUnknown()[1].GetSequence() != 99 ||
		pong.GetWorker() != "w1" || pong.GetState() != inferv1.WorkerState_WORKER_STATE_READY {
		t.Errorf("pong %v", pong)
	}
	f.ask(pingFor(s, 0), pong)
	f.await("the delta again", func() bool { return len(f.deltas(s)) == 2 })
}

func TestTwoWorkersCannotHaveOneName(t *testing.T) {
	f := start(t, setup{engine: &scripted{run: block, slots: 2}})
	opened := false
	err := f.again(t.Context(), t, func() { opened = true })
	if err == nil || !strings.Contains(err.Error(), "w1") || !strings.Contains(err.Error(), "--name") {
		t.Errorf("the second one says %v", err)
	}
	if opened {
		t.Error("the second one loaded its engine")
	}
	f.onlyLife(t)
}

// Another worker may take the name while this one's engine loads: this one then leaves without a word.
func TestANameIsAskedForAgainOnceTheEngineIsThere(t *testing.T) {
	loaded := make(chan struct{})
	f := start(t, setup{cfg: worker.Config{Pool: "p"}, engine: &scripted{run: block, slots: 2}, load: func(context.Context) error {
		<-loaded
		return nil
	}})
	ctx, stop := context.WithCancel(t.Context())
	other := make(chan error, 1)
	go func() { other <- f.again(ctx, t, func() {}) }()
	f.await("the other one", func() bool { return f.last().GetState() == inferv1.WorkerState_WORKER_STATE_READY })
	close(loaded)
	if err := <-f.ended; err == nil || !strings.Contains(err.Error(), "--name") {
		t.Errorf("the first one says %v", err)
	}
	f.ended <- nil
	ping := &inferv1.Control{Control: &inferv1.Control_Ping{Ping: &inferv1.Ping{}}}
	f.ask(ping, new(inferv1.Pong))
	f.mu.Lock()
	for _, r := range f.reports {
		if r.GetState() == inferv1.WorkerState_WORKER_STATE_GONE {
			t.Errorf("somebody said that the worker is gone: %v", r)
		}
	}
	f.mu.Unlock()
	stop()
	if err := <-other; err != nil {
		t.Error(err)
	}
}
