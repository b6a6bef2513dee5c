package openai

import "github.com/leathq/leat/services/worker/internal/engine"

// standardParams every server of this API is expected to honour.
var standardParams = []string{
	"temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "seed", "stop", "max_tokens",
	"max_completion_tokens", "logprobs", "top_logprobs", "user", "metadata",
	"tools", "tool_choice", "parallel_tool_calls", "response_format", "image_url",
}

// extraParams are honoured by the self-hosted engines.
var extraParams = []string{"top_k", "min_p", "repetition_penalty", "ignore_eos"}

// params lists what an upstream of this kind honours. Metadata stays in this platform.
func params(kind string) []string {
	all := append([]string(nil), standardParams...)
	switch kind {
	case KindVLLM, KindSGLang:
		all = append(append(all, extraParams...), "echo")
	case KindLlama:
		all = append(all, extraParams...)
	}
	return all
}

// Info implements engine.Engine. It changes when an upstream that was away comes back as another one.
func (e *Engine) Info() engine.Info {
	f := e.facts.Load()
	served, _ := e.cfg.names()
	return engine.Info{
		Model: served, Engine: "openai", ModelVersion: f.upstreamModel, ContextLen: f.context, Slots: f.slots,
		Chat: engine.ChatNative, BOS: f.bos, EOS: f.eos, Params: params(f.kind), UnaryBlocks: true, Tokenizes: f.tokenizes,
	}
}
