package frames_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/frames"
)

// sink takes frames by gateway.
type sink struct {
	mu     sync.Mutex
	frames map[string][]*inferv1.Frame
	bytes  []int
	came   chan struct{}
	fail   error
}

func newSink() *sink {
	return &sink{frames: map[string][]*inferv1.Frame{}, came: make(chan struct{}, 1<<16)}
}

func (s *sink) publish(gateway string, b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := new(inferv1.Frame)
	if err := proto.Unmarshal(b, f); err != nil {
		panic(fmt.Sprintf("frame of %d bytes: %v", len(b), err))
	}
	s.bytes = append(s.bytes, len(b))
	s.frames[gateway] = append(s.frames[gateway], f)
	s.came <- struct{}{}
	return s.fail
}

func (s *sink) deltas(gateway string) (out []*inferv1.Delta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.frames[gateway] {
		out = append(out, f.GetDeltas()...)
	}
	return out
}

// await waits until n deltas came for a gateway.
func (s *sink) await(t *testing.T, gateway string, n int) []*inferv1.Delta {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		if ds := s.deltas(gateway); len(ds) >= n {
			return ds
		}
		select {
		case <-s.came:
		case <-timeout:
			t.Fatalf("%d deltas came for %s, want %d", len(s.deltas(gateway)), gateway, n)
		}
	}
}

func sender(t testing.TB, s *sink, o frames.Options) *frames.Sender {
	out := frames.NewSender("w1", s.publish, o)
	t.Cleanup(out.Close)
	return out
}

func open(s *frames.Sender, sequence uint64) *frames.Stream {
	return s.Open(frames.Spec{Gateway: "gw", Sequence: sequence, Attempt: 1, Credit: 1 << 20, Stream: true})
}

func full() (engine.Delta, *inferv1.Delta) {
	d := engine.Delta{
		Reasoning: "hé", Text: "né", Tokens: []int32{0, 1, 127, 128, 1 << 30, -1},
		Logprobs: []engine.TokenLogprob{
			{ID: -1, Text: []byte{0xff}, Logprob: -0.5, Top: []engine.TopLogprob{{ID: 7, Text: []byte("a"), Logprob: -1}, {ID: 0, Logprob: 0}}},
			{ID: 300, Null: true},
		},
		Prompt: []engine.TokenLogprob{{ID: 1, Text: []byte(strings.Repeat("x", 20000)), Logprob: 0}},
		Finish: engine.FinishLength,
		Usage:  &engine.Usage{UncachedInput: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, Estimated: true},
		Timing: &engine.Timing{Queue: 1, Prefill: 2, Decode: 300},
		Extra:  &engine.Extra{ToolCalls: []engine.ToolCall{{ID: "c", Name: "n", Arguments: "{}"}, {Index: 1, Arguments: "é"}}, Signature: "s"},
	}
	p := &inferv1.Delta{
		Sequence: 1 << 40, Attempt: 3, Reasoning: d.Reasoning, Text: d.Text, Tokens: d.Tokens,
		Logprobs: []*inferv1.TokenLogprob{
			{Id: -1, Text: []byte{0xff}, Logprob: proto.Float64(-0.5), Top: []*inferv1.TopLogprob{{Id: 7, Text: []byte("a"), Logprob: -1}, {}}},
			{Id: 300},
		},
		Prompt: []*inferv1.TokenLogprob{{Id: 1, Text: d.Prompt[0].Text, Logprob: proto.Float64(0)}},
		End: &inferv1.End{
			Outcome: &inferv1.End_FinishReason{FinishReason: "length"},
			Usage:   &inferv1.Usage{UncachedInput: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, Estimated: true},
			Timing:  &inferv1.Timing{QueueNanos: 1, PrefillNanos: 2, DecodeNanos: 300},
		},
		Start:              &inferv1.Start{Fingerprint: "f", ModelVersion: "v", QueueNanos: 1 << 33},
		ToolCalls:          []*inferv1.ToolCall{{Id: "c", Name: "n", Arguments: "{}"}, {Index: 1, Arguments: "é"}},
		ReasoningSignature: "s",
	}
	return d, p
}

func TestDeltasAreEncodedAsTheProtocolSays(t *testing.T) {
	in, want := full()
	s := newSink()
	st := sender(t, s, frames.Options{}).Open(frames.Spec{
		Gateway: "gw", Sequence: 1 << 40, Attempt: 3, Credit: 1, Start: frames.Start{Fingerprint: "f", ModelVersion: "v", QueueNanos: 1 << 33},
	})
	st.Emit(in)
	got := s.await(t, "gw", 1)[0]
	if !proto.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	if f := s.frames["gw"][0]; f.GetWorker() != "w1" || f.GetNumber() != 1 || len(f.ProtoReflect().GetUnknown()) > 0 {
		t.Errorf("frame %v", f)
	}
}

func TestAFailureIsATypedEnd(t *testing.T) {
	s := newSink()
	st := open(sender(t, s, frames.Options{}), 9)
	st.Emit(engine.Delta{Text: "a"})
	e := &errs.Error{Kind: errs.Timeout, Code: "c", Message: "m", Param: "p", RetryAfter: time.Second, Err: errors.New("secret")}
	st.Fail(frames.Failure{Error: e, Elsewhere: true}, &engine.Usage{Output: 1})
	st.Emit(engine.Delta{Text: "late"})
	st.Fail(frames.Failure{Error: e}, nil)
	ds := s.await(t, "gw", 2)
	if len(ds) != 2 {
		t.Fatalf("%d deltas came, want 2", len(ds))
	}
	if got := errs.FromProto(ds[1].GetEnd().GetError()); got.Kind != errs.Timeout || got.Code != "c" || got.Message != "m" || got.Param != "p" || got.RetryAfter != time.Second {
		t.Errorf("error %+v", got)
	}
	if ds[1].GetIndex() != 1 || ds[1].GetEnd().GetUsage().GetOutput() != 1 || ds[1].GetStart() != nil || !ds[1].GetEnd().GetElsewhere() {
		t.Errorf("end %v", ds[1])
	}
}

func TestOneStepIsOneFrameAGateway(t *testing.T) {
	const gateways, each, steps = 3, 20, 50
	s := newSink()
	out := sender(t, s, frames.Options{})
	var streams []*frames.Stream
	for g := range gateways {
		for i := range each {
			streams = append(streams, out.Open(frames.Spec{Gateway: fmt.Sprint("gw", g), Sequence: uint64(i), Attempt: 1, Credit: 1 << 20, Stream: true}))
		}
	}
	for step := range steps {
		out.Hold()
		for _, st := range streams {
			st.Emit(engine.Delta{Text: "t"})
		}
		out.Release()
		for g := range gateways {
			s.await(t, fmt.Sprint("gw", g), (step+1)*each)
		}
	}
	for g, fs := range s.frames {
		if len(fs) != steps {
			t.Errorf("%s got %d frames for %d steps", g, len(fs), steps)
		}
		for i, f := range fs {
			if f.GetNumber() != uint64(i+1) || len(f.GetDeltas()) != each {
				t.Fatalf("%s frame %d: number %d with %d deltas", g, i, f.GetNumber(), len(f.GetDeltas()))
			}
		}
	}
}

func TestNothingLeavesDuringAStep(t *testing.T) {
	s := newSink()
	out := sender(t, s, frames.Options{})
	st := open(out, 1)
	out.Hold()
	st.Emit(engine.Delta{Text: "a"})
	select {
	case <-s.came:
		t.Fatal("a frame left while the step was held")
	case <-time.After(30 * time.Millisecond):
	}
	out.Release()
	s.await(t, "gw", 1)
}

func TestAWholeAnswerIsOneFrame(t *testing.T) {
	s := newSink()
	out := sender(t, s, frames.Options{Patience: time.Hour})
	for i := range 50 {
		st := out.Open(frames.Spec{Gateway: "gw", Sequence: uint64(i), Attempt: 1, Credit: 128})
		st.Emit(engine.Delta{Text: "all of it"})
		st.Emit(engine.Delta{Finish: engine.FinishStop})
		s.await(t, "gw", 2*(i+1))
		st.Close()
	}
	if n := len(s.frames["gw"]); n != 50 {
		t.Errorf("%d frames for 50 answers", n)
	}
}

func TestThePartsOfAWholeAnswerWaitForItsEnd(t *testing.T) {
	s := newSink()
	st := sender(t, s, frames.Options{Patience: time.Hour}).Open(frames.Spec{Gateway: "gw", Attempt: 1, Credit: 128})
	st.Emit(engine.Delta{Text: "part"})
	select {
	case <-s.came:
		t.Fatal("a part left alone")
	case <-time.After(30 * time.Millisecond):
	}
	st.Emit(engine.Delta{Finish: engine.FinishStop})
	s.await(t, "gw", 2)
}

func TestAnAnswerThatIsNotStreamedWaitsOnlyAMoment(t *testing.T) {
	s := newSink()
	out := sender(t, s, frames.Options{Patience: time.Millisecond})
	st := out.Open(frames.Spec{Gateway: "gw", Attempt: 1, Credit: 128})
	for i := range 3 {
		st.Emit(engine.Delta{Text: "part"})
		s.await(t, "gw", i+1)
	}
	patient := sender(t, s, frames.Options{Patience: time.Hour}).Open(frames.Spec{Gateway: "low", Attempt: 1, Credit: 66})
	patient.Emit(engine.Delta{Text: "a"})
	patient.Emit(engine.Delta{Text: "b"}) // credit is at 64: the gateway must see it to grant more
	s.await(t, "low", 2)
}

func TestDeltasOfACrowdAreCollected(t *testing.T) {
	s := newSink()
	out := sender(t, s, frames.Options{Crowd: 1, Collect: 200 * time.Millisecond})
	a, b := open(out, 1), open(out, 2)
	a.Emit(engine.Delta{Text: "a"})
	b.Emit(engine.Delta{Text: "b"})
	s.await(t, "gw", 2)
	if n := len(s.frames["gw"]); n != 1 {
		t.Errorf("%d frames", n)
	}
}

func TestFramesStayBelowTheirLimit(t *testing.T) {
	const limit = 8 << 10
	s := newSink()
	out := sender(t, s, frames.Options{MaxFrame: limit})
	st := open(out, 1)
	long := strings.Repeat("日本語 text ", 20000)
	var ids []int32
	var lps []engine.TokenLogprob
	for i := range 5000 {
		ids = append(ids, int32(i))
		lps = append(lps, engine.TokenLogprob{ID: int32(i), Text: []byte("abc"), Top: []engine.TopLogprob{{ID: 1, Text: []byte("d")}}})
	}
	out.Hold() // everything at once
	st.Emit(engine.Delta{Prompt: lps})
	calls := &engine.Extra{ToolCalls: []engine.ToolCall{{ID: "a", Name: "f", Arguments: long}, {Index: 1, ID: "b", Name: "g", Arguments: long}}}
	st.Emit(engine.Delta{Reasoning: long, Text: long, Tokens: ids, Logprobs: lps, Extra: calls, Finish: engine.FinishStop, Usage: &engine.Usage{Output: 5000}})
	out.Release()
	n := int(st.Progress().Next)
	ds := s.await(t, "gw", n)
	var text, reasoning string
	var tokens, logprobs, prompt int
	var called [2]string
	for i, d := range ds {
		if int(d.GetIndex()) != i || (d.GetEnd() != nil) != (i == n-1) || (d.GetStart() != nil) != (i == 0) || !utf8.ValidString(d.GetText()) || d.GetReasoning() != "" && (text != "" || !utf8.ValidString(d.GetReasoning())) {
			t.Fatalf("delta %d of %d: index %d, end %v, start %v", i, n, d.GetIndex(), d.GetEnd(), d.GetStart())
		}
		text += d.GetText()
		reasoning += d.GetReasoning()
		for _, id := range d.GetTokens() {
			if id != int32(tokens) {
				t.Fatalf("token %d came as number %d", id, tokens)
			}
			tokens++
		}
		logprobs, prompt = logprobs+len(d.GetLogprobs()), prompt+len(d.GetPrompt())
		for _, c := range d.GetToolCalls() {
			if text != long || !utf8.ValidString(c.GetArguments()) {
				t.Fatalf("delta %d: a call before the text's end, or cut in a character", i)
			}
			called[c.GetIndex()] += c.GetId() + c.GetName() + c.GetArguments()
		}
	}
	if called[0] != "af"+long || called[1] != "bg"+long {
		t.Errorf("calls of %d and %d bytes", len(called[0]), len(called[1]))
	}
	if text != long || reasoning != long || tokens != 5000 || logprobs != 5000 || prompt != 5000 {
		t.Errorf("%d bytes, %d tokens, %d logprobs, %d prompt tokens", len(text), tokens, logprobs, prompt)
	}
	for i, b := range s.bytes {
		if b > limit {
			t.Errorf("frame %d has %d bytes", i, b)
		}
	}
	for i, f := range s.frames["gw"] {
		if f.GetNumber() != uint64(i+1) || f.GetWorker() != "w1" {
			t.Fatalf("frame %d: %d of %q", i, f.GetNumber(), f.GetWorker())
		}
	}
}

func TestBrokenTextCannotBreakAFrame(t *testing.T) {
	s := newSink()
	bad := &engine.Extra{ToolCalls: []engine.ToolCall{{Arguments: "a\xffb"}}}
	open(sender(t, s, frames.Options{}), 1).Emit(engine.Delta{Reasoning: "a\xffb", Text: "a\xffb", Extra: bad})
	if d := s.await(t, "gw", 1)[0]; d.GetText() != "a\uFFFDb" || d.GetReasoning() != "a\uFFFDb" || d.GetToolCalls()[0].GetArguments() != "a\uFFFDb" {
		t.Errorf("got %q and %q", d.GetReasoning(), d.GetText())
	}
}

func TestResending(t *testing.T) {
	gone := errs.New(errs.Upstream, "stream_gap", "gone")
	for _, c := range []struct {
		name    string
		emitted int
		options frames.Options
		from    uint32
		want    []uint32 // indexes; nil is the error
	}{
		{"all", 5, frames.Options{}, 0, []uint32{0, 1, 2, 3, 4}},
		{"some", 5, frames.Options{}, 3, []uint32{3, 4}},
		{"nothing", 5, frames.Options{}, 5, []uint32{}},
		{"ahead of us", 5, frames.Options{}, 99, []uint32{}},
		{"the oldest kept", 1000, frames.Options{}, 744, numbers(744, 1000)},
		{"older than the ring", 1000, frames.Options{}, 743, nil},
		{"older than the bytes", 20, frames.Options{Bytes: 60}, 1, nil},
		{"the last is always kept", 20, frames.Options{Bytes: 1}, 19, []uint32{19}},
	} {
		for _, closed := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " closed ", closed), func(t *testing.T) {
				s := newSink()
				st := open(sender(t, s, c.options), 1)
				for i := range c.emitted {
					st.Emit(engine.Delta{Text: fmt.Sprint(i)})
				}
				s.await(t, "gw", c.emitted)
				if closed {
					st.Close()
				}
				ok := st.Resend(c.from, frames.Failure{Error: gone})
				if ok != (c.want != nil) {
					t.Fatalf("resend says %v", ok)
				}
				if c.want == nil {
					d := s.await(t, "gw", c.emitted+1)[c.emitted]
					if d.GetIndex() != c.from || d.GetEnd().GetError().GetCode() != "stream_gap" {
						t.Fatalf("got %v", d)
					}
					return
				}
				ds := s.await(t, "gw", c.emitted+len(c.want))[c.emitted:]
				for i, d := range ds {
					if d.GetIndex() != c.want[i] || d.GetText() != fmt.Sprint(c.want[i]) {
						t.Fatalf("resent %v, want index %d", d, c.want[i])
					}
				}
			})
		}
	}
}

func numbers(from, to uint32) (out []uint32) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func TestCreditPausesOnlyItsOwnStream(t *testing.T) {
	out := sender(t, newSink(), frames.Options{})
	a := out.Open(frames.Spec{Gateway: "gw", Sequence: 1, Attempt: 1, Credit: 2})
	b := out.Open(frames.Spec{Gateway: "gw", Sequence: 2, Attempt: 1, Credit: 2})
	a.Emit(engine.Delta{Text: "1"})
	a.Emit(engine.Delta{Text: "2"})
	if a.Credit() != 0 || b.Credit() != 2 {
		t.Fatalf("credits %d and %d", a.Credit(), b.Credit())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waited without credit: %v", err)
	}
	if err := b.Wait(ctx); err != nil {
		t.Errorf("did not go on with credit: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Wait(t.Context()) }()
	a.Grant(1) // old news
	select {
	case <-done:
		t.Fatal("an old grant let it go on")
	case <-time.After(20 * time.Millisecond):
	}
	a.Grant(4)
	if err := <-done; err != nil || a.Credit() != 2 {
		t.Errorf("after the grant: %v, credit %d", err, a.Credit())
	}
	a.Grant(3)
	if a.Credit() != 2 {
		t.Error("a late grant took credit away")
	}
}

func TestOnlyAStreamThatWaitsForCreditIsRemindedOf(t *testing.T) {
	s := newSink()
	st := sender(t, s, frames.Options{}).Open(frames.Spec{Gateway: "gw", Sequence: 1, Attempt: 1, Credit: 2})
	st.Emit(engine.Delta{Text: "1"})
	st.Remind(0) // it has credit
	st.Emit(engine.Delta{Text: "2"})
	st.Remind(time.Hour) // not that long
	s.await(t, "gw", 2)
	st.Remind(0)
	if d := s.await(t, "gw", 3)[2]; d.GetIndex() != 1 || d.GetText() != "2" {
		t.Errorf("reminded by %v", d)
	}
	st.Seal()
	st.Remind(0)
	other := open(sender(t, s, frames.Options{}), 2) // nothing to repeat
	other.Remind(0)
	st.Resend(1, frames.Failure{})
	if ds := s.await(t, "gw", 4); len(ds) != 4 {
		t.Errorf("%d deltas came", len(ds))
	}
}

func TestAGatewayIsForgottenOnlyWithoutStreams(t *testing.T) {
	s := newSink()
	out := sender(t, s, frames.Options{})
	st := open(out, 1)
	if out.Forget("gw") {
		t.Fatal("forgot a gateway that is still served")
	}
	st.Emit(engine.Delta{Text: "a"})
	s.await(t, "gw", 1)
	st.Close()
	if !out.Forget("gw") || out.Forget("gw") {
		t.Fatal("did not forget exactly once")
	}
	st.Resend(0, frames.Failure{}) // it came back
	s.await(t, "gw", 2)
}

func TestSealing(t *testing.T) {
	s := newSink()
	out := sender(t, s, frames.Options{})
	st := open(out, 1)
	if !st.SealUnstarted() {
		t.Fatal("nothing was emitted")
	}
	st.Emit(engine.Delta{Text: "late"})
	st.Fail(frames.Failure{Error: errs.New(errs.Internal, "x", "x")}, nil)
	started := open(out, 2)
	started.Emit(engine.Delta{Text: "a"})
	if started.SealUnstarted() {
		t.Error("sealed after the first delta")
	}
	started.Emit(engine.Delta{Text: "b"})
	if p := started.Seal(); p.Next != 2 || p.Finished || p.First.IsZero() {
		t.Errorf("progress %+v", p)
	}
	started.Emit(engine.Delta{Text: "c"})
	out.Close()
	if ds := s.deltas("gw"); len(ds) != 2 {
		t.Errorf("%d deltas left, want 2", len(ds))
	}
}

func TestFailuresOfTheBusAreCounted(t *testing.T) {
	s := newSink()
	s.fail = errors.New("down")
	out := sender(t, s, frames.Options{})
	open(out, 1).Emit(engine.Delta{Text: "a"})
	s.await(t, "gw", 1)
	out.Close()
	if c := out.Counts(); c.Failed != 1 || c.Frames != 1 || c.Deltas != 1 || c.Bytes == 0 {
		t.Errorf("counts %+v", c)
	}
}

// BenchmarkEmit is what the worker adds to a streamed token: numbering, encoding, the ring and the frame.
func BenchmarkEmit(b *testing.B) {
	for _, streams := range []int{1, 64, 1000} {
		b.Run(fmt.Sprint(streams), func(b *testing.B) {
			out := frames.NewSender("w1", func(string, []byte) error { return nil }, frames.Options{})
			defer out.Close()
			var all []*frames.Stream
			for i := range streams {
				all = append(all, out.Open(frames.Spec{Gateway: fmt.Sprint("gw", i%2), Sequence: uint64(i), Attempt: 1, Credit: 1 << 30, Stream: true}))
			}
			tokens := []int32{12345}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%streams == 0 {
					if i > 0 {
						out.Release()
					}
					out.Hold()
				}
				all[i%streams].Emit(engine.Delta{Text: " token", Tokens: tokens})
			}
			out.Release()
		})
	}
}
