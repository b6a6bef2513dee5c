package gateway

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
)

// arrival is one delta of a frame with its address.
type arrival struct {
	sequence uint64
	attempt  uint32
	delta    flight.Delta
}

// readFrame decodes an infer.v1.Frame, the message that arrives most, calling each for every delta in order. The plain
// fields of a token are read by hand; whatever is rarer is left to the generated code. Nothing of b is kept.
func readFrame(b []byte, each func(worker string, a arrival)) error {
	worker := ""
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("frame: %w", protowire.ParseError(n))
		}
		b = b[n:]
		switch {
		case num == 1 && typ == protowire.BytesType:
			v, n := protowire.ConsumeString(b)
			if n < 0 {
				return fmt.Errorf("frame's worker: %w", protowire.ParseError(n))
			}
			worker, b = v, b[n:]
		case num == 3 && typ == protowire.BytesType:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return fmt.Errorf("frame's delta: %w", protowire.ParseError(n))
			}
			b = b[n:]
			a, err := readDelta(v)
			if err != nil {
				return err
			}
			each(worker, a)
		default:
			n := protowire.ConsumeFieldValue(num, typ, b)
			if n < 0 {
				return fmt.Errorf("frame's field %d: %w", num, protowire.ParseError(n))
			}
			b = b[n:]
		}
	}
	return nil
}

func readDelta(b []byte) (a arrival, err error) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return a, fmt.Errorf("delta: %w", protowire.ParseError(n))
		}
		b = b[n:]
		if typ == protowire.VarintType {
			n = a.number(num, b)
		} else {
			n, err = a.field(num, typ, b)
		}
		if err != nil {
			return a, err
		}
		if n < 0 {
			return a, fmt.Errorf("delta's field %d: %w", num, protowire.ParseError(n))
		}
		b = b[n:]
	}
	return a, nil
}

func (a *arrival) number(num protowire.Number, b []byte) int {
	v, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return n
	}
	switch num {
	case 1:
		a.sequence = v
	case 2:
		a.attempt = uint32(v)
	case 3:
		a.delta.Index = uint32(v)
	case 5:
		a.delta.Tokens = append(a.delta.Tokens, int32(v))
	}
	return n
}

func (a *arrival) field(num protowire.Number, typ protowire.Type, b []byte) (int, error) {
	if typ != protowire.BytesType {
		return protowire.ConsumeFieldValue(num, typ, b), nil
	}
	v, n := protowire.ConsumeBytes(b)
	if n < 0 {
		return n, nil
	}
	d := &a.delta
	switch num {
	case 4:
		d.Text = string(v)
	case 5:
		return n, a.packed(v)
	case 6, 7:
		var t inferv1.TokenLogprob
		if err := proto.Unmarshal(v, &t); err != nil {
			return n, fmt.Errorf("delta's log-probability: %w", err)
		}
		if num == 6 {
			d.Logprobs = append(d.Logprobs, token(&t))
		} else {
			d.Prompt = append(d.Prompt, token(&t))
		}
	case 8:
		var e inferv1.End
		if err := proto.Unmarshal(v, &e); err != nil {
			return n, fmt.Errorf("delta's end: %w", err)
		}
		d.End = end(&e)
	case 9:
		var st inferv1.Start
		if err := proto.Unmarshal(v, &st); err != nil {
			return n, fmt.Errorf("delta's start: %w", err)
		}
		d.Start = &flight.Start{Fingerprint: st.GetFingerprint(), ModelVersion: st.GetModelVersion(), QueueNanos: st.GetQueueNanos()}
	case 10:
		d.Reasoning = string(v)
	case 11:
		var c inferv1.ToolCall
		if err := proto.Unmarshal(v, &c); err != nil {
			return n, fmt.Errorf("delta's tool call: %w", err)
		}
		x := extraOf(d)
		x.ToolCalls = append(x.ToolCalls, flight.ToolCall{Index: int(c.GetIndex()), ID: c.GetId(), Name: c.GetName(), Arguments: c.GetArguments()})
	case 12:
		extraOf(d).Signature = string(v)
	}
	return n, nil
}

func extraOf(d *flight.Delta) *flight.Extra {
	if d.Extra == nil {
		d.Extra = &flight.Extra{}
	}
	return d.Extra
}

func (a *arrival) packed(v []byte) error {
	for len(v) > 0 {
		id, n := protowire.ConsumeVarint(v)
		if n < 0 {
			return fmt.Errorf("delta's tokens: %w", protowire.ParseError(n))
		}
		a.delta.Tokens = append(a.delta.Tokens, int32(id))
		v = v[n:]
	}
	return nil
}

func token(p *inferv1.TokenLogprob) flight.Token {
	t := flight.Token{ID: p.GetId(), Text: p.GetText(), Null: p.Logprob == nil, Logprob: number(p.GetLogprob())}
	for _, alt := range p.GetTop() {
		t.Top = append(t.Top, flight.Alternative{ID: alt.GetId(), Text: alt.GetText(), Logprob: number(alt.GetLogprob())})
	}
	return t
}

// number keeps what JSON can say: an impossible token's −∞ becomes the lowest float32, as OpenAI's −9999 does.
func number(f float64) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return -math.MaxFloat32
	}
	return f
}

func end(p *inferv1.End) *flight.End {
	u, t := p.GetUsage(), p.GetTiming()
	e := &flight.End{
		Finish: p.GetFinishReason(),
		Usage: flight.Usage{
			UncachedInput: int(u.GetUncachedInput()), CacheRead: int(u.GetCacheRead()), CacheWrite: int(u.GetCacheWrite()),
			Output: int(u.GetOutput()), Reasoning: int(u.GetReasoning()), Estimated: u.GetEstimated(),
		},
		Timing: flight.Timing{QueueNanos: t.GetQueueNanos(), PrefillNanos: t.GetPrefillNanos(), DecodeNanos: t.GetDecodeNanos()},
	}
	if p.GetError() != nil {
		e.Err, e.Retry = errs.FromProto(p.GetError()), p.GetElsewhere()
	} else if e.Finish == "" {
		e.Err = errs.New(errs.Upstream, "truncated", "The worker ended the answer without a finish reason. Send the request again.")
		e.Retry = true
	}
	return e
}
