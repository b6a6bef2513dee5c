package gateway

import (
	"math"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

func frames() []*inferv1.Frame {
	half, low := -0.5, math.Inf(-1)
	return []*inferv1.Frame{
		{Worker: "w", Number: 9, Deltas: []*inferv1.Delta{
			{Sequence: 1, Attempt: 2, Index: 3, Reasoning: "hé", Text: "héllo", Tokens: []int32{1, -1, 70000},
				ToolCalls: []*inferv1.ToolCall{{Id: "c", Name: "n"}, {Index: 1, Arguments: "{}"}}, ReasoningSignature: "s"},
			{Sequence: 1 << 40, Attempt: 1, Start: &inferv1.Start{Fingerprint: "f", ModelVersion: "v", QueueNanos: 12}},
			{Sequence: 2, Attempt: 1, Index: 7,
				Logprobs: []*inferv1.TokenLogprob{{Id: 5, Text: []byte{0xe2, 0x96}, Logprob: &half, Top: []*inferv1.TopLogprob{{Id: 6, Text: []byte("x"), Logprob: low}}}},
				Prompt:   []*inferv1.TokenLogprob{{Id: 4, Text: []byte("p")}}},
		}},
		{Worker: "w", Deltas: []*inferv1.Delta{{Sequence: 3, End: &inferv1.End{
			Outcome: &inferv1.End_FinishReason{FinishReason: "length"},
			Usage:   &inferv1.Usage{UncachedInput: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5, Estimated: true},
			Timing:  &inferv1.Timing{QueueNanos: 1, PrefillNanos: 2, DecodeNanos: 3},
		}}}},
		{Worker: "w", Deltas: []*inferv1.Delta{{Sequence: 4, End: &inferv1.End{
			Outcome: &inferv1.End_Error{Error: errs.Proto(errs.New(errs.Upstream, "worker_lost", "gone"))}, Elsewhere: true}}}},
		{},
	}
}

func sameExtra(got *flight.Delta, want *inferv1.Delta) bool {
	x := &flight.Extra{}
	if got.Extra != nil {
		x = got.Extra
	}
	if x.Signature != want.GetReasoningSignature() || len(x.ToolCalls) != len(want.GetToolCalls()) {
		return false
	}
	for i, c := range want.GetToolCalls() {
		if x.ToolCalls[i] != (flight.ToolCall{Index: int(c.GetIndex()), ID: c.GetId(), Name: c.GetName(), Arguments: c.GetArguments()}) {
			return false
		}
	}
	return true
}

// What the hand-written reader makes of a frame is what the generated code makes of it.
func same(t *testing.T, data []byte) {
	t.Helper()
	want := &inferv1.Frame{}
	wantErr := proto.Unmarshal(data, want)
	i := 0
	err := readFrame(data, func(worker string, a arrival) {
		if wantErr != nil || i >= len(want.GetDeltas()) {
			i++
			return
		}
		d := want.GetDeltas()[i]
		i++
		if a.sequence != d.GetSequence() || a.attempt != d.GetAttempt() || a.delta.Index != d.GetIndex() ||
			a.delta.Text != d.GetText() || a.delta.Reasoning != d.GetReasoning() || len(a.delta.Logprobs) != len(d.GetLogprobs()) || len(a.delta.Prompt) != len(d.GetPrompt()) ||
			(a.delta.End != nil) != (d.End != nil) || d.GetEnd().GetError() != nil && a.delta.End.Retry != d.GetEnd().GetElsewhere() || (a.delta.Start != nil) != (d.Start != nil) ||
			!sameExtra(&a.delta, d) || len(a.delta.Tokens)+len(d.GetTokens()) > 0 && !reflect.DeepEqual(a.delta.Tokens, d.GetTokens()) {
			t.Fatalf("delta %d: got %+v, want %v", i-1, a, d)
		}
	})
	if wantErr == nil && err != nil {
		t.Fatalf("refused what is a frame: %v", err)
	}
	if wantErr == nil && i != len(want.GetDeltas()) {
		t.Fatalf("%d deltas, want %d", i, len(want.GetDeltas()))
	}
}

func TestAFrameIsReadAsItWasWritten(t *testing.T) {
	for _, f := range frames() {
		data, err := proto.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		same(t, data)
	}
	data, _ := proto.Marshal(frames()[0])
	var got []arrival
	if err := readFrame(data, func(w string, a arrival) {
		if w != "w" {
			t.Errorf("worker %q", w)
		}
		got = append(got, a)
	}); err != nil {
		t.Fatal(err)
	}
	lp := got[2].delta.Logprobs[0]
	if lp.Logprob != -0.5 || lp.Null || lp.Top[0].Logprob != -math.MaxFloat32 || !got[2].delta.Prompt[0].Null {
		t.Fatalf("log-probabilities: %+v %+v", lp, got[2].delta.Prompt)
	}
}

func TestAnEndWithoutAReasonIsAnError(t *testing.T) {
	data, _ := proto.Marshal(&inferv1.Frame{Deltas: []*inferv1.Delta{{Sequence: 1, End: &inferv1.End{}}}})
	if err := readFrame(data, func(_ string, a arrival) {
		if a.delta.End.Err == nil {
			t.Error("a truncated answer looks whole")
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func FuzzFrame(f *testing.F) {
	for _, fr := range frames() {
		data, err := proto.Marshal(fr)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(same)
}

func BenchmarkReadFrame(b *testing.B) {
	fr := &inferv1.Frame{Worker: "w1"}
	for i := range 100 {
		fr.Deltas = append(fr.Deltas, &inferv1.Delta{Sequence: uint64(i), Attempt: 1, Index: 17, Text: " word", Tokens: []int32{1234}})
	}
	data, err := proto.Marshal(fr)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := readFrame(data, func(string, arrival) {}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/delta")
}
