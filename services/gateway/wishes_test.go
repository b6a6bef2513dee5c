package gateway

import (
	"regexp"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/errs"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/calls"
	"github.com/leathq/leat/services/gateway/internal/chat"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

func textModel(t *testing.T, source string, params ...string) *served {
	t.Helper()
	m := &served{Model: &inferv1.Model{Name: "m", Chat: "template"}, params: map[string]bool{}}
	for _, p := range params {
		m.params[p] = true
	}
	if m.template, m.broken = chat.Parse(source, "", ""); m.broken != nil {
		t.Fatal(m.broken)
	}
	m.calls, m.spellsCalls = calls.Of(source)
	return m
}

const plainTemplate = `{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}`

var timeTool = openai.Wishes{Tools: []openai.Tool{{Name: "time"}}}

// An engine that heeds grammars can whatever the gateway makes a grammar of; another one cannot.
func TestWhatAnEngineCan(t *testing.T) {
	able, unable := textModel(t, plainTemplate, "grammar"), textModel(t, plainTemplate)
	native := &served{Model: &inferv1.Model{Chat: "native"}, params: map[string]bool{"tools": true, "grammar": true}}
	for _, name := range []string{"tools", "tool_choice", "parallel_tool_calls", "response_format"} {
		if !able.can(name) || unable.can(name) || native.can(name) != (name == "tools") {
			t.Errorf("%s: with grammars %v, without %v, native %v", name, able.can(name), unable.can(name), native.can(name))
		}
	}
	if able.can("image_url") {
		t.Error("a text model sees images")
	}
}

func TestToolsInThePrompt(t *testing.T) {
	render := func(m *served, w openai.Wishes, messages ...chat.Message) string {
		t.Helper()
		c := &call{messages: messages, wishes: w}
		text, err := c.prompt(m, true)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	user := chat.Message{Role: "user", Content: "hi"}
	plain := textModel(t, plainTemplate)
	if got := render(plain, openai.Wishes{}, user); got != "[user]hi" {
		t.Errorf("nothing asked: %q", got)
	}
	if got := render(plain, timeTool, user); !strings.HasPrefix(got, "[system]# Tools") || !strings.Contains(got, `"name":"time"`) || !strings.HasSuffix(got, "[user]hi") {
		t.Errorf("in words: %q", got)
	}
	called := chat.Message{Role: "assistant", ToolCalls: []chat.ToolCall{{ID: "1", Name: "time", Arguments: "{}"}}}
	if got := render(plain, openai.Wishes{}, user, called, chat.Message{Role: "tool", Content: "12:00", ToolCallID: "1"}); !strings.Contains(got, "[assistant]<tool_call>") || !strings.Contains(got, "[user]<tool_response>\n12:00") {
		t.Errorf("history: %q", got)
	}
	own := textModel(t, `{% for t in tools %}{{ t | tojson }}{% endfor %}<tool_call>{"arguments"}`+plainTemplate)
	if got := render(own, timeTool, user); got != `{"type": "function", "function": {"name": "time"}}<tool_call>{"arguments"}[user]hi` {
		t.Errorf("by the template: %q", got)
	}
}

func TestConstraint(t *testing.T) {
	m := textModel(t, plainTemplate, "grammar")
	c := &call{wishes: timeTool, template: &inferv1.Request{}}
	if err := c.constrain(m); err != nil || c.template.GetGrammar() == "" || c.template.GetGrammarTrigger() != "<tool_call>" {
		t.Errorf("got %v, %v", c.template, err)
	}
	c = &call{wishes: timeTool, template: &inferv1.Request{Grammar: `root ::= "x"`}}
	if err := c.constrain(m); err == nil {
		t.Error("a grammar of the client's own was replaced")
	}
	c.wishes.Choice.Mode = openai.ToolNone
	if err := c.constrain(m); err != nil || c.template.GetGrammar() != `root ::= "x"` {
		t.Errorf("tools that may not be called: %v, %v", c.template, err)
	}
}

// What an engine says against a grammar that the gateway made is told of the parameter that the client sent.
func TestAGrammarIsBlamedOnWhatItWasMadeOf(t *testing.T) {
	m := textModel(t, plainTemplate, "grammar")
	for want, w := range map[string]openai.Wishes{"grammar": {}, "tools": timeTool, "response_format": {Tools: timeTool.Tools, Format: openai.Format{Type: openai.FormatObject}}} {
		a := &answer{chat: true, holds: (&call{wishes: w}).holds(m)}
		if e := a.blame(errs.Field("grammar", "grammar_stuck", "stuck")); e.Param != want {
			t.Errorf("got %s, want %s", e.Param, want)
		}
	}
}

// A call is found as its text comes; ids are the same whenever the same request is answered; tokens and their
// log-probabilities stay where they are; an answer that was cut says so.
func TestCallsAreFoundInText(t *testing.T) {
	m := textModel(t, plainTemplate, "grammar")
	run := func(finish string, texts ...string) (said string, made []openai.ToolCall, end string, probs int) {
		p := (&call{id: "req_1", wishes: timeTool}).parsers(m, 1)[0]
		for i, text := range texts {
			d := flight.Delta{Text: text, Logprobs: []flight.Token{{ID: int32(i)}}}
			if i == len(texts)-1 {
				d.End = &flight.End{Finish: finish}
			}
			find(p, &d)
			said += d.Text
			probs += len(d.Logprobs)
			if d.Extra != nil {
				for j := range d.Extra.ToolCalls {
					made = openai.AddToolCall(made, &d.Extra.ToolCalls[j])
				}
			}
			if d.End != nil {
				end = d.End.Finish
			}
		}
		return said, made, end, probs
	}
	said, made, end, probs := run("stop", "ok <tool", "_call>\n{\"name\": \"ti", "me\", \"arguments\": {}", "}\n</tool_call>")
	if said != "ok " || len(made) != 1 || made[0].Arguments != "{}" || end != "tool_calls" || probs != 4 {
		t.Errorf("said %q, made %+v, end %s, %d log-probabilities", said, made, end, probs)
	}
	if !regexp.MustCompile(`^call_[0-9a-zA-Z]{20}$`).MatchString(made[0].ID) {
		t.Errorf("id %q", made[0].ID)
	}
	if _, again, _, _ := run("stop", "<tool_call>\n{\"name\": \"time\", \"arguments\": {}}\n</tool_call>"); again[0].ID != made[0].ID {
		t.Error("the same request has another id")
	}
	if _, cut, end, _ := run("length", "<tool_call>\n{\"name\": \"time\", \"arguments\": {\"a"); len(cut) != 1 || cut[0].Arguments != `{"a` || end != "length" {
		t.Errorf("cut: %+v, %s", cut, end)
	}
	if said, made, end, _ := run("stop", "a <tool_"); said != "a <tool_" || made != nil || end != "stop" {
		t.Errorf("no call: %q, %+v, %s", said, made, end)
	}
	if id := callIDs("x", true)(0); !regexp.MustCompile(`^[0-9a-zA-Z]{9}$`).MatchString(id) {
		t.Errorf("short id %q", id)
	}
	off := openai.Wishes{Tools: timeTool.Tools, Choice: openai.ToolChoice{Mode: openai.ToolNone}}
	if (&call{wishes: off}).parsers(m, 1) != nil || (&call{}).parsers(m, 1) != nil {
		t.Error("calls are looked for where there can be none")
	}
}

// A router's books count an image as an image, not by its bytes.
func TestImagesAreNotCountedByTheirBytes(t *testing.T) {
	native := &served{Model: &inferv1.Model{Name: "m", Chat: "native"}}
	spoken := []openai.Message{{Role: "user", Content: "what?", Parts: []openai.Part{{Text: "what?"}, {Image: "data:image/png;base64," + strings.Repeat("A", 4<<20)}}}}
	c := &call{id: "r", n: 1, messages: turns(spoken), raw: openai.AppendMessages(nil, spoken), images: imageryOf(spoken), template: &inferv1.Request{Sampling: &inferv1.Sampling{}}}
	bodies, err := (&Gateway{}).bodies(c, native)
	if err != nil || len(bodies) != 1 || bodies[0].tokens < imageTokens || bodies[0].tokens > imageTokens+100 {
		t.Errorf("%d tokens, %v", bodies[0].tokens, err)
	}
}
