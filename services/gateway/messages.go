package gateway

import (
	"context"
	"net/http"

	"github.com/leathq/leat/pkg/obs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/anthropic"
	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// serveMessages is Anthropic's POST /v1/messages.
func (g *Gateway) serveMessages(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	req, err := anthropic.Decode(data, openai.Limits{Depth: g.cfg.JSONDepth})
	release()
	if err != nil {
		return x.refuse(err)
	}
	a, err := x.converse(&req.ChatRequest)
	if err != nil {
		return x.refuse(err)
	}
	return &reply{a, &messageFace{id: x.id}, "msg_", obs.OpChat}
}

// converse starts the answer to a chat that came in another API's form. The chat shares no memory with the body.
func (x *exchange) converse(req *openai.ChatRequest) (*answer, error) {
	c, err := x.call()
	if err != nil {
		return nil, err
	}
	c.messages, c.raw, c.wishes, c.images = turns(req.Messages), req.RawMessages, req.Wishes, imageryOf(req.Messages)
	c.rich = req.RichMessages
	fill(c, &req.Params)
	return x.g.generate(x.alive(), c)
}

// serveCount is Anthropic's POST /v1/messages/count_tokens.
func (g *Gateway) serveCount(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	req, err := anthropic.DecodeCount(data, openai.Limits{Depth: g.cfg.JSONDepth})
	release()
	if err != nil {
		return x.refuse(err)
	}
	n, err := g.count(x, &req.ChatRequest)
	if err != nil {
		return x.refuse(err)
	}
	return x.json(http.StatusOK, anthropic.AppendCount(nil, n))
}

// count is how many tokens a chat's prompt has: of the rendered template, or as the engine counts that renders it itself.
func (g *Gateway) count(x *exchange, req *openai.ChatRequest) (int, error) {
	c := &call{messages: turns(req.Messages), raw: req.RawMessages, rich: req.RichMessages, wishes: req.Wishes, template: &inferv1.Request{}}
	m, e := g.target(req.Model)
	if e != nil {
		return 0, e
	}
	if m.template == nil && m.GetChat() == "native" {
		return g.countNative(x.alive(), m, c)
	}
	p, err := g.render(c, m, true)
	if err != nil {
		return 0, err
	}
	if _, err := g.tokenizer(req.Model); err != nil {
		return 0, err
	}
	ids, err := g.tokenize(x.alive(), m, p.text, c.template.GetAddSpecial(), c.template.GetParseSpecial())
	return len(ids), err
}

// countNative asks the engine that renders the messages itself.
func (g *Gateway) countNative(ctx context.Context, m *served, c *call) (int, error) {
	raw, extras := c.spelled(m)
	a, err := g.link.ask(ctx, m.pool, &inferv1.Ask{Model: m.GetName(), Question: &inferv1.Ask_Count{
		Count: &inferv1.CountChat{Messages: raw, Extras: extras},
	}})
	return int(a.GetCount()), err
}

// messageFace spells Anthropic's message and its events.
type messageFace struct {
	id     string
	row    blocks.Row // of an answer that does not stream
	s      *anthropic.Stream
	finish string
}

func (f *messageFace) take(p *piece) {
	f.row.Keep = true
	f.row.Add(part(p), nil)
	f.ends(p)
}

func (f *messageFace) ends(p *piece) {
	if p.End != nil {
		f.finish = p.End.Finish
	}
}

func (f *messageFace) whole(b []byte, h openai.Head, _ []openai.Choice, u openai.Usage) []byte {
	return anthropic.AppendMessage(b, h, &f.row, f.finish, u)
}

func (f *messageFace) open(h openai.Head, _ int) { f.s = anthropic.NewStream(h) }

func (f *messageFace) piece(b []byte, p *piece) []byte {
	f.ends(p)
	return f.s.Add(b, part(p))
}

func (f *messageFace) end(b []byte, u openai.Usage) []byte { return f.s.End(b, f.finish, u) }

func (f *messageFace) broken(b []byte, e *openai.Error) []byte {
	return anthropic.AppendErrorEvent(b, e, f.id)
}

// part is a piece without its bookkeeping.
func part(p *piece) *blocks.Part {
	out := &blocks.Part{Reasoning: p.Reasoning, Text: p.Text, Logprobs: p.Logprobs}
	if p.Extra != nil {
		out.Calls, out.Signature = p.Extra.ToolCalls, p.Extra.Signature
	}
	return out
}
