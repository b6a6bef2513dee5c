package gateway

import (
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Every face that has a place for reasoning says it, before the text; a completion has none.
func TestReasoningComesBeforeText(t *testing.T) {
	p := &piece{Delta: flight.Delta{Reasoning: "hm", Text: "so", Logprobs: []flight.Token{{Text: []byte("so")}}}}
	if got := spell(p); got.GetReasoning() != "hm" || got.GetText() != "so" {
		t.Errorf("gRPC: %v", got)
	}
	f := &chatFace{}
	f.open(openai.Head{}, 1)
	got := string(f.piece(nil, p))
	hm, so := strings.Index(got, `"delta":{"reasoning_content":"hm"},"logprobs":null`), strings.Index(got, `"delta":{"content":"so"},"logprobs":{`)
	if hm < 0 || so < hm || strings.Count(got, "data: ") != 3 {
		t.Errorf("chat: %s", got)
	}
	p.Text = ""
	if got := string(f.piece(nil, p)); strings.Count(got, "data: ") != 1 || !strings.Contains(got, `"delta":{"reasoning_content":"hm"},"logprobs":{`) {
		t.Errorf("chat, reasoning alone: %s", got)
	}
	c := &completionFace{}
	c.open(openai.Head{}, 1)
	if got := c.piece(nil, &piece{Delta: flight.Delta{Reasoning: "hm"}}); len(got) > 0 {
		t.Errorf("completion: %s", got)
	}
	if d := (flight.Delta{Reasoning: "hm"}); produced(&d) != 1 {
		t.Error("reasoning is no token")
	}
}

// Both faces tell usage that nobody counted from usage that an engine has.
func TestUsageOverGRPCSaysWhatNobodyCounted(t *testing.T) {
	for _, estimated := range []bool{false, true} {
		if got := usage(flight.Usage{Output: 3, Estimated: estimated}); got.GetEstimated() != estimated || got.GetOutput() != 3 {
			t.Errorf("estimated %v: %v", estimated, got)
		}
	}
}
