package gateway

import (
	"time"

	"github.com/leathq/leat/pkg/obs"
	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
	"github.com/leathq/leat/services/gateway/internal/responses"
)

// serveResponse is OpenAI's POST /v1/responses.
func (g *Gateway) serveResponse(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	req, err := responses.Decode(data, openai.Limits{Depth: g.cfg.JSONDepth})
	release()
	if err != nil {
		return x.refuse(err)
	}
	f := &responseFace{asked: responses.Asked{Instructions: req.Instructions, Params: req.Params, Wishes: req.Wishes}}
	a, err := x.converse(&req.ChatRequest)
	if err != nil {
		return x.refuse(err)
	}
	return &reply{a, f, "resp_", obs.OpChat}
}

// responseFace spells OpenAI's response and its events.
type responseFace struct {
	asked  responses.Asked
	row    blocks.Row // of an answer that does not stream
	s      *responses.Stream
	finish string
}

func (f *responseFace) take(p *piece) {
	f.row.Keep = true
	f.row.Add(part(p), nil)
	f.ends(p)
}

func (f *responseFace) ends(p *piece) {
	if p.End != nil {
		f.finish = p.End.Finish
	}
}

func (f *responseFace) whole(b []byte, h openai.Head, _ []openai.Choice, u openai.Usage) []byte {
	f.asked.Head = h
	return responses.AppendResponse(b, &f.asked, &f.row, f.finish, time.Now().Unix(), u)
}

func (f *responseFace) open(h openai.Head, _ int) {
	f.asked.Head = h
	f.s = responses.NewStream(&f.asked)
}

func (f *responseFace) piece(b []byte, p *piece) []byte {
	f.ends(p)
	return f.s.Add(b, part(p))
}

func (f *responseFace) end(b []byte, u openai.Usage) []byte {
	return f.s.End(b, f.finish, time.Now().Unix(), u)
}

func (f *responseFace) broken(b []byte, e *openai.Error) []byte { return f.s.Broken(b, e) }
