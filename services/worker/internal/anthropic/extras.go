package anthropic

import (
	"encoding/json"
	"fmt"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// params are the parameters that are honoured. The API has no seed, no penalties and no log-probabilities.
var params = []string{
	"temperature", "top_p", "top_k", "stop", "max_tokens", "max_completion_tokens", "user", "metadata",
	"tools", "tool_choice", "parallel_tool_calls", "image_url", "thinking", "response_format", "cache_control",
}

// extras adds the rest of a chat's wishes. Of what it does not know it says so.
func (r *request) extras(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	var x struct {
		Tools []struct {
			Function struct {
				Name        string          `json:"name"`
				Description string          `json:"description"`
				Parameters  json.RawMessage `json:"parameters"`
				Strict      bool            `json:"strict"`
			} `json:"function"`
			Cache json.RawMessage `json:"cache_control"`
		} `json:"tools"`
		Choice   json.RawMessage `json:"tool_choice"`
		Parallel *bool           `json:"parallel_tool_calls"`
		Thinking json.RawMessage `json:"thinking"`
		Format   json.RawMessage `json:"response_format"`
		Cache    json.RawMessage `json:"cache_control"`
	}
	if err := json.Unmarshal(raw, &x); err != nil {
		return invalid("", "the request cannot be read: %v", err)
	}
	if err := r.format(x.Format); err != nil {
		return err
	}
	for _, t := range x.Tools {
		schema := t.Function.Parameters
		if len(schema) == 0 || string(schema) == "null" {
			schema = json.RawMessage(`{"type":"object"}`)
		}
		r.Tools = append(r.Tools, tool{t.Function.Name, t.Function.Description, schema, t.Function.Strict, t.Cache})
	}
	if string(x.Thinking) != "null" {
		r.Thinking = x.Thinking
	}
	r.Cache = x.Cache
	return r.choose(x.Choice, x.Parallel)
}

// format spells response_format: the API knows a form of the answer by its JSON Schema only.
func (r *request) format(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var f struct {
		Type   string `json:"type"`
		Schema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return invalid("response_format", "response_format cannot be read: %v", err)
	}
	switch {
	case f.Type == "" || f.Type == "text":
	case f.Type == "json_schema" && len(f.Schema.Schema) > 0:
		r.Output = map[string]any{"format": map[string]any{"type": "json_schema", "schema": f.Schema.Schema}}
	default:
		return &engine.Error{Code: "unsupported_parameter", Param: "response_format", Client: true,
			Message: fmt.Sprintf("this model's provider takes no response_format of the type %q: give a json_schema, or ask for a tool call with the schema", f.Type)}
	}
	return nil
}

// choose spells tool_choice; "required" is "any" there.
func (r *request) choose(raw json.RawMessage, parallel *bool) error {
	if len(r.Tools) == 0 {
		return nil // the API refuses a choice without tools
	}
	var word string
	var named struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	switch {
	case len(raw) == 0 || string(raw) == "null":
		word = "auto"
	case json.Unmarshal(raw, &word) == nil:
	case json.Unmarshal(raw, &named) != nil || named.Function.Name == "":
		return invalid("tool_choice", "tool_choice must be auto, none, required or a function's name")
	}
	switch word {
	case "auto", "none":
		r.ToolChoice = map[string]any{"type": word}
	case "required":
		r.ToolChoice = map[string]any{"type": "any"}
	case "":
		r.ToolChoice = map[string]any{"type": "tool", "name": named.Function.Name}
	default:
		return invalid("tool_choice", "tool_choice %q is none of auto, none and required", word)
	}
	if parallel != nil && !*parallel && word != "none" {
		r.ToolChoice["disable_parallel_tool_use"] = true
	}
	return nil
}
