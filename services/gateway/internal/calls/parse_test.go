package calls_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/calls"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

var formats = []*calls.Format{calls.Hermes, calls.Llama3, calls.Mistral, calls.MistralArgs}

func id(i int) string { return fmt.Sprintf("call_%d", i) }

func newParser(f *calls.Format) *calls.Parser {
	return calls.NewParser(f, []string{"weather", "time"}, id)
}

// parse feeds a text in pieces of some bytes, and adds up what comes.
func parse(p *calls.Parser, text string, size int) (said string, list []openai.ToolCall) {
	add := func(s string, parts []openai.ToolCall) {
		said += s
		for i := range parts {
			list = openai.AddToolCall(list, &parts[i])
		}
	}
	for len(text) > 0 {
		n := min(size, len(text))
		add(p.Feed(text[:n]))
		text = text[n:]
	}
	add(p.End())
	return said, list
}

func call(i int, name, arguments string) openai.ToolCall {
	return openai.ToolCall{Index: i, ID: id(i), Name: name, Arguments: arguments}
}

func TestParser(t *testing.T) {
	const nested = `{"a": "}\"]\\", "b": [{"c": {}}]}`
	for _, tc := range []struct {
		format   *calls.Format
		text     string
		said     string
		list     []openai.ToolCall
		complete int
	}{
		{calls.Hermes, "just text", "just text", nil, 0},
		{calls.Hermes, "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>", "", []openai.ToolCall{call(0, "time", "{}")}, 1},
		{calls.Hermes, "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": " + nested + "}\n</tool_call>\n<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>\n",
			"Let me see.\n", []openai.ToolCall{call(0, "weather", nested), call(1, "time", "{}")}, 2},
		{calls.Hermes, "<tool_call>{\"name\":\"time\",\"arguments\":{ }}</tool_call>", "", []openai.ToolCall{call(0, "time", "{ }")}, 1},
		{calls.Hermes, "a <tool_cal b", "a <tool_cal b", nil, 0},
		{calls.Hermes, "<<tool_call><tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call> and more", "<<tool_call> and more", []openai.ToolCall{call(0, "time", "{}")}, 1},
		{calls.Hermes, "<tool_call>\n{\"name\": \"rm\", \"arguments\": {}}\n</tool_call>", "<tool_call>\n{\"name\": \"rm\", \"arguments\": {}}\n</tool_call>", nil, 0},
		{calls.Hermes, "<tool_call>\n{\"name\": \"ti", "<tool_call>\n{\"name\": \"ti", nil, 0},
		{calls.Hermes, "<tool_call>\n{\"name\": \"time\", \"argu", "", []openai.ToolCall{call(0, "time", "")}, 0},
		{calls.Hermes, "<tool_call>\n{\"name\": \"time\", \"arguments\": {\"a\": \"b", "", []openai.ToolCall{call(0, "time", `{"a": "b`)}, 0},
		{calls.Hermes, "<tool_call>\n{\"name\": \"time\", \"arguments\": 1}\n</tool_call>", "<tool_call>\n{\"name\": \"time\", \"arguments\": 1}\n</tool_call>", nil, 0},
		{calls.Llama3, `{"name": "weather", "parameters": ` + nested + `}`, "", []openai.ToolCall{call(0, "weather", nested)}, 1},
		{calls.Llama3, `{"nam`, `{"nam`, nil, 0},
		{calls.Llama3, `{"name": "Ann"}`, `{"name": "Ann"}`, nil, 0},
		{calls.Mistral, `[TOOL_CALLS] [{"name": "weather", "arguments": ` + nested + `}, {"name": "time", "arguments": {}}]`, "",
			[]openai.ToolCall{call(0, "weather", nested), call(1, "time", "{}")}, 2},
		{calls.Mistral, `[TOOL_CALLS][{"name":"time","arguments":{}}]`, "", []openai.ToolCall{call(0, "time", "{}")}, 1},
		{calls.MistralArgs, `[TOOL_CALLS]weather[ARGS]` + nested + `[TOOL_CALLS]time[ARGS]{}`, "", []openai.ToolCall{call(0, "weather", nested), call(1, "time", "{}")}, 2},
		{calls.MistralArgs, `Hm. [TOOL_CALLS]nosuch[ARGS]{}`, `Hm. [TOOL_CALLS]nosuch[ARGS]{}`, nil, 0},
	} {
		for size := 1; size <= len(tc.text); size++ {
			p := newParser(tc.format)
			said, list := parse(p, tc.text, size)
			if said != tc.said || fmt.Sprint(list) != fmt.Sprint(tc.list) || p.Complete() != tc.complete {
				t.Errorf("%s %q in pieces of %d:\ngot  %q, %v, %d complete\nwant %q, %v, %d", tc.format.Name, tc.text, size, said, list, p.Complete(), tc.said, tc.list, tc.complete)
				break
			}
		}
	}
}

// Text goes out as it comes; only a beginning of the mark waits. The first part of a call has its id and its name and no
// arguments, which follow as they come.
func TestNothingWaitsWithoutNeed(t *testing.T) {
	p := newParser(calls.Hermes)
	for _, step := range []struct{ in, said, parts string }{
		{"a<", "a", "[]"},
		{"b<tool", "<b", "[]"},
		{"_call>\n", "", "[]"},
		{`{"name": "time", "arguments": {"x`, "", `[{0 call_0 time } {0   {"x}]`},
		{`": 1`, "", `[{0   ": 1}]`},
		{`}}`, "", `[{0   }}]`},
		{"\n</tool_call>", "", "[]"},
		{"c", "c", "[]"},
	} {
		said, parts := p.Feed(step.in)
		if said != step.said || fmt.Sprint(parts) != step.parts {
			t.Errorf("%q: got %q, %v; want %q, %s", step.in, said, parts, step.said, step.parts)
		}
	}
}

// However a text is cut, the same comes out; what is no call is text, byte for byte; arguments are a beginning of JSON.
func FuzzParser(f *testing.F) {
	for i, text := range []string{
		"x<tool_call>\n{\"name\": \"time\", \"arguments\": {\"a\": [1, \"}\"]}}\n</tool_call>\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>",
		`{"name": "weather", "parameters": {"a": 1}}`, `[TOOL_CALLS] [{"name": "time", "arguments": {}}, {"name": "time", "arguments": {}}]`, `[TOOL_CALLS]time[ARGS]{}x`,
		"<tool_call><tool_call>", "<tool_call>\n{\"name\": \"time\" , é",
	} {
		f.Add(byte(i), byte(1), text)
	}
	f.Fuzz(func(t *testing.T, which, size byte, text string) {
		form := formats[int(which)%len(formats)]
		whole := newParser(form)
		said, list := parse(whole, text, len(text)+1)
		cut := newParser(form)
		again, others := parse(cut, text, int(size)%16+1)
		if said != again || fmt.Sprint(list) != fmt.Sprint(others) || whole.Complete() != cut.Complete() {
			t.Fatalf("%q whole: %q, %v; in pieces: %q, %v", text, said, list, again, others)
		}
		if len(list) == 0 && said != text {
			t.Fatalf("%q became %q without a call", text, said)
		}
		if whole.Complete() > len(list) || len(said) > len(text) {
			t.Fatalf("%q: %d complete of %v, said %q", text, whole.Complete(), list, said)
		}
		for i, c := range list {
			if c.Index != i || c.ID != id(i) || c.Name != "weather" && c.Name != "time" || !strings.Contains(text, c.Arguments) {
				t.Fatalf("%q: call %+v", text, c)
			}
			if c.Arguments != "" && c.Arguments[0] != '{' {
				t.Fatalf("%q: arguments %q", text, c.Arguments)
			}
		}
	})
}
