package responses_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
	"github.com/leathq/leat/services/gateway/internal/responses"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	head  = openai.Head{ID: "resp_1", Created: 1795337196, Model: "smol"}
	half  = 0.5
	usage = openai.Usage{Prompt: 37, Cached: 20, Written: 7, Completion: 12, Reasoning: 2}
	bare  = &responses.Asked{Head: head}
	full  = &responses.Asked{
		Head: head, Instructions: "Be \"brief\".",
		Params: openai.Params{MaxTokens: 9, Temperature: &half, TopP: &half, Logprobs: true, TopLogprobs: 1, User: "u", Metadata: map[string]string{"b": "2", "a": "1"}},
		Wishes: openai.Wishes{
			Tools:   []openai.Tool{{Name: "weather", Description: "d", Parameters: []byte(`{"type":"object"}`), Strict: true}, {Name: "time"}},
			Choice:  openai.ToolChoice{Mode: openai.ToolNamed, Name: "time"},
			OneCall: true, Format: openai.Format{Type: openai.FormatSchema, Name: "n", Schema: []byte(`{}`)},
		},
	}
	// Thoughts with a signature, text with a line separator, two calls, the second without arguments.
	parts = []blocks.Part{
		{Reasoning: "Hm.\n"}, {Reasoning: "\"So\"", Signature: "c2ln", Text: "Let me", Logprobs: []openai.TokenLogprob{
			{ID: 1, Text: []byte("Let me"), Logprob: -0.5, Top: []openai.TopLogprob{{ID: 1, Text: []byte("Let me"), Logprob: -0.5}}}}},
		{Text: " see\u2028."},
		{Calls: []openai.ToolCall{{ID: "call_1", Name: "weather"}}}, {Calls: []openai.ToolCall{{Arguments: `{"city":`}}}, {Calls: []openai.ToolCall{{Arguments: `"Zürich"}`}}},
		{Calls: []openai.ToolCall{{Index: 1, ID: "call_2", Name: "time"}}},
	}
	failure = &openai.Error{Status: 502, Message: "the worker\nwent away", Code: "worker_lost"}
)

const done = 1795337199 // Unix seconds

func whole(a *responses.Asked, finish string, parts ...blocks.Part) []byte {
	row := blocks.Row{Keep: true}
	for i := range parts {
		row.Add(&parts[i], nil)
	}
	return responses.AppendResponse(nil, a, &row, finish, done, usage)
}

func stream(a *responses.Asked, finish string, parts ...blocks.Part) []byte {
	s, b := responses.NewStream(a), []byte(nil)
	for i := range parts {
		b = s.Add(b, &parts[i])
	}
	if finish == "" {
		return s.Broken(b, failure)
	}
	return s.End(b, finish, done, usage)
}

func TestGoldenAnswers(t *testing.T) {
	for name, got := range map[string][]byte{
		"response":            whole(bare, "stop", blocks.Part{Text: "L'Étoile\n\""}),
		"response-all":        whole(full, "tool_calls", parts...),
		"response-incomplete": whole(bare, "length", blocks.Part{Text: "It is"}, blocks.Part{Calls: []openai.ToolCall{{ID: "call_1", Name: "f", Arguments: `{"a":`}}}),
		"response-none":       whole(bare, "stop"),
	} {
		if !json.Valid(got) {
			t.Errorf("%s is not JSON: %s", name, got)
		}
		compare(t, name+".json", append(got, '\n'))
	}
}

// Every stream is numbered from 0 without gaps, and its last event says what the whole answer says.
func TestGoldenStreams(t *testing.T) {
	text := []blocks.Part{{Text: "Hi"}, {Text: " there"}}
	for name, got := range map[string]struct{ stream, whole []byte }{
		"stream":            {stream(bare, "stop", text...), whole(bare, "stop", text...)},
		"stream-all":        {stream(full, "tool_calls", parts...), whole(full, "tool_calls", parts...)},
		"stream-incomplete": {stream(bare, "length", text...), whole(bare, "length", text...)},
		"stream-none":       {stream(bare, "stop"), whole(bare, "stop")},
		"stream-broken":     {stream(bare, "", text...), nil},
	} {
		var last json.RawMessage
		n := 0
		for event := range strings.SplitSeq(strings.TrimSuffix(string(got.stream), "\n\n"), "\n\n") {
			first, data, _ := strings.Cut(event, "\ndata: ")
			var body struct {
				Type     string
				Number   int `json:"sequence_number"`
				Response json.RawMessage
			}
			if err := json.Unmarshal([]byte(data), &body); err != nil || first != "event: "+body.Type || strings.ContainsAny(data, "\r\n\u2028") || body.Number != n {
				t.Errorf("%s: not event %d, of JSON on one line with its own name: %q (%v)", name, n, event, err)
			}
			last, n = body.Response, n+1
		}
		if got.whole != nil && !bytes.Equal(last, got.whole) {
			t.Errorf("%s ends with\n%s, the whole answer is\n%s", name, last, got.whole)
		}
		compare(t, name+".sse", got.stream)
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s (go test -update writes it anew)\ngot  %s\nwant %s", path, got, want)
	}
}
