package gateway

import (
	"context"
	"io"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/leathq/leat/pkg/errs"
	"github.com/leathq/leat/pkg/obs"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/chat"
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

func (g *Gateway) generateOver(ctx context.Context, req *gatewayv1.GenerateRequest, out grpc.ServerStreamingServer[gatewayv1.GenerateResponse]) error {
	c, err := callOf(ctx, g, req)
	if err != nil {
		return err
	}
	ans, err := g.generate(ctx, c)
	if err != nil {
		g.metrics.ended(nil, errs.As(err).Kind.HTTP(), false)
		return err
	}
	defer ans.Close()
	active := g.metrics.of(ans.model.GetName()).active
	active.Inc()
	defer active.Dec()
	err = g.pump(ctx, ans, out)
	status := 200
	if err != nil {
		status = errs.As(err).Kind.HTTP()
	}
	g.metrics.ended(ans, status, err != nil)
	return err
}

// pump sends an answer's pieces as they come.
func (g *Gateway) pump(ctx context.Context, ans *answer, out grpc.ServerStreamingServer[gatewayv1.GenerateResponse]) error {
	started := false
	for {
		pieces, err := ans.Next(ctx)
		if err == io.EOF {
			return out.Send(&gatewayv1.GenerateResponse{Event: &gatewayv1.GenerateResponse_Finished{
				Finished: &gatewayv1.Finished{Usage: usage(ans.usage)},
			}})
		}
		if err != nil {
			return err
		}
		if !started {
			started = true
			if err := out.Send(greeting(ans)); err != nil {
				return err
			}
		}
		for i := range pieces {
			if err := out.Send(&gatewayv1.GenerateResponse{Event: &gatewayv1.GenerateResponse_Piece{Piece: spell(&pieces[i])}}); err != nil {
				return err
			}
		}
	}
}

func greeting(a *answer) *gatewayv1.GenerateResponse {
	s := a.start
	if s == nil {
		s = &flight.Start{}
	}
	return &gatewayv1.GenerateResponse{Event: &gatewayv1.GenerateResponse_Started{Started: &gatewayv1.Started{
		Id: a.call.id, Model: a.model.GetName(), ModelVersion: s.ModelVersion, SystemFingerprint: s.Fingerprint,
		Worker: a.worker, QueueSeconds: float64(s.QueueNanos) / 1e9, FirstTokenSeconds: a.firstToken.Seconds(),
	}}}
}

func spell(p *piece) *gatewayv1.Piece {
	out := &gatewayv1.Piece{Index: uint32(p.choice), Text: p.Text, Tokens: p.Tokens, Logprobs: tokens(p.Logprobs), Prompt: tokens(p.Prompt)}
	if p.End != nil {
		out.FinishReason = p.End.Finish
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
		Output: uint32(u.Output), Reasoning: uint32(u.Reasoning),
	}
}

// callOf brings a gRPC request into the domain's form. It is held to the limits of the HTTP face by the same decoder:
// the request is spelled as JSON parameters and read back, so that both faces refuse the same things.
func callOf(ctx context.Context, g *Gateway, req *gatewayv1.GenerateRequest) (*call, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	header := func(k string) string {
		if v := md.Get(k); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	c := &call{
		id: requestID(header("x-request-id")), began: time.Now(), tenant: g.cfg.Tenant,
		trace: obs.Inject(obs.Extract(ctx, header("traceparent"))),
	}
	if t := header("x-leat-tenant"); t != "" {
		c.tenant = t[:min(len(t), 128)]
	}
	var err error
	if c.class, err = class(header("x-leat-class")); err != nil {
		return nil, err
	}
	if c.waits, err = waits(header("x-leat-timeout")); err != nil {
		return nil, err
	}
	params, err := openai.CheckParams(paramsOf(req))
	if err != nil {
		e := public(err)
		return nil, &errs.Error{Kind: errs.Invalid, Code: e.Code, Message: e.Message, Param: e.Param}
	}
	fill(c, params)
	c.stream, c.template.Stream = true, true
	c.template.Echo = req.GetEcho()
	if req.GetEcho() {
		c.given = append(c.given, "echo") // the engine must be able to
	}
	return c, input(c, req)
}

// input takes the one prompt that a request must have.
func input(c *call, req *gatewayv1.GenerateRequest) error {
	given := 0
	if len(req.GetMessages()) > 0 {
		given++
		raw := []openai.Message{}
		for _, m := range req.GetMessages() {
			c.messages = append(c.messages, chat.Message{Role: m.GetRole(), Content: m.GetContent()})
			raw = append(raw, openai.Message{Role: m.GetRole(), Content: m.GetContent()})
		}
		c.raw = openai.AppendMessages(nil, raw)
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
	return nil
}

func paramsOf(req *gatewayv1.GenerateRequest) openai.Params {
	s := req.GetSampling()
	p := openai.Params{
		Model: req.GetModel(), N: int(req.GetN()), MaxTokens: int(min(req.GetMaxTokens(), math.MaxInt32)), Stop: req.GetStop(),
		Logprobs: req.GetLogprobs(), TopLogprobs: int(req.GetTopLogprobs()), IgnoreEOS: req.GetIgnoreEos(),
		User: req.GetUser(), Metadata: req.GetMetadata(), LogitBias: s.GetLogitBias(),
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
func (a *api) ListModels(context.Context, *gatewayv1.ListModelsRequest) (*gatewayv1.ListModelsResponse, error) {
	out := &gatewayv1.ListModelsResponse{}
	for _, m := range a.g.directory.models() {
		out.Models = append(out.Models, &gatewayv1.ModelCard{
			Id: m.GetName(), OwnedBy: "leat-" + m.GetEngine(), CreatedUnix: m.GetCreatedUnix(), ContextLength: m.GetContextLength(),
			Exact: m.GetExact(), Version: m.GetVersion(),
		})
	}
	return out, nil
}

// Tokenize turns text into token ids.
func (a *api) Tokenize(ctx context.Context, req *gatewayv1.TokenizeRequest) (*gatewayv1.TokenizeResponse, error) {
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
