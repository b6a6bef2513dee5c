package openai_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	head     = openai.Head{ID: "chatcmpl-1", Created: 1795337196, Model: "smol", Fingerprint: "fp_1"}
	bareHead = openai.Head{ID: "cmpl-1", Created: 1795337196, Model: "smol"}
	usage    = openai.Usage{Prompt: 37, Cached: 36, Completion: 12, Reasoning: 2}
	// A word, half a character twice, and a token whose alternatives spell the same.
	tokens = []openai.TokenLogprob{
		{ID: 1, Text: []byte(" Par\"is"), Logprob: -0.24842411279678345, Top: []openai.TopLogprob{
			{ID: 1, Text: []byte(" Par\"is"), Logprob: -0.24842411279678345}, {ID: 2, Text: []byte(" the"), Logprob: -2.7847447395324707}}},
		{ID: 3, Text: []byte{0xe2, 0x96}, Logprob: -9.313225746154785e-10, Top: []openai.TopLogprob{
			{ID: 4, Text: []byte{0xe2, 0x97}, Logprob: 0}, {ID: 5, Text: []byte{0xff}, Logprob: math.Inf(-1)}}},
		{ID: 6, Text: []byte{0x81}, Logprob: -1, Top: []openai.TopLogprob{}},
		{ID: 7, Text: []byte("x"), Logprob: -3, Top: []openai.TopLogprob{
			{ID: 8, Text: []byte("x"), Logprob: -1}, {ID: 9, Text: []byte("y"), Logprob: -2}, {ID: 10, Text: []byte("y"), Logprob: -2.5}}},
	}
	echoed = append([]openai.TokenLogprob{{ID: 11, Text: []byte("The"), Null: true}}, tokens...)
)

// answers is every JSON answer, by the name of its golden file.
func answers() map[string][]byte {
	return map[string][]byte{
		"chat":           openai.AppendChat(nil, head, []openai.Choice{{Text: "L'Étoile\n\"", Finish: "stop"}}, usage),
		"chat-reasoning": openai.AppendChat(nil, head, []openai.Choice{{Reasoning: "Hm.\n\"So\"", Text: "42", Finish: "stop"}, {Index: 1, Text: "7", Finish: "stop"}}, usage),
		"chat-logprobs": openai.AppendChat(nil, bareHead, []openai.Choice{
			{Text: " Par\"is▁x", Finish: "length", Logprobs: tokens}, {Index: 1, Finish: "stop", Logprobs: []openai.TokenLogprob{}}}, usage),
		"chat-tools": openai.AppendChat(nil, head, []openai.Choice{{Finish: "tool_calls", ToolCalls: []openai.ToolCall{
			{ID: "call_1", Name: "weather", Arguments: `{"city":"Z\"ürich"}`}, {Index: 1, ID: "call_2", Name: "time", Arguments: "{}"}}},
			{Index: 1, Text: "Let me see.", Finish: "tool_calls", ToolCalls: []openai.ToolCall{{ID: "call_3", Name: "time", Arguments: "{}"}}}}, usage),
		"completion":          openai.AppendCompletion(nil, bareHead, []openai.Choice{{Text: " Paris", Finish: "length"}, {Index: 1, Finish: "stop"}}, usage),
		"completion-logprobs": openai.AppendCompletion(nil, head, []openai.Choice{{Text: " Par\"is▁x", Finish: "length", Logprobs: tokens}}, usage),
		"completion-echo":     openai.AppendCompletion(nil, head, []openai.Choice{{Text: "The Par\"is▁x", Finish: "length", Logprobs: echoed}}, usage),
		"models": openai.AppendModels(nil, []openai.Model{
			{ID: "smol", Created: 1795337196, OwnedBy: "leat", MaxModelLen: 8192}, {ID: "other", OwnedBy: "leat"}}),
		"models-none":          openai.AppendModels(nil, nil),
		"model":                openai.AppendModel(nil, openai.Model{ID: "smol", Created: 1795337196, OwnedBy: "leat"}),
		"tokens":               openai.AppendTokens(nil, []int32{19556, 905}, 8192),
		"tokens-none":          openai.AppendTokens(nil, nil, 0),
		"text":                 openai.AppendText(nil, "Hello world"),
		"tokenizer-info":       openai.AppendTokenizerInfo(nil, openai.TokenizerInfo{Model: "smol", BOS: "<|im_start|>", EOS: "<|im_end|>", ChatTemplate: "{{ x }}\n"}),
		"error":                openai.AppendError(nil, &openai.Error{Message: "no \"such\" model", Type: openai.TypeInvalidRequest, Param: "model", Code: "model_not_found"}),
		"error-without-detail": openai.AppendError(nil, &openai.Error{Message: "boom", Type: openai.TypeServer}),
	}
}

// streams is every stream, by the name of its golden file.
func streams() map[string][]byte {
	chat := func(usageAsked bool, lp []openai.TokenLogprob) []byte {
		s := openai.NewChatStream(head, usageAsked)
		b := s.AppendRole(nil, 0)
		b = s.AppendText(b, 0, " Par\"is", lp)
		b = s.AppendText(b, 0, "", nil)
		b = s.AppendRole(b, 1)
		b = s.AppendText(b, 1, "x\u2028y", nil)
		b = s.AppendFinish(b, 0, "length")
		b = s.AppendFinish(b, 1, "stop")
		if usageAsked {
			b = s.AppendUsage(b, usage)
		}
		return openai.AppendDone(b)
	}
	completion := func(usageAsked bool, lp []openai.TokenLogprob) []byte {
		s := openai.NewCompletionStream(bareHead, usageAsked, 2)
		b := s.AppendText(nil, 1, "other", nil, "")
		b = s.AppendText(b, 0, "The Par\"is▁x", lp, "")
		b = s.AppendText(b, 0, " x", lp[len(lp)-1:], "")
		b = s.AppendText(b, 1, "", nil, "stop")
		b = s.AppendText(b, 0, ".", nil, "length")
		if usageAsked {
			b = s.AppendUsage(b, usage)
		}
		return openai.AppendDone(b)
	}
	thinking := openai.NewChatStream(head, false)
	thought := thinking.AppendRole(nil, 0)
	thought = thinking.AppendReasoning(thought, 0, "Hm.\n\"So\"", tokens[:1])
	thought = thinking.AppendReasoning(thought, 0, " x\u2028y", nil)
	thought = thinking.AppendText(thought, 0, "42", nil)
	thought = thinking.AppendFinish(thought, 0, "stop")
	cut := openai.NewChatStream(head, false).AppendRole(nil, 0)
	return map[string][]byte{
		"chat-stream":            chat(false, nil),
		"chat-stream-reasoning":  openai.AppendDone(thought),
		"chat-stream-tools":      calling(),
		"chat-stream-usage":      chat(true, tokens[:1]),
		"completion-stream":      completion(false, tokens),
		"completion-stream-echo": completion(true, echoed),
		"stream-error":           openai.AppendErrorEvent(cut, &openai.Error{Message: "the worker\nwent away", Type: openai.TypeServer, Code: "engine_crashed"}),
	}
}

// calling is a stream of two calls beside each other, with a word before them, and of one without.
func calling() []byte {
	s := openai.NewChatStream(head, false)
	b := s.AppendText(s.AppendRole(nil, 0), 0, "Let me see.", nil)
	for _, part := range []openai.ToolCall{
		{ID: "call_1", Name: "weather"}, {Arguments: `{"city":`}, {Arguments: `"Z\"ürich"}`}, {Index: 1, ID: "call_2", Name: "time"}, {Index: 1, Arguments: "{}"},
	} {
		b = s.AppendToolCall(b, 0, &part, nil)
	}
	b = s.AppendToolCall(s.AppendToolRole(b, 1), 1, &openai.ToolCall{ID: "call_3", Name: "time", Arguments: "{}"}, tokens[:1])
	b = s.AppendFinish(s.AppendFinish(b, 0, "tool_calls"), 1, "tool_calls")
	return openai.AppendDone(b)
}

func TestGoldenAnswers(t *testing.T) {
	for name, got := range answers() {
		if !json.Valid(got) {
			t.Errorf("%s is not JSON: %s", name, got)
		}
		compare(t, name+".json", append(got, '\n'))
	}
}

func TestGoldenStreams(t *testing.T) {
	for name, got := range streams() {
		events := strings.Split(strings.TrimSuffix(string(got), "\n\n"), "\n\n")
		for i, event := range events {
			data, ok := strings.CutPrefix(event, "data: ")
			last := i == len(events)-1 && data == "[DONE]"
			if !ok || strings.ContainsAny(data, "\r\n") || !last && !json.Valid([]byte(data)) {
				t.Errorf("%s: not an event of JSON on one line: %q", name, event)
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
