package openai_test

import (
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

func TestUsageThatNobodyCountedSaysSo(t *testing.T) {
	for estimated, want := range map[bool]bool{true: true, false: false} {
		b := openai.AppendChat(nil, openai.Head{}, nil, openai.Usage{Completion: 3, Estimated: estimated})
		if got := strings.Contains(string(b), `"usage":{`) && strings.Contains(string(b), `"estimated":true}`); got != want {
			t.Errorf("estimated %v: %s", estimated, b)
		}
	}
}
