package llama_test

import (
	"testing"

	"github.com/leathq/leat/services/worker/internal/llama"
	"github.com/leathq/leat/services/worker/internal/llama/wire"
)

func TestSelfTestCatchesWrongSchedules(t *testing.T) {
	for name, spoil := range map[string]func(*wire.Schedule){
		"flash attention":         func(s *wire.Schedule) { s.Flash = true },
		"unified KV":              func(s *wire.Schedule) { s.Unified = true },
		"prompts beside decodes":  func(s *wire.Schedule) { s.Mixed = true },
		"generated text as cache": func(s *wire.Schedule) { s.ReuseOutput = true },
		"chunks of one token":     func(s *wire.Schedule) { s.MinChunk = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			rules := wire.Exact()
			spoil(&rules)
			e := start(t, func(c *llama.Config) { c.Rules = &rules }, llama.Deps{})
			if info := e.Info(); info.Exact {
				t.Fatal("the self-test calls this schedule exact")
			} else {
				t.Log(info.ExactNote)
			}
		})
	}
}
