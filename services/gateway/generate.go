package gateway

import (
	"io"
	"net/http"
	"sync"

	"github.com/leathq/leat/pkg/obs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/chat"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// face is how one of the APIs spells an answer.
type face interface {
	// whole spells an answer that does not stream.
	whole(b []byte, h openai.Head, choices []openai.Choice, u openai.Usage) []byte
	// open is called once before the first piece of a stream.
	open(h openai.Head, choices int)
	// piece spells a piece of a stream.
	piece(b []byte, p *piece) []byte
	// end spells what follows the last piece of a complete stream.
	end(b []byte, u openai.Usage) []byte
	// broken spells the event that ends a stream with an error.
	broken(b []byte, e *openai.Error) []byte
}

// keeper is a face whose answers keep the order in which their parts came. It gathers them itself: whole is given no
// choices, and take every piece before it.
type keeper interface {
	take(p *piece)
}

// reply is an answer that has begun, and how to spell it. Handlers hand it back instead of serving it, so that their
// frames are off the stack while a stream is open: together with the host's they were what kept it at 16 kB.
type reply struct {
	*answer
	face
	prefix, op string
}

func (g *Gateway) serveChat(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	req, err := openai.DecodeChat(data, openai.Limits{Depth: g.cfg.JSONDepth})
	if err != nil {
		release()
		return x.refuse(err)
	}
	c, err := x.call()
	if err != nil {
		release()
		return x.refuse(err)
	}
	c.messages, c.raw, c.wishes, c.images = turns(req.Messages), req.RawMessages, req.Wishes, imageryOf(req.Messages)
	fill(c, &req.Params)
	a, err := g.generate(x.alive(), c)
	if !c.lent {
		release()
	}
	if err != nil {
		return x.refuse(err)
	}
	return &reply{a, &chatFace{include: req.IncludeUsage}, "chatcmpl-", obs.OpChat}
}

func (g *Gateway) serveCompletion(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	var c *call
	defer func() {
		if c == nil || !c.lent {
			release()
		}
	}()
	req, err := openai.DecodeCompletion(data, openai.Limits{Depth: g.cfg.JSONDepth})
	if err != nil {
		return x.refuse(err)
	}
	if c, err = x.call(); err != nil {
		return x.refuse(err)
	}
	fill(c, &req.Params)
	c.template.Echo, c.template.AddSpecial = req.Echo, req.AddSpecialTokens
	c.template.ParseSpecial, c.unsaid = true, req.PromptOnly
	for _, p := range req.Prompts {
		c.prompts = append(c.prompts, prompt{text: p.Text, tokens: p.Tokens})
	}
	a, err := g.generate(x.alive(), c)
	if err != nil {
		return x.refuse(err)
	}
	f := &completionFace{include: req.IncludeUsage, prompts: c.prompts, n: c.n, logprobs: req.Logprobs}
	return &reply{a, f, "cmpl-", obs.OpText}
}

func turns(in []openai.Message) []chat.Message {
	out := make([]chat.Message, len(in))
	for i, m := range in {
		out[i] = chat.Message{Role: m.Role, Content: m.Content, Name: m.Name, ToolCallID: m.ToolCallID}
		for _, t := range m.ToolCalls {
			out[i].ToolCalls = append(out[i].ToolCalls, chat.ToolCall{ID: t.ID, Name: t.Name, Arguments: t.Arguments})
		}
	}
	return out
}

// fill takes over what chat and completions share.
func fill(c *call, p *openai.Params) {
	c.model, c.n, c.given = p.Model, max(p.N, 1), p.Given
	c.stream, c.logprobs = p.Stream, p.Logprobs
	c.template = &inferv1.Request{
		RequestId: c.id, Model: p.Model, Stop: p.Stop, MaxTokens: uint32(p.MaxTokens), IgnoreEos: p.IgnoreEOS,
		Grammar: p.Grammar, Stream: p.Stream, Logprobs: p.Logprobs, TopLogprobs: uint32(p.TopLogprobs), User: p.User, Metadata: p.Metadata,
		Sampling: &inferv1.Sampling{
			Temperature: p.Temperature, TopP: p.TopP, MinP: p.MinP, FrequencyPenalty: p.FrequencyPenalty,
			PresencePenalty: p.PresencePenalty, RepetitionPenalty: p.RepetitionPenalty, LogitBias: p.LogitBias, Seed: p.Seed,
		},
	}
	if p.TopK != nil {
		k := int32(*p.TopK)
		c.template.Sampling.TopK = &k
	}
}

// respond carries an answer to the client, streamed or whole, and closes it.
func (x *exchange) respond(r *reply) {
	active := x.g.metrics.of(r.model.GetName()).active
	active.Inc()
	x.over = sync.OnceFunc(func() {
		r.Close()
		active.Dec()
	})
	defer func() {
		x.over()
		r.annotate(x.span, r.op)
	}()
	if r.call.stream {
		x.stream(r)
	} else {
		x.whole(r)
	}
}

// head is what every chunk of the answer repeats.
func (x *exchange) head(r *reply) openai.Head {
	h := openai.Head{ID: r.prefix + x.id, Created: x.began.Unix(), Model: r.call.model}
	if r.start != nil {
		h.Fingerprint = r.start.Fingerprint
	}
	return h
}

func (x *exchange) whole(r *reply) {
	a := r.answer
	choices := make([]openai.Choice, a.choices)
	logprobs := a.call.logprobs
	for i := range choices {
		choices[i].Index = i
		if logprobs {
			choices[i].Logprobs = []openai.TokenLogprob{}
		}
	}
	echoed := make([]bool, len(choices))
	own, _ := r.face.(keeper)
	for {
		pieces, err := a.Next(x.alive())
		if err == io.EOF {
			break
		}
		if err != nil {
			x.headers(a)
			x.fail(a, err)
			return
		}
		for i := range pieces {
			p := &pieces[i]
			if own != nil {
				own.take(p)
				continue
			}
			ch := &choices[p.choice]
			if len(p.Prompt) > 0 {
				ch.Text += echo(a.call, p, &echoed[p.choice])
			}
			ch.Reasoning += p.Reasoning
			ch.Text += p.Text
			if p.Extra != nil {
				for j := range p.Extra.ToolCalls {
					ch.ToolCalls = openai.AddToolCall(ch.ToolCalls, &p.Extra.ToolCalls[j])
				}
			}
			if logprobs {
				ch.Logprobs = append(append(ch.Logprobs, p.Prompt...), p.Logprobs...)
			}
			if p.End != nil {
				ch.Finish = p.End.Finish
			}
		}
	}
	x.headers(a)
	buf := bodies.Get().(*[]byte)
	*buf = r.face.whole((*buf)[:0], x.head(r), choices, totals(a))
	x.json(http.StatusOK, *buf)
	keep(buf)
	x.ended(a, http.StatusOK, false, nil)
}

// echo is the text of an echoed prompt: as it was given, or, of token ids, as the engine spells them.
func echo(c *call, p *piece, done *bool) string {
	given := c.prompts[p.choice/c.n]
	if given.tokens == nil {
		if *done {
			return ""
		}
		*done = true
		return given.text
	}
	out := ""
	for _, t := range p.Prompt {
		out += string(t.Text)
	}
	return out
}

func totals(a *answer) openai.Usage {
	u := a.usage
	return openai.Usage{
		Estimated: u.Estimated,
		Prompt:    u.Prompt(), Cached: u.CacheRead, Written: u.CacheWrite, Completion: u.Output + u.Reasoning, Reasoning: u.Reasoning,
	}
}
