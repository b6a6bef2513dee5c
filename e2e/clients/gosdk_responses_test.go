package clients_test

import (
	"errors"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
)

// goResponses: the official Go SDK reads a response, its events, and its errors.
func goResponses(t *testing.T, url string) {
	ask := responses.ResponseNewParams{
		Model: model, Temperature: param.NewOpt(0.0), MaxOutputTokens: param.NewOpt[int64](16),
		Input: responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("Name three rivers of Europe.")},
	}
	c := sdk(url)
	whole, err := c.Responses.New(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	stream, text, n := c.Responses.NewStreaming(t.Context(), ask), "", int64(0)
	last := ""
	for ; stream.Next(); n++ {
		e := stream.Current()
		if e.SequenceNumber != n {
			t.Errorf("event %d has the number %d", n, e.SequenceNumber)
		}
		if e.Type == "response.output_text.delta" {
			text += e.Delta
		}
		last = e.Type
	}
	if err := stream.Err(); err != nil || text != whole.OutputText() || text == "" || last != "response."+string(whole.Status) {
		t.Errorf("the stream says %q and ends with %s, the answer %q with %s: %v", text, last, whole.OutputText(), whole.Status, err)
	}
	ask.Store = param.NewOpt(true)
	var e *openai.Error
	if _, err := c.Responses.New(t.Context(), ask); !errors.As(err, &e) || e.StatusCode != 400 || e.Param != "store" {
		t.Errorf("store: %v, want a refusal that names it", err)
	}
}
