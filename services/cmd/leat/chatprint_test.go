package main_test

import (
	"strings"
	"testing"

	main "github.com/leathq/leat/services/cmd/leat"
)

// Reasoning is told from the answer and is no part of it, and a stream that breaks within it leaves no dimmed terminal.
func TestReasoningIsToldFromTheAnswer(t *testing.T) {
	thought := `data: {"choices":[{"delta":{"reasoning_content":"hm, "}}]}` + "\n\n" + `data: {"choices":[{"delta":{"reasoning_content":"so"}}]}` + "\n\n"
	answer := `data: {"choices":[{"delta":{"content":"4"}}]}` + "\n\n" + `data: {"choices":[{"delta":{"content":"2"}}]}` + "\n\ndata: [DONE]\n\n"
	for _, tc := range []struct {
		stream       string
		dims         bool
		prints, said string
	}{
		{thought + answer, true, "\x1b[2mhm, so\x1b[0m\n42", "42"},
		{thought + answer, false, "[hm, so]\n42", "42"},
		{answer, true, "42", "42"},
		{thought + `data: {"error":{"message":"lost"}}` + "\n\n", true, "\x1b[2mhm, so\x1b[0m", ""},
	} {
		var out strings.Builder
		said, err := main.PrintStream(strings.NewReader(tc.stream), &out, tc.dims)
		if out.String() != tc.prints || said != tc.said || (err == nil) != strings.Contains(tc.stream, "DONE") {
			t.Errorf("%s\nprints %q and says %q (%v), want %q and %q", tc.stream, out.String(), said, err, tc.prints, tc.said)
		}
	}
}
