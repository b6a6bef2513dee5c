package anthropic

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// request is a request of the Messages API.
type request struct {
	Model       string          `json:"model"`
	MaxTokens   int             `json:"max_tokens,omitempty"`
	System      []block         `json:"system,omitempty"`
	Messages    []turn          `json:"messages"`
	Tools       []tool          `json:"tools,omitempty"`
	ToolChoice  map[string]any  `json:"tool_choice,omitempty"`
	Thinking    json.RawMessage `json:"thinking,omitempty"`
	Temperature *float64        `json:"temperature,omitempty"`
	TopP        *float64        `json:"top_p,omitempty"`
	TopK        *int            `json:"top_k,omitempty"`
	Stop        []string        `json:"stop_sequences,omitempty"`
	Metadata    map[string]any  `json:"metadata,omitempty"`
	Output      map[string]any  `json:"output_config,omitempty"`
	Cache       json.RawMessage `json:"cache_control,omitempty"`
	Stream      bool            `json:"stream,omitempty"`
}

type turn struct {
	Role    string  `json:"role"`
	Content []block `json:"content"`
}

// block is a part of a turn, of any type.
type block map[string]any

// mark has the provider cache everything up to the block, where the client asked for that.
func (b block) mark(cache json.RawMessage) {
	if len(cache) > 0 && string(cache) != "null" {
		b["cache_control"] = cache
	}
}

type tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"input_schema"`
	Strict      bool            `json:"strict,omitempty"`
	Cache       json.RawMessage `json:"cache_control,omitempty"`
}

// redacted begins the signature of thinking that the provider shows nobody: what comes after is the block's data. The
// gateway spells such a block by it.
const redacted = "redacted_thinking:"

// thought is a block of reasoning.
type thought struct {
	Text      string `json:"reasoning_content"`
	Signature string `json:"reasoning_signature"`
}

// message is one of OpenAI's.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
	thought
	More       []thought       `json:"reasoning_more"`
	Cache      json.RawMessage `json:"cache_control"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// invalid is a request that cannot be told to the Messages API.
func invalid(param, format string, args ...any) error {
	return &engine.Error{Code: "invalid_request", Param: param, Client: true, Message: fmt.Sprintf(format, args...)}
}

// translate spells a chat for the Messages API.
func (c Config) translate(messages, extras []byte) (*request, error) {
	var in []message
	if err := json.Unmarshal(messages, &in); err != nil {
		return nil, invalid("messages", "messages cannot be read: %v", err)
	}
	_, model := c.names()
	r := &request{Model: model}
	for i := range in {
		if err := r.message(&in[i], fmt.Sprintf("messages[%d]", i)); err != nil {
			return nil, err
		}
	}
	if len(r.Messages) == 0 {
		return nil, invalid("messages", "the provider needs a message of a user beside the system's")
	}
	return r, r.extras(extras)
}

func (r *request) message(m *message, at string) error {
	content, err := blocks(m.Content, at+".content")
	if err != nil {
		return err
	}
	switch m.Role {
	case "system", "developer":
		r.System = append(r.System, content...)
	case "user":
		r.add("user", content)
	case "tool":
		b := block{"type": "tool_result", "tool_use_id": m.ToolCallID}
		if len(content) > 0 {
			b["content"] = content
		}
		b.mark(m.Cache)
		r.add("user", []block{b})
	case "assistant":
		return r.assistant(m, content, at)
	default:
		return invalid(at+".role", "the provider knows no messages of the role %q", m.Role)
	}
	return nil
}

// assistant is what the model said: thinking first, as the API demands, and only with its signature.
func (r *request) assistant(m *message, content []block, at string) error {
	var out []block
	for _, t := range append([]thought{m.thought}, m.More...) {
		if data, hidden := strings.CutPrefix(t.Signature, redacted); hidden {
			out = append(out, block{"type": "redacted_thinking", "data": data})
		} else if t.Signature != "" {
			out = append(out, block{"type": "thinking", "thinking": t.Text, "signature": t.Signature})
		}
	}
	out = append(out, content...)
	for i, call := range m.ToolCalls {
		input := json.RawMessage(call.Function.Arguments)
		if len(strings.TrimSpace(call.Function.Arguments)) == 0 {
			input = json.RawMessage("{}")
		}
		if !json.Valid(input) {
			return invalid(fmt.Sprintf("%s.tool_calls[%d].function.arguments", at, i), "the arguments of a tool call are no JSON, which the provider needs")
		}
		out = append(out, block{"type": "tool_use", "id": call.ID, "name": call.Function.Name, "input": input})
	}
	r.add("assistant", out)
	return nil
}

// add appends to the last turn where it is of the same role: the results of parallel calls belong into one.
func (r *request) add(role string, content []block) {
	if len(content) == 0 {
		return // the API refuses turns without content
	}
	if n := len(r.Messages); n > 0 && r.Messages[n-1].Role == role {
		r.Messages[n-1].Content = append(r.Messages[n-1].Content, content...)
		return
	}
	r.Messages = append(r.Messages, turn{role, content})
}

// blocks reads a message's content: null, a string or parts.
func blocks(raw json.RawMessage, at string) ([]block, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" {
			return nil, nil
		}
		return []block{{"type": "text", "text": text}}, nil
	}
	var parts []struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Image struct {
			URL string `json:"url"`
		} `json:"image_url"`
		Cache json.RawMessage `json:"cache_control"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, invalid(at, "content cannot be read: %v", err)
	}
	var out []block
	for i, p := range parts {
		switch p.Type {
		case "text":
			if p.Text != "" {
				b := block{"type": "text", "text": p.Text}
				b.mark(p.Cache)
				out = append(out, b)
			}
		case "image_url":
			source, err := image(p.Image.URL, fmt.Sprintf("%s[%d].image_url.url", at, i))
			if err != nil {
				return nil, err
			}
			b := block{"type": "image", "source": source}
			b.mark(p.Cache)
			out = append(out, b)
		default:
			return nil, invalid(fmt.Sprintf("%s[%d].type", at, i), "the provider takes no parts of the type %q", p.Type)
		}
	}
	return out, nil
}

func image(url, at string) (block, error) {
	data, inline := strings.CutPrefix(url, "data:")
	if !inline {
		return block{"type": "url", "url": url}, nil
	}
	head, body, ok := strings.Cut(data, ",")
	media, base64 := strings.CutSuffix(head, ";base64")
	if !ok || !base64 || media == "" {
		return nil, invalid(at, "an image must be a URL, or data:image/TYPE;base64,…")
	}
	return block{"type": "base64", "media_type": media, "data": body}, nil
}
