package sim

import (
	"context"
	"fmt"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// chatTemplate is ChatML.
const chatTemplate = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}" +
	"{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

// Info implements engine.Engine.
func (e *Engine) Info() engine.Info {
	version := fmt.Sprintf("sim-1@%x/%d", e.cfg.Weights, e.cfg.MeanOutput)
	return engine.Info{
		Model: e.cfg.Model, Engine: "sim", ModelVersion: version, Fingerprint: version, Exact: true,
		ContextLen: e.cfg.Cost.ContextLen(), Slots: e.cfg.Cost.Slots,
		Chat: engine.ChatTemplate, ChatTemplate: chatTemplate, BOS: textBOS, EOS: textEOS, PAD: textPAD,
		Params: []string{
			"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty",
			"logit_bias", "seed", "stop", "max_tokens", "max_completion_tokens", "ignore_eos", "echo", "logprobs",
			"top_logprobs", "user", "metadata",
		},
		Tokenizes: true,
	}
}

// Stats implements engine.Engine.
func (e *Engine) Stats() engine.Stats {
	e.mu.Lock()
	s, closed := e.machine.Stats(), e.closed
	e.mu.Unlock()
	stats := engine.Stats{
		Running: s.Running, Waiting: s.Waiting, QueuedTokens: s.QueuedTokens, KVUse: s.KVUse,
		PrefillRate: s.PrefillRate, DecodeRate: s.DecodeRate,
		PromptTokens: s.PromptTokens, CachedTokens: s.CachedTokens, OutputTokens: s.OutputTokens,
		Steps: s.Steps, Healthy: !closed,
	}
	if closed {
		stats.HealthMessage = "the engine is closed"
	}
	return stats
}

// Tokenize implements engine.Engine.
func (e *Engine) Tokenize(_ context.Context, text string, addSpecial, parseSpecial bool) ([]int32, error) {
	return tokenize(text, addSpecial, parseSpecial), nil
}

// Detokenize implements engine.Engine.
func (e *Engine) Detokenize(_ context.Context, ids []int32) (string, error) {
	var b []byte
	for _, id := range ids {
		var err error
		if b, err = appendToken(b, id); err != nil {
			return "", clientError("invalid_prompt", "tokens", err.Error())
		}
	}
	return string(b), nil
}
