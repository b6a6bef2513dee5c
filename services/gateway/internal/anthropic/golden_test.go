package anthropic_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/anthropic"
	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	head  = openai.Head{ID: "msg_1", Created: 1795337196, Model: "smol"}
	usage = openai.Usage{Prompt: 37, Cached: 20, Written: 7, Completion: 12, Reasoning: 2}
	// Thoughts with a signature, text with a line separator, two calls, the second without arguments.
	parts = []blocks.Part{
		{Reasoning: "Hm.\n"}, {Reasoning: "\"So\"", Signature: "c2ln", Text: "Let me"}, {Text: " see\u2028."},
		{Calls: []openai.ToolCall{{ID: "call_1", Name: "weather"}}}, {Calls: []openai.ToolCall{{Arguments: `{"city":`}}}, {Calls: []openai.ToolCall{{Arguments: `"Zürich"}`}}},
		{Calls: []openai.ToolCall{{Index: 1, ID: "call_2", Name: "time"}}},
	}
)

func whole(finish string, u openai.Usage, parts ...blocks.Part) []byte {
	row := blocks.Row{Keep: true}
	for i := range parts {
		row.Add(&parts[i], nil)
	}
	return anthropic.AppendMessage(nil, head, &row, finish, u)
}

func stream(finish string, parts ...blocks.Part) []byte {
	s, b := anthropic.NewStream(head), []byte(nil)
	for i := range parts {
		b = s.Add(b, &parts[i])
	}
	return s.End(b, finish, usage)
}

func TestGoldenAnswers(t *testing.T) {
	refusal := &openai.Error{Status: 404, Message: "no \"such\" model", Type: openai.TypeInvalidRequest, Param: "model", Code: "model_not_found"}
	for name, got := range map[string][]byte{
		"message":           whole("stop", usage, blocks.Part{Text: "L'Étoile\n\""}),
		"message-all":       whole("tool_calls", usage, parts...),
		"message-cut":       whole("length", openai.Usage{Completion: 3, Estimated: true}, blocks.Part{Calls: []openai.ToolCall{{ID: "call_1", Name: "f", Arguments: `{"a":`}}}),
		"message-none":      whole("stop", openai.Usage{}),
		"count":             anthropic.AppendCount(nil, 7),
		"error-not-found":   anthropic.AppendError(nil, refusal, "req_1"),
		"error-overloaded":  anthropic.AppendError(nil, &openai.Error{Status: anthropic.Overloaded, Message: "full"}, "req_1"),
		"error-internal":    anthropic.AppendError(nil, &openai.Error{Status: 500, Message: "boom"}, "req_1"),
		"error-wrong-thing": anthropic.AppendError(nil, &openai.Error{Status: 400, Message: "bad", Param: "tools[0].input_schema"}, "req_1"),
	} {
		if !json.Valid(got) {
			t.Errorf("%s is not JSON: %s", name, got)
		}
		compare(t, name+".json", append(got, '\n'))
	}
}

func TestGoldenStreams(t *testing.T) {
	broken := anthropic.NewStream(head)
	for name, got := range map[string][]byte{
		"stream":      stream("stop", blocks.Part{Text: "Hi"}, blocks.Part{Text: " there"}),
		"stream-all":  stream("tool_calls", parts...),
		"stream-none": stream("stop"),
		"stream-broken": anthropic.AppendErrorEvent(broken.Add(nil, &blocks.Part{Text: "Hi"}),
			&openai.Error{Status: 502, Message: "the worker\nwent away"}, "req_1"),
	} {
		for event := range strings.SplitSeq(strings.TrimSuffix(string(got), "\n\n"), "\n\n") {
			first, data, _ := strings.Cut(event, "\ndata: ")
			var body struct{ Type string }
			if err := json.Unmarshal([]byte(data), &body); err != nil || first != "event: "+body.Type || strings.ContainsAny(data, "\r\n\u2028") {
				t.Errorf("%s: not an event of JSON on one line with its own name: %q (%v)", name, event, err)
			}
		}
		compare(t, name+".sse", got)
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
