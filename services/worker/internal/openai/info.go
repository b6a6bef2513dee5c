package openai

import (
	"slices"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// standardParams every server of this API is expected to honour.
var standardParams = []string{
	"temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "seed", "stop", "max_tokens",
	"max_completion_tokens", "logprobs", "top_logprobs", "user", "metadata",
	"tools", "tool_choice", "parallel_tool_calls", "response_format", "image_url",
}

// params lists what the upstream honours. Metadata stays in this platform.
func (f *facts) params() []string {
	var all []string
	for _, p := range append(append(slices.Clone(standardParams), f.dialect.extra...), "grammar") {
		if f.dialect.takes(p, f.version) {
			all = append(all, p)
		}
	}
	return all
}

// Info implements engine.Engine. It changes when an upstream that was away comes back as another one.
func (e *Engine) Info() engine.Info {
	f := e.facts.Load()
	served, _ := e.cfg.names()
	return engine.Info{
		Model: served, Engine: "openai", ModelVersion: f.upstreamModel, ContextLen: f.context, Slots: f.slots,
		Chat: engine.ChatNative, BOS: f.bos, EOS: f.eos, Params: f.params(), UnaryBlocks: true, Tokenizes: f.tokenizes,
	}
}
