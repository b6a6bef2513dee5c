package llama_test

import (
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/llama"
)

func TestGenerateAnswersWithTheRealModel(t *testing.T) {
	e := start(t, nil, llama.Deps{})
	info := e.Info()
	t.Logf("%+v", info)
	d := generate(t, e, engine.Request{Prompt: engine.Prompt{Text: "The capital of France is"}, Sampling: greedy(), MaxTokens: 12})
	t.Logf("%q %+v %+v", d.Text, d.Usage, d.Timing)
}
