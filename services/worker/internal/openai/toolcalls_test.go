package openai_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/leathq/leat/services/worker/internal/engine"
	"github.com/leathq/leat/services/worker/internal/openai"
)

func toolEvent(parts string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[%s]},\"finish_reason\":null}]}\n\n", parts)
}

func finish(reason string) string {
	return fmt.Sprintf("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":%q}]}\n\n", reason)
}

// called adds up the parts of tool calls by index, and holds them to the form that clients rely on.
func called(t *testing.T, deltas []engine.Delta) (calls []engine.ToolCall) {
	t.Helper()
	for _, d := range deltas {
		if d.Extra == nil {
			continue
		}
		for _, p := range d.Extra.ToolCalls {
			switch {
			case p.Index == len(calls) && p.ID != "":
				calls = append(calls, p)
			case p.Index < len(calls) && p.ID == "" && p.Name == "":
				calls[p.Index].Arguments += p.Arguments
			default:
				t.Fatalf("part %+v after %d calls", p, len(calls))
			}
		}
	}
	return calls
}

// However a server spells its calls of tools, they come out in one form.
func TestToolCallsAreRelayedInOneForm(t *testing.T) {
	weather := engine.ToolCall{ID: "c1", Name: "weather", Arguments: `{"city":"Bern"}`}
	made := engine.ToolCall{ID: "call_r_0", Name: "weather", Arguments: `{"city":"Bern"}`}
	second := engine.ToolCall{Index: 1, ID: "c2", Name: "time", Arguments: `{}`}
	for _, c := range []struct {
		name   string
		pieces []string
		want   []engine.ToolCall
		text   string
	}{
		{"OpenAI's", []string{
			event("I look."), toolEvent(`{"index":0,"id":"c1","type":"function","function":{"name":"weather","arguments":""}}`),
			toolEvent(`{"index":0,"function":{"arguments":"{\"city\":"}}`), toolEvent(`{"index":0,"function":{"arguments":"\"Bern\"}"}}`),
			toolEvent(`{"index":1,"id":"c2","type":"function","function":{"name":"time","arguments":"{}"}}`), finish("tool_calls"), usage, done,
		}, []engine.ToolCall{weather, second}, "I look."},
		{"in one piece, the end of an ordinary answer", []string{
			toolEvent(`{"index":0,"id":"c1","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}}`), finish("stop"), usage, done,
		}, []engine.ToolCall{weather}, ""},
		{"without indices, the arguments an object", []string{
			toolEvent(`{"id":"c1","function":{"name":"weather","arguments":{"city":"Bern"}}},{"id":"c2","function":{"name":"time","arguments":{}}}`), finish("stop"), done,
		}, []engine.ToolCall{weather, second}, ""},
		{"without ids", []string{
			toolEvent(`{"index":0,"function":{"name":"weather","arguments":"{\"city\":"}}`), toolEvent(`{"index":0,"function":{"arguments":"\"Bern\"}"}}`), finish("tool_calls"), done,
		}, []engine.ToolCall{made}, ""},
		{"with id and name in every part", []string{
			toolEvent(`{"index":0,"id":"c1","function":{"name":"weather","arguments":"{\"city\":"}}`), toolEvent(`{"index":0,"id":"c1","function":{"name":"weather","arguments":"\"Bern\"}"}}`),
			finish("tool_calls"), done,
		}, []engine.ToolCall{weather}, ""},
		{"without anything but the first name", []string{
			toolEvent(`{"function":{"name":"weather","arguments":"{\"city\":"}}`), toolEvent(`{"function":{"arguments":"\"Bern\"}"}}`), finish("function_call"), done,
		}, []engine.ToolCall{made}, ""},
		{"with indices that skip", []string{
			toolEvent(`{"index":1,"id":"c1","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}}`), finish("tool_calls"), done,
		}, []engine.ToolCall{weather}, ""},
		{"and text behind them", []string{
			toolEvent(`{"index":0,"id":"c1","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}}`) + event("Wait.") + finish("tool_calls"), done,
		}, []engine.ToolCall{weather}, "Wait."},
	} {
		bothTransports(t, c.name, func(t *testing.T, open func(openai.Config) *openai.Engine) {
			s := newServer(t)
			e := open(config(s.URL))
			s.handle("/v1/chat/completions", streaming(nil, c.pieces...))
			out := newSink()
			req := chat(true)
			req.ID = "r"
			if err := e.Generate(t.Context(), req, out); err != nil {
				t.Fatal(err)
			}
			if got := called(t, out.deltas); fmt.Sprint(got) != fmt.Sprint(c.want) || out.text() != c.text || out.last().Finish != engine.FinishTools {
				t.Errorf("%+v, text %q, finish %q", got, out.text(), out.last().Finish)
			}
		})
	}
}

func TestAWholeAnswerHasItsToolCalls(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	s.handle("/v1/chat/completions", page(`{"choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[
		{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}},
		{"id":"c2","type":"function","function":{"name":"time","arguments":"{}"}}]}}],"usage":{"prompt_tokens":3,"completion_tokens":5}}`))
	out := newSink()
	if err := e.Generate(t.Context(), chat(false), out); err != nil {
		t.Fatal(err)
	}
	got := called(t, out.deltas)
	if len(got) != 2 || got[0].Arguments != `{"city":"Bern"}` || got[1].Name != "time" || got[1].Index != 1 || out.last().Finish != engine.FinishTools {
		t.Errorf("%+v, finish %q", got, out.last().Finish)
	}
}

func TestBadToolCallsAreTheUpstreamsFault(t *testing.T) {
	for _, parts := range []string{`{"index":-1,"function":{}}`, `{"index":9999,"function":{}}`, `7`, `{"index":"x"}`} {
		s := newServer(t)
		e := healthy(t, config(s.URL))
		s.handle("/v1/chat/completions", streaming(nil, toolEvent(parts), finish("tool_calls"), done))
		if err := e.Generate(t.Context(), chat(true), newSink()); err == nil {
			t.Errorf("%s passed", parts)
		}
	}
}

// What the client wishes beside the messages stands in the upstream's request as it was sent.
func TestExtrasAreSentOn(t *testing.T) {
	s := newServer(t)
	e := healthy(t, config(s.URL))
	var got map[string]any
	s.handle("/v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		page(`{"choices":[{"finish_reason":"stop","message":{"content":"so"}}]}`)(w, r)
	})
	for _, extras := range []string{` {"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"} `, `{}`, ``} {
		req := chat(false)
		req.Extras = []byte(extras)
		got = nil
		if err := e.Generate(t.Context(), req, newSink()); err != nil {
			t.Fatal(err)
		}
		if with := len(extras) > 2; (got["tools"] != nil) != with || (got["tool_choice"] == "required") != with || got["messages"] == nil {
			t.Errorf("%s: %v", extras, got)
		}
	}
}
