package gateway

import (
	"context"
	"math"
	"time"

	"google.golang.org/grpc"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/obs"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// api is the gRPC face.
type api struct {
	gatewayv1.UnimplementedGatewayServiceServer
	g *Gateway
}

// Generate streams an answer.
func (a *api) Generate(req *gatewayv1.GenerateRequest, out grpc.ServerStreamingServer[gatewayv1.GenerateResponse]) error {
	return errs.GRPC(a.g.generateOver(out.Context(), req, out))
}

func greeting(a *answer) *gatewayv1.GenerateResponse {
	s := a.start
	if s == nil {
		s = &flight.Start{}
	}
	return &gatewayv1.GenerateResponse{Event: &gatewayv1.GenerateResponse_Started{Started: &gatewayv1.Started{
		Id: a.call.id, Model: a.call.model, ModelVersion: s.ModelVersion, SystemFingerprint: s.Fingerprint,
		Worker: a.worker, QueueSeconds: float64(s.QueueNanos) / 1e9, FirstTokenSeconds: a.firstToken.Seconds(),
	}}}
}

func spell(p *piece) *gatewayv1.Piece {
	out := &gatewayv1.Piece{Index: uint32(p.choice), Reasoning: p.Reasoning, Text: p.Text, Tokens: p.Tokens, Logprobs: tokens(p.Logprobs), Prompt: tokens(p.Prompt)}
	if p.End != nil {
		out.FinishReason = p.End.Finish
	}
	if p.Extra != nil {
		out.ToolCalls, out.ReasoningSignature = spellCalls(p.Extra.ToolCalls), p.Extra.Signature
	}
	return out
}

func tokens(in []flight.Token) []*inferv1.TokenLogprob {
	out := make([]*inferv1.TokenLogprob, len(in))
	for i := range in {
		t := &inferv1.TokenLogprob{Id: in[i].ID, Text: in[i].Text}
		if !in[i].Null {
			t.Logprob = &in[i].Logprob
		}
		for _, alt := range in[i].Top {
			t.Top = append(t.Top, &inferv1.TopLogprob{Id: alt.ID, Text: alt.Text, Logprob: alt.Logprob})
		}
		out[i] = t
	}
	return out
}

func usage(u flight.Usage) *inferv1.Usage {
	return &inferv1.Usage{
		UncachedInput: uint32(u.UncachedInput), CacheRead: uint32(u.CacheRead), CacheWrite: uint32(u.CacheWrite),
		Output: uint32(u.Output), Reasoning: uint32(u.Reasoning), Estimated: u.Estimated,
	}
}

// callOf brings a gRPC request into the domain's form. It is held to the limits of the HTTP face by the same decoder:
// the request is spelled as JSON parameters and read back, so that both faces refuse the same things.
func callOf(ctx context.Context, g *Gateway, req *gatewayv1.GenerateRequest, id string, began time.Time) (*call, error) {
	c := &call{id: id, began: began, tenant: g.cfg.Tenant, trace: obs.Inject(ctx)}
	var err error
	if c.tenant, err = tenant(incoming(ctx, "x-leat-tenant"), g.cfg.Tenant); err != nil {
		return nil, err
	}
	if c.class, err = class(incoming(ctx, "x-leat-class")); err != nil {
		return nil, err
	}
	if c.session, err = session(incoming(ctx, "x-leat-session")); err != nil {
		return nil, err
	}
	if c.waits, err = waits(incoming(ctx, "x-leat-timeout")); err != nil {
		return nil, err
	}
	params, err := openai.CheckParams(paramsOf(req))
	if err != nil {
		return nil, invalid(err)
	}
	fill(c, params)
	c.stream, c.template.Stream = true, true
	if c.template.Echo = req.GetEcho(); c.template.Echo {
		c.given = append(c.given, "echo") // the engine must be able to
	}
	return c, input(c, req)
}

// invalid is a decoder's refusal as the one error.
func invalid(err error) error {
	e := public(err)
	return &errs.Error{Kind: errs.Invalid, Code: e.Code, Message: e.Message, Param: e.Param}
}

// input takes the one prompt that a request must have.
func input(c *call, req *gatewayv1.GenerateRequest) error {
	given := 0
	if len(req.GetMessages()) > 0 {
		given++
		if err := said(c, req); err != nil {
			return err
		}
	}
	if req.GetPrompt() != "" {
		given++
		c.prompts = []prompt{{text: req.GetPrompt()}}
		c.template.AddSpecial, c.template.ParseSpecial = true, true
	}
	if req.GetTokens() != nil {
		given++
		c.prompts = []prompt{{tokens: req.GetTokens().GetIds()}}
	}
	if given != 1 {
		return errs.Field("prompt", "missing_required_parameter", "Give exactly one of messages, prompt and tokens; there are %d.", given)
	}
	if req.GetEcho() && c.messages != nil {
		return errs.Field("echo", "unsupported_parameter", "echo is for completions; leave it out with messages.")
	}
	if w := wishesOf(req); c.messages == nil && len(w.Names()) > 0 {
		return errs.Field(w.Names()[0], "unsupported_parameter", "%s is for chats; leave it out without messages.", w.Names()[0])
	}
	return nil
}

func paramsOf(req *gatewayv1.GenerateRequest) openai.Params {
	s := req.GetSampling()
	p := openai.Params{
		Model: req.GetModel(), N: int(req.GetN()), MaxTokens: int(min(req.GetMaxTokens(), math.MaxInt32)), Stop: req.GetStop(),
		Logprobs: req.GetLogprobs(), TopLogprobs: int(req.GetTopLogprobs()), IgnoreEOS: req.GetIgnoreEos(),
		User: req.GetUser(), Metadata: req.GetMetadata(), Grammar: req.GetGrammar(), LogitBias: s.GetLogitBias(),
	}
	if s != nil {
		p.Temperature, p.TopP, p.MinP, p.Seed = s.Temperature, s.TopP, s.MinP, s.Seed
		p.FrequencyPenalty, p.PresencePenalty, p.RepetitionPenalty = s.FrequencyPenalty, s.PresencePenalty, s.RepetitionPenalty
		if s.TopK != nil {
			k := int(*s.TopK)
			p.TopK = &k
		}
	}
	return p
}

// ListModels lists what can be called now.
func (a *api) ListModels(ctx context.Context, _ *gatewayv1.ListModelsRequest) (*gatewayv1.ListModelsResponse, error) {
	identify(ctx)
	out := &gatewayv1.ListModelsResponse{}
	for _, m := range a.g.directory.models() {
		out.Models = append(out.Models, &gatewayv1.ModelCard{
			Id: m.GetName(), OwnedBy: "leat-" + m.GetEngine(), CreatedUnix: m.GetCreatedUnix(), ContextLength: m.GetContextLength(),
			Exact: m.GetExact(), Version: m.GetVersion(),
		})
	}
	for _, name := range a.g.routed() {
		out.Models = append(out.Models, &gatewayv1.ModelCard{Id: name, OwnedBy: "leat-route"})
	}
	return out, nil
}

// Tokenize turns text into token ids.
func (a *api) Tokenize(ctx context.Context, req *gatewayv1.TokenizeRequest) (*gatewayv1.TokenizeResponse, error) {
	identify(ctx)
	m, err := a.g.tokenizer(req.GetModel())
	if err != nil {
		return nil, errs.GRPC(err)
	}
	ids, err := a.g.tokenize(ctx, m, req.GetText(), req.GetAddSpecialTokens(), true)
	if err != nil {
		return nil, errs.GRPC(err)
	}
	return &gatewayv1.TokenizeResponse{Tokens: ids}, nil
}

// Detokenize turns token ids into text.
func (a *api) Detokenize(ctx context.Context, req *gatewayv1.DetokenizeRequest) (*gatewayv1.DetokenizeResponse, error) {
	identify(ctx)
	m, err := a.g.tokenizer(req.GetModel())
	if err != nil {
		return nil, errs.GRPC(err)
	}
	text, err := a.g.detokenize(ctx, m, req.GetTokens())
	if err != nil {
		return nil, errs.GRPC(err)
	}
	return &gatewayv1.DetokenizeResponse{Text: text}, nil
}
