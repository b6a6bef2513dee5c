package wire_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

func fullSubmit() wire.Submit {
	f := func(v float64) *float64 { return &v }
	k, seed := 40, int64(-7)
	return wire.Submit{ID: 1 << 40, Req: engine.Request{ID: "req-1", Prompt: engine.Prompt{Text: "Grüße\x00", AddSpecial: true, ParseSpecial: true},
		Sampling: engine.Sampling{Temperature: f(0), TopP: f(.9), TopK: &k, MinP: f(.1), FrequencyPenalty: f(-2), PresencePenalty: f(1), RepetitionPenalty: f(1.1),
			LogitBias: map[int32]float64{5: -100, 49151: 100}, Seed: &seed, AutoSeed: math.MinInt64},
		Stop: []string{"\n", "", "END"}, MaxTokens: 17, IgnoreEOS: true, Echo: true, Logprobs: true, TopLogprob: 20, Grammar: "root ::= \"é\"", GrammarTrigger: "<tool_call>", Adapter: "poet"}}
}

func fullStep() wire.Step {
	lp := []engine.TokenLogprob{{ID: 3, Text: []byte{0xff}, Logprob: -1.5, Top: []engine.TopLogprob{{ID: 3, Text: []byte("a"), Logprob: -1.5}, {ID: 9, Logprob: math.Inf(-1)}}}, {ID: 4, Null: true}}
	return wire.Step{Kind: wire.StepMixed, Tokens: 12, Elapsed: time.Second, Load: wire.Load{QueuedTokens: 3, KVUse: .5, PrefillRate: 90, DecodeRate: 40, PromptTokens: 1, CachedTokens: 2, OutputTokens: 3, Steps: 4},
		Events: []wire.Event{
			{ID: 1, Delta: &engine.Delta{Text: "é", Tokens: []int32{3, 4}, Logprobs: lp}},
			{ID: 2, Delta: &engine.Delta{Prompt: lp}},
			{ID: 3, End: true, Delta: &engine.Delta{Finish: engine.FinishLength, Usage: &engine.Usage{UncachedInput: 1, CacheRead: 2, CacheWrite: 3, Output: 4, Reasoning: 5}, Timing: &engine.Timing{Queue: 1, Prefill: 2, Decode: 3}}},
			{ID: 4, End: true, Cancelled: true},
			{ID: 5, End: true, Err: &engine.Error{Code: "c", Message: "m", Param: "p", Client: true, Retry: true}},
		}}
}

func TestMessagesSurviveTheWire(t *testing.T) {
	tokens := fullSubmit()
	tokens.Req.Prompt = engine.Prompt{Tokens: []int32{0, 1, 49151}}
	empty := wire.Submit{Req: engine.Request{Prompt: engine.Prompt{Tokens: []int32{}}}}
	for _, want := range []wire.Submit{fullSubmit(), tokens, empty, {}} {
		got, err := wire.DecodeSubmit(want.Append(nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
	for _, want := range []wire.Step{fullStep(), {}} {
		got, err := wire.DecodeStep(want.Append(nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
	}
	tok := wire.Tokenize{Call: 1, Text: "x", AddSpecial: true}
	if got, err := wire.DecodeTokenize(tok.Append(nil)); err != nil || got != tok {
		t.Error(got, err)
	}
	ids := wire.Tokens{Call: 2, IDs: []int32{-1, 5}, Err: "no"}
	if got, err := wire.DecodeTokens(ids.Append(nil)); err != nil || !reflect.DeepEqual(got, ids) {
		t.Error(got, err)
	}
	text := wire.Text{Call: 3, Text: "t", Err: "e"}
	if got, err := wire.DecodeText(text.Append(nil)); err != nil || got != text {
		t.Error(got, err)
	}
	pong := wire.Pong{Ping: 1, Moves: 2, Busy: true}
	if got, err := wire.DecodePong(pong.Append(nil)); err != nil || got != pong {
		t.Error(got, err)
	}
}

// TestEveryCutIsRefused: no proper head of a message is a message, and none has bytes behind its end.
func TestEveryCutIsRefused(t *testing.T) {
	sub, step := fullSubmit(), fullStep()
	for name, c := range map[string]struct {
		b      []byte
		decode func([]byte) error
	}{
		"submit": {sub.Append(nil), func(b []byte) error { _, err := wire.DecodeSubmit(b); return err }},
		"step":   {step.Append(nil), func(b []byte) error { _, err := wire.DecodeStep(b); return err }},
	} {
		for n := range c.b {
			if err := c.decode(c.b[:n]); !errors.Is(err, wire.ErrFrame) {
				t.Fatalf("%s cut after %d of %d bytes: %v", name, n, len(c.b), err)
			}
		}
		if err := c.decode(append(c.b, 0)); !errors.Is(err, wire.ErrFrame) {
			t.Errorf("%s with a byte too many: %v", name, err)
		}
	}
}

// pipe is an in-memory stream that keeps what is written.
type pipe struct{ bytes.Buffer }

func (*pipe) Close() error { return nil }

func TestFrames(t *testing.T) {
	var p pipe
	c := wire.NewConn(&p)
	big := bytes.Repeat([]byte("x"), 3<<20)
	for _, payload := range [][]byte{nil, []byte("abc"), big} {
		if err := c.Send(wire.KindText, func(b []byte) []byte { return append(b, payload...) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]byte{nil, []byte("abc"), big} {
		if f, err := c.Recv(); err != nil || f.Kind != wire.KindText || !bytes.Equal(f.Payload, want) {
			t.Fatalf("kind %d, %d bytes, %v", f.Kind, len(f.Payload), err)
		}
	}
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	for name, raw := range map[string][]byte{
		"another version": {0, 0, 0, 0, 99, byte(wire.KindStep)},
		"unknown kind":    {0, 0, 0, 0, wire.Version, 200},
		"kind zero":       {0, 0, 0, 0, wire.Version, 0},
		"too long":        {0xff, 0xff, 0xff, 0xff, wire.Version, byte(wire.KindStep)},
	} {
		if _, err := wire.ReadFrame(bytes.NewReader(raw)); !errors.Is(err, wire.ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := wire.ReadFrame(bytes.NewReader([]byte{9, 0, 0, 0, wire.Version, byte(wire.KindStep), 1})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut payload: %v", err)
	}
	if err := c.Send(wire.KindText, func(b []byte) []byte { return append(b, make([]byte, wire.MaxFrame+1)...) }); err == nil {
		t.Error("a frame above the limit was sent")
	}
}

// FuzzFrames feeds any bytes to the socket's decoder: it must not panic, nor take memory that the bytes do not back,
// and what decodes must encode to something that decodes to the same.
func FuzzFrames(f *testing.F) {
	sub, step := fullSubmit(), fullStep()
	for kind, payload := range map[wire.Kind][]byte{wire.KindSubmit: sub.Append(nil), wire.KindStep: step.Append(nil), wire.KindTokens: (&wire.Tokens{IDs: []int32{1}}).Append(nil),
		wire.KindTokenize: (&wire.Tokenize{Text: "x"}).Append(nil), wire.KindText: (&wire.Text{Text: "x"}).Append(nil), wire.KindPong: (&wire.Pong{Moves: 3}).Append(nil), wire.KindHello: []byte("{}")} {
		var p pipe
		if err := wire.NewConn(&p).Send(kind, func(b []byte) []byte { return append(b, payload...) }); err != nil {
			f.Fatal(err)
		}
		f.Add(p.Bytes())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bytes.NewReader(raw)
		for {
			fr, err := wire.ReadFrame(r)
			if err != nil {
				return
			}
			check(t, fr)
		}
	})
}

func check(t *testing.T, f wire.Frame) {
	switch f.Kind {
	case wire.KindSubmit:
		again(t, f.Payload, wire.DecodeSubmit, func(v *wire.Submit) []byte { return v.Append(nil) })
	case wire.KindStep:
		again(t, f.Payload, wire.DecodeStep, func(v *wire.Step) []byte { return v.Append(nil) })
	case wire.KindTokens, wire.KindDetokenize:
		again(t, f.Payload, wire.DecodeTokens, func(v *wire.Tokens) []byte { return v.Append(nil) })
	case wire.KindTokenize:
		again(t, f.Payload, wire.DecodeTokenize, func(v *wire.Tokenize) []byte { return v.Append(nil) })
	case wire.KindText:
		again(t, f.Payload, wire.DecodeText, func(v *wire.Text) []byte { return v.Append(nil) })
	case wire.KindPong:
		again(t, f.Payload, wire.DecodePong, func(v *wire.Pong) []byte { return v.Append(nil) })
	case wire.KindHello:
		var h wire.Hello
		_ = wire.DecodeJSON(f.Payload, &h)
	default:
		_, _ = wire.DecodeID(f.Payload)
	}
}

// again checks decode∘encode on what decoded. NaN differs from itself, so messages are compared by their second coding
// where a map's order cannot matter, by value otherwise.
func again[T any](t *testing.T, b []byte, decode func([]byte) (T, error), encode func(*T) []byte) {
	v, err := decode(b)
	if err != nil {
		return
	}
	w, err := decode(encode(&v))
	if err != nil {
		t.Fatalf("%+v does not survive: %v", v, err)
	}
	if !reflect.DeepEqual(v, w) && !bytes.Equal(encode(&v), encode(&w)) && len(encode(&v)) != len(encode(&w)) {
		t.Fatalf("%+v came back as %+v", v, w)
	}
}
