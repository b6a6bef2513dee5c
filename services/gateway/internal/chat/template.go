package chat

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// Bounds of a template and of one rendering.
const (
	maxSource = 1 << 20          // bytes of a template
	maxTime   = 10 * time.Second // of one rendering
	maxGrowth = 1 << 20          // bytes that a prompt may have beyond growthRatio times the messages
	// growthRatio allows for templates that repeat a message.
	growthRatio = 4
	maxDepth    = 64      // of macros that call themselves
	maxRange    = 10_000  // numbers of one range()
	maxSteps    = 200_000 // rounds of all loops
)

// Message is one turn of a chat.
type Message struct {
	Role       string
	Content    string
	Name       string     // undefined in the template where empty, as the following are
	ToolCalls  []ToolCall // calls of tools that an assistant's message has made
	ToolCallID string     // the call that a tool's message answers
}

// ToolCall is a call of a tool.
type ToolCall struct {
	ID        string
	Name      string
	Arguments string // JSON text; the template sees the value, or this text where it is no JSON
}

// Template is a parsed chat template. It is safe for concurrent use.
type Template struct {
	template  *exec.Template
	developer bool // it knows the role "developer"
	tools     bool // it knows tools
}

// Error says that a template cannot make a prompt of these messages.
type Error struct {
	// Message is for the client, never for a log: it may quote the messages.
	Message string
	// Raised: the template itself refused the messages (raise_exception); Message is then its own words, and the
	// request is at fault. Otherwise the template failed or ran into a bound.
	Raised bool
	// Detail is what the engine said about a failure. It may quote the messages, too.
	Detail string
}

func (e *Error) Error() string { return e.Message }

// Parse reads a template; bos and eos are the model's special tokens as text, which it may use. Parse once per model: it
// is slow beside Render. An error says what the template uses that cannot be served.
func Parse(source, bos, eos string) (*Template, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("chat template: %d bytes are more than the %d that are read", len(source), maxSource)
	}
	plain, err := normalise(source)
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	t, err := parse(plain, environment(bos, eos))
	if err != nil {
		return nil, fmt.Errorf("chat template: %w", err)
	}
	return &Template{template: t, developer: strings.Contains(source, "developer"), tools: strings.Contains(source, "tools")}, nil
}

func parse(source string, env *exec.Environment) (t *exec.Template, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the template engine gave up on it: %v", r)
		}
	}()
	const name = "/chat"
	loader, err := loaders.NewMemoryLoader(map[string]string{name: source})
	if err != nil {
		return nil, err
	}
	c := config.New()
	c.KeepTrailingNewline = true
	if t, err = exec.NewTemplate(name, c, loader, env); err != nil {
		return nil, cause(err)
	}
	return t, nil
}

// cause is the innermost error: the engine wraps the whole source around it.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// Tools tells whether the template does something with tools.
func (t *Template) Tools() bool { return t.tools }

// Render makes the prompt. With addGenerationPrompt it ends where the assistant's answer begins. now is what
// strftime_now tells; nil is time.Now. The error is an [*Error].
//
// A template that does not mention the role "developer" gets such messages as "system", which is what they replaced.
func (t *Template) Render(messages []Message, addGenerationPrompt bool, now func() time.Time) (string, error) {
	return t.RenderTools(messages, nil, addGenerationPrompt, now)
}

// RenderTools is Render with tools that may be called: OpenAI's array as JSON, whose order of members the template sees. Nil
// is none, which is what the template is told.
func (t *Template) RenderTools(messages []Message, tools []byte, addGenerationPrompt bool, now func() time.Time) (string, error) {
	if now == nil {
		now = time.Now
	}
	size, list := t.messages(messages)
	data := map[string]any{}
	if tools != nil {
		v, err := fromJSON(tools)
		if err != nil {
			return "", &Error{Message: "The tools are no JSON.", Detail: err.Error()}
		}
		data["tools"], size = v, size+len(tools)
	}
	r := &rendering{limit: maxGrowth + growthRatio*size, deadline: time.Now().Add(maxTime)}
	maps.Copy(data, map[string]any{
		"messages":              list,
		"add_generation_prompt": addGenerationPrompt,
		"raise_exception":       r.raise,
		"strftime_now":          func(va *exec.VarArgs) *exec.Value { return exec.AsValue(strftime(now(), va.First().String())) },
		renderingName:           r,
	})
	err := r.execute(t.template, data)
	switch {
	case r.refusal != nil:
		return "", &Error{Message: *r.refusal, Raised: true}
	case r.bound != "":
		return "", &Error{Message: "The model's chat template was stopped: " + r.bound}
	case err != nil:
		return "", &Error{Message: "The model's chat template cannot render these messages.", Detail: err.Error()}
	}
	return r.out.String(), nil
}

// messages makes the template's view of the messages and counts their bytes.
func (t *Template) messages(messages []Message) (size int, view list) {
	view = make(list, len(messages))
	for i, m := range messages {
		role := m.Role
		if role == "developer" && !t.developer {
			role = "system"
		}
		fields := map[string]any{"role": role, "content": m.Content}
		if m.Name != "" {
			fields["name"] = m.Name
		}
		if len(m.ToolCalls) > 0 {
			fields["tool_calls"] = calls(m.ToolCalls)
		}
		if m.ToolCallID != "" {
			fields["tool_call_id"] = m.ToolCallID
		}
		view[i] = fields
		size += len(m.Content) + len(m.Name) + len(role) + len(m.ToolCallID)
		for _, c := range m.ToolCalls {
			size += len(c.ID) + len(c.Name) + len(c.Arguments)
		}
	}
	return size, view
}
