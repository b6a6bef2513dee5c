package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// refuse says which parameter of a request the upstream would not honour. The gateway asks Info.Params before; here is what
// depends on values or on the kind of prompt, and what a pool of unlike servers lets through.
func (f *facts) refuse(req *engine.Request, chat bool) error {
	d := f.dialect
	for _, p := range [...]struct {
		name  string
		given bool
	}{
		{"echo", echoesLogprobs(req)}, {"frequency_penalty", nonzero(req.FrequencyPenalty)}, {"presence_penalty", nonzero(req.PresencePenalty)},
		{"logit_bias", len(req.LogitBias) > 0}, {"logprobs", req.Logprobs}, {"top_k", req.TopK != nil && *req.TopK > 0},
		{"min_p", nonzero(req.MinP)}, {"repetition_penalty", req.RepetitionPenalty != nil && *req.RepetitionPenalty != 1},
		{"ignore_eos", req.IgnoreEOS}, {"grammar", req.Grammar != ""},
	} {
		if p.given && !f.takes(p.name, chat) {
			return f.unable(p.name, "Leave it out.")
		}
	}
	switch {
	case len(req.Prompt.Tokens) > 0 && d.textOnly:
		return f.unable("prompt", "It takes no token ids: send text.")
	case req.Grammar != "" && req.GrammarTrigger != "":
		return f.unable("grammar", "It knows no grammar that begins to hold in the middle of an answer.")
	}
	return nil
}

func nonzero(v *float64) bool { return v != nil && *v != 0 }

// takes says whether the upstream honours a parameter for a chat or for a text.
func (f *facts) takes(param string, chat bool) bool {
	return f.dialect.takes(param, f.version) && (chat || !slices.Contains(f.dialect.textIgnores, param))
}

// unable is the refusal of a parameter.
func (f *facts) unable(param, advice string) error {
	return &engine.Error{
		Code: "unsupported_parameter", Client: true, Param: param,
		Message: fmt.Sprintf("'%s' as it is asked for is not honoured by this model's server (%s). %s", param, f.dialect.kind, advice),
	}
}

// wishes are the members of Request.Extras, as the client sent them.
type wishes struct {
	Tools    json.RawMessage `json:"tools,omitempty"`
	Choice   json.RawMessage `json:"tool_choice,omitempty"`
	Parallel *bool           `json:"parallel_tool_calls,omitempty"`
	Format   json.RawMessage `json:"response_format,omitempty"`
}

// spell puts the extras of a chat into the upstream's dialect. Those of most are OpenAI's own and are not looked at.
func (f *facts) spell(extras []byte) ([]byte, error) {
	d := f.dialect
	if len(extras) == 0 || d.format == formatOpenAI && d.choice == choiceAll && !d.parallelOnly {
		return extras, nil
	}
	var w wishes
	if err := json.Unmarshal(extras, &w); err != nil {
		return nil, &engine.Error{Code: "invalid_request", Client: true, Message: "tools, tool_choice or response_format cannot be read", Err: err}
	}
	if d.parallelOnly && w.Parallel != nil {
		if !*w.Parallel && len(w.Tools) > 0 {
			return nil, f.unable("parallel_tool_calls", "Leave it out or set it to true.")
		}
		w.Parallel = nil
	}
	if err := f.choose(&w); err != nil {
		return nil, err
	}
	if d.format == formatValue {
		if err := w.value(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(w)
}

// choose spells tool_choice.
func (f *facts) choose(w *wishes) error {
	var word string
	given := len(w.Choice) > 0 && string(w.Choice) != "null"
	named := given && json.Unmarshal(w.Choice, &word) != nil
	switch f.dialect.choice {
	case choiceWords:
		if named {
			return w.only()
		}
	case choiceAuto:
		if named || word == "required" {
			return f.unable("tool_choice", "Leave it out, or set it to 'auto' or 'none'.")
		}
		if !given && len(w.Tools) > 0 {
			w.Choice = json.RawMessage(`"auto"`)
		}
	case choiceNone:
		if named || word == "required" {
			return f.unable("tool_choice", "Leave it out, or set it to 'auto' or 'none'.")
		}
		if word == "none" {
			w.Tools = nil
		}
		w.Choice = nil
	}
	return nil
}

// only turns the choice of a named tool into that tool alone, which must be called.
func (w *wishes) only() error {
	var choice struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	var tools []json.RawMessage
	if json.Unmarshal(w.Choice, &choice) != nil || json.Unmarshal(w.Tools, &tools) != nil {
		return &engine.Error{Code: "invalid_request", Client: true, Param: "tool_choice", Message: "tool_choice must be a word or name a function of tools"}
	}
	for _, raw := range tools {
		var tool struct {
			Function struct {
				Name string `json:"name"`
			} `json:"function"`
		}
		if json.Unmarshal(raw, &tool) == nil && tool.Function.Name == choice.Function.Name {
			w.Tools, w.Choice = bytes.Join([][]byte{{'['}, raw, {']'}}, nil), json.RawMessage(`"required"`)
			return nil
		}
	}
	return &engine.Error{Code: "invalid_request", Client: true, Param: "tool_choice", Message: fmt.Sprintf("tool_choice names %q, which is none of tools", choice.Function.Name)}
}

// value spells response_format with the schema as its value.
func (w *wishes) value() error {
	if len(w.Format) == 0 || string(w.Format) == "null" {
		return nil
	}
	var format struct {
		Type   string `json:"type"`
		Schema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	}
	if err := json.Unmarshal(w.Format, &format); err != nil {
		return &engine.Error{Code: "invalid_request", Client: true, Param: "response_format", Message: "response_format cannot be read", Err: err}
	}
	schema := format.Schema.Schema
	switch {
	case format.Type == "text":
		w.Format = nil
		return nil
	case format.Type == "json_object" || len(schema) == 0:
		schema = json.RawMessage(`{"type":"object"}`)
	}
	w.Format = append(append([]byte(`{"type":"json","value":`), schema...), '}')
	return nil
}
