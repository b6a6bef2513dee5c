package wire

import (
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// A delta's finish reason on the wire.
var finishes = [...]engine.FinishReason{engine.FinishNone, engine.FinishStop, engine.FinishLength}

func appendDelta(b []byte, d *engine.Delta) []byte {
	b = putString(b, d.Text)
	b = putTokens(b, d.Tokens)
	b = appendLogprobs(b, d.Logprobs)
	b = appendLogprobs(b, d.Prompt)
	finish := 0
	for i, f := range finishes {
		if f == d.Finish {
			finish = i
		}
	}
	b = append(b, byte(finish))
	b = putBool(b, d.Usage != nil)
	if u := d.Usage; u != nil {
		for _, v := range []int{u.UncachedInput, u.CacheRead, u.CacheWrite, u.Output, u.Reasoning} {
			b = putUint(b, uint64(v))
		}
	}
	b = putBool(b, d.Timing != nil)
	if t := d.Timing; t != nil {
		b = putInt(putInt(putInt(b, int64(t.Queue)), int64(t.Prefill)), int64(t.Decode))
	}
	return b
}

func decodeDelta(r *reader) *engine.Delta {
	d := &engine.Delta{Text: r.string(), Tokens: r.tokens(), Logprobs: decodeLogprobs(r), Prompt: decodeLogprobs(r)}
	if f := r.uint(); f < uint64(len(finishes)) {
		d.Finish = finishes[f]
	} else {
		r.fail("unknown finish reason")
	}
	if r.bool() {
		d.Usage = &engine.Usage{UncachedInput: int(r.uint()), CacheRead: int(r.uint()), CacheWrite: int(r.uint()), Output: int(r.uint()), Reasoning: int(r.uint())}
	}
	if r.bool() {
		d.Timing = &engine.Timing{Queue: time.Duration(r.int()), Prefill: time.Duration(r.int()), Decode: time.Duration(r.int())}
	}
	return d
}

func appendLogprobs(b []byte, lps []engine.TokenLogprob) []byte {
	b = putUint(b, uint64(len(lps)))
	for i := range lps {
		lp := &lps[i]
		b = putString(putInt(b, int64(lp.ID)), lp.Text)
		b = putBool(putFloat(b, lp.Logprob), lp.Null)
		b = putUint(b, uint64(len(lp.Top)))
		for j := range lp.Top {
			t := &lp.Top[j]
			b = putFloat(putString(putInt(b, int64(t.ID)), t.Text), t.Logprob)
		}
	}
	return b
}

func decodeLogprobs(r *reader) []engine.TokenLogprob {
	n := r.count(12)
	if n == 0 {
		return nil
	}
	lps := make([]engine.TokenLogprob, n)
	for i := range lps {
		lp := &lps[i]
		lp.ID, lp.Text, lp.Logprob, lp.Null = r.int32(), r.bytes(), r.float(), r.bool()
		if n := r.count(10); n > 0 {
			lp.Top = make([]engine.TopLogprob, n)
			for j := range lp.Top {
				lp.Top[j] = engine.TopLogprob{ID: r.int32(), Text: r.bytes(), Logprob: r.float()}
			}
		}
	}
	return lps
}
