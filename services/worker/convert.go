package worker

import (
	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/worker/internal/engine"
)

// engineRequest turns a request from the bus into the engine's. model is the engine's own name of what it serves.
func engineRequest(p *inferv1.Request, model string) (*engine.Request, error) {
	r := &engine.Request{
		ID: p.GetRequestId(), Model: model, Sampling: sampling(p.GetSampling()), Stop: p.GetStop(),
		MaxTokens: int(min(p.GetMaxTokens(), 1<<30)), IgnoreEOS: p.GetIgnoreEos(), Stream: p.GetStream(), Echo: p.GetEcho(),
		Logprobs: p.GetLogprobs(), TopLogprob: int(min(p.GetTopLogprobs(), 20)), User: p.GetUser(), Metadata: p.GetMetadata(),
		Extras: p.GetExtras(), Grammar: p.GetGrammar(), GrammarTrigger: p.GetGrammarTrigger(),
	}
	r.Prompt = engine.Prompt{AddSpecial: p.GetAddSpecial(), ParseSpecial: p.GetParseSpecial()}
	switch prompt := p.GetPrompt().(type) {
	case *inferv1.Request_Text:
		r.Prompt.Text = prompt.Text
	case *inferv1.Request_Tokens:
		r.Prompt.Tokens = prompt.Tokens.GetIds()
	case *inferv1.Request_Messages:
		r.Prompt.Messages = prompt.Messages
	default:
		return nil, errs.Field("prompt", "invalid_prompt", "The request has no prompt. Send text, token ids or messages.")
	}
	return r, nil
}

func sampling(p *inferv1.Sampling) engine.Sampling {
	if p == nil {
		return engine.Sampling{}
	}
	s := engine.Sampling{
		Temperature: p.Temperature, TopP: p.TopP, MinP: p.MinP, FrequencyPenalty: p.FrequencyPenalty,
		PresencePenalty: p.PresencePenalty, RepetitionPenalty: p.RepetitionPenalty, LogitBias: p.LogitBias,
		Seed: p.Seed, AutoSeed: p.AutoSeed,
	}
	if p.TopK != nil {
		k := int(*p.TopK)
		s.TopK = &k
	}
	return s
}
