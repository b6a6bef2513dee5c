package gateway

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

func (g *Gateway) serveModels(x *exchange) *reply {
	models := g.directory.models()
	out := make([]openai.Model, len(models))
	for i, m := range models {
		out[i] = card(m)
	}
	for _, name := range g.routed() {
		out = append(out, openai.Model{ID: name, OwnedBy: "leat-route"})
	}
	return x.json(http.StatusOK, openai.AppendModels(nil, out))
}

func (g *Gateway) serveModel(x *exchange) *reply {
	name := x.r.PathValue("model")
	m, e := g.target(name)
	if e != nil {
		return x.refuse(e)
	}
	c := card(m)
	if _, route := g.cfg.Models[name]; route {
		c.ID, c.OwnedBy = name, "leat-route"
	}
	return x.json(http.StatusOK, openai.AppendModel(nil, c))
}

// target is the model that a name stands for when nothing is drawn: a route's first that workers serve.
func (g *Gateway) target(name string) (m *served, e *errs.Error) {
	if _, route := g.cfg.Models[name]; !route {
		return g.directory.lookup(name)
	}
	for _, t := range g.cfg.Models.Resolve(name, "") {
		if m, e = g.directory.find(t.Pool, t.Model); e == nil {
			return m, nil
		}
	}
	return nil, e
}

// routed are the names of routes that no worker serves a model by.
func (g *Gateway) routed() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(g.cfg.Models)), func(name string) bool {
		_, e := g.directory.find("", name)
		return e == nil
	})
}

func card(m *served) openai.Model {
	return openai.Model{ID: m.GetName(), Created: m.GetCreatedUnix(), OwnedBy: "leat-" + m.GetEngine(), MaxModelLen: int(m.GetContextLength())}
}

func (g *Gateway) serveTokenize(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	defer release()
	req, err := openai.DecodeTokenize(data, openai.Limits{Depth: g.cfg.JSONDepth})
	if err != nil {
		return x.refuse(err)
	}
	text := req.Text
	m, err := g.tokenizer(req.Model)
	if err == nil && req.Messages != nil {
		c := &call{messages: turns(req.Messages), raw: req.RawMessages, template: &inferv1.Request{}}
		var p prompt
		if p, err = g.render(c, m, req.AddGenerationPrompt); err == nil && m.template == nil {
			err = errs.Field("messages", "unsupported_parameter", "The engine renders the messages of model '%s' itself. Tokenise a prompt instead.", m.GetName())
		}
		text = p.text
	}
	if err != nil {
		return x.refuse(err)
	}
	ids, err := g.tokenize(x.alive(), m, text, req.AddSpecialTokens, req.ParseSpecialTokens)
	if err != nil {
		return x.refuse(err)
	}
	return x.json(http.StatusOK, openai.AppendTokens(nil, ids, int(m.GetContextLength())))
}

func (g *Gateway) serveDetokenize(x *exchange) *reply {
	data, release, err := x.body()
	if err != nil {
		return x.refuse(err)
	}
	defer release()
	req, err := openai.DecodeDetokenize(data, openai.Limits{Depth: g.cfg.JSONDepth})
	if err != nil {
		return x.refuse(err)
	}
	m, err := g.tokenizer(req.Model)
	if err != nil {
		return x.refuse(err)
	}
	text, err := g.detokenize(x.alive(), m, req.Tokens)
	if err != nil {
		return x.refuse(err)
	}
	return x.json(http.StatusOK, openai.AppendText(nil, text))
}

func (g *Gateway) serveTokenizerInfo(x *exchange) *reply {
	m, err := g.tokenizer(x.r.URL.Query().Get("model"))
	if err != nil {
		return x.refuse(err)
	}
	return x.json(http.StatusOK, openai.AppendTokenizerInfo(nil, openai.TokenizerInfo{
		Model: m.GetName(), BOS: m.GetBosToken(), EOS: m.GetEosToken(), PAD: m.GetPadToken(), ChatTemplate: m.GetChatTemplate(),
	}))
}

// tokenizer finds a model whose engine tokenises.
func (g *Gateway) tokenizer(model string) (*served, error) {
	m, e := g.target(model)
	if e != nil {
		return nil, e
	}
	if !m.GetTokenizes() {
		return nil, errs.Field("model", "tokenizer_not_available",
			"The engine %s behind model '%s' does not tokenise. Count with the provider's own tokeniser.", m.GetEngine(), m.GetName())
	}
	return m, nil
}

func (g *Gateway) tokenize(ctx context.Context, m *served, text string, addSpecial, parseSpecial bool) ([]int32, error) {
	a, err := g.link.ask(ctx, m.pool, &inferv1.Ask{Model: m.GetName(), Question: &inferv1.Ask_Tokenize{
		Tokenize: &inferv1.TokenizeText{Text: text, AddSpecial: addSpecial, ParseSpecial: parseSpecial},
	}})
	return a.GetTokens().GetIds(), err
}

func (g *Gateway) detokenize(ctx context.Context, m *served, ids []int32) (string, error) {
	a, err := g.link.ask(ctx, m.pool, &inferv1.Ask{Model: m.GetName(), Question: &inferv1.Ask_Detokenize{
		Detokenize: &inferv1.TokenIds{Ids: ids},
	}})
	return a.GetText(), err
}
