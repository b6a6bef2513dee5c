package child

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama/native"
	"github.com/leathq/leat/services/worker/internal/llama/sample"
	"github.com/leathq/leat/services/worker/internal/llama/textout"
)

// echoBatch is the most prompt tokens that one delta echoes.
const echoBatch = 256

// sequence is one request on its way through the scheduler. Everything but cancelled belongs to the scheduler's
// goroutine once the sequence is enqueued.
type sequence struct {
	id        uint64
	req       *engine.Request
	home      *scheduler
	prompt    []int32
	limit     int // tokens that may be generated
	sampler   *sample.Sampler
	grammar   *constraint // nil: none
	out       *textout.Writer
	cancelled atomic.Bool

	slot      int // -1: none yet
	pos       int // tokens in the slot's KV cache
	cached    int // of them taken from another sequence
	pending   int32
	generated int
	paused    bool
	echoed    []engine.TokenLogprob

	arrived, started, prefilled time.Time

	probe  func(row []float32) // self-test: sees every row of logits that is sampled from
	chunks []int               // self-test: the sizes of the first prefill chunks
}

// newSequence checks a request and prepares it; the error is an *engine.Error for the client.
func newSequence(id uint64, req *engine.Request, m *native.Model, gs *grammars) (*sequence, error) {
	q := &sequence{id: id, req: req, slot: -1, arrived: time.Now()}
	if err := q.readPrompt(m); err != nil {
		return nil, err
	}
	if err := q.bound(m.Context()); err != nil {
		return nil, err
	}
	if req.TopLogprob < 0 || req.TopLogprob > 20 {
		return nil, refuse("invalid_value", "top_logprobs", fmt.Sprintf("top_logprobs is %d; it must lie between 0 and 20", req.TopLogprob))
	}
	p, err := sample.NewParams(&req.Sampling, m.Size())
	if err != nil {
		return nil, err
	}
	if q.grammar, err = gs.constrain(req, m.Vocab); err != nil {
		return nil, err
	}
	q.sampler, q.out = sample.New(p, q.prompt), textout.New(req.Stop)
	return q, nil
}

func (q *sequence) readPrompt(m *native.Model) error {
	p := &q.req.Prompt
	if p.Tokens == nil {
		if limit := m.Context(); len(p.Text)/m.LongestPiece() > limit {
			return tooLong(fmt.Sprintf("at least %d", len(p.Text)/m.LongestPiece()), q.req.MaxTokens, limit)
		}
		ids, err := m.Tokenize(p.Text, p.AddSpecial, p.ParseSpecial)
		if err != nil {
			return refuse("invalid_prompt", "prompt", err.Error())
		}
		q.prompt = ids
	} else {
		for _, id := range p.Tokens {
			if id < 0 || int(id) >= m.Size() {
				return refuse("invalid_prompt", "prompt", fmt.Sprintf("the prompt holds token %d; this model's tokens go from 0 to %d", id, m.Size()-1))
			}
		}
		q.prompt = p.Tokens
	}
	if len(q.prompt) == 0 {
		if m.BOS < 0 {
			return refuse("invalid_prompt", "prompt", "the prompt is empty: send at least one token")
		}
		q.prompt = []int32{m.BOS}
	}
	return nil
}

func (q *sequence) bound(context int) error {
	want := q.req.MaxTokens
	if want < 0 {
		return refuse("invalid_value", "max_tokens", fmt.Sprintf("max_tokens is %d; it must not be negative", want))
	}
	if len(q.prompt)+max(want, 1) > context {
		return tooLong(fmt.Sprint(len(q.prompt)), want, context)
	}
	if q.limit = want; want == 0 {
		q.limit = context - len(q.prompt)
	}
	return nil
}

func tooLong(prompt string, output, context int) error {
	msg := fmt.Sprintf("this model's context holds %d tokens; the prompt has %s", context, prompt)
	if output > 0 {
		msg += fmt.Sprintf(" and max_tokens asks for %d more", output)
	}
	return refuse("context_length_exceeded", "prompt", msg+": shorten the prompt or ask for less output")
}

func refuse(code, param, message string) error {
	return &engine.Error{Code: code, Param: param, Message: message, Client: true}
}

// left is how many prompt tokens are still to be prefilled.
func (q *sequence) left() int { return len(q.prompt) - q.pos }

// scored tells that every prompt position needs logits.
func (q *sequence) scored() bool { return q.req.Echo && q.req.Logprobs }

// usage and timing close a sequence's books.
func (q *sequence) close(d *engine.Delta, now time.Time) {
	d.Usage = &engine.Usage{UncachedInput: len(q.prompt) - q.cached, CacheRead: q.cached, Output: q.generated}
	d.Timing = &engine.Timing{Queue: q.started.Sub(q.arrived), Prefill: q.prefilled.Sub(q.started), Decode: now.Sub(q.prefilled)}
}
