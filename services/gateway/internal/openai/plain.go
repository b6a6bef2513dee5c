package openai

import (
	"encoding/json"
	"fmt"
)

// CheckParams holds parameters that came another way than as JSON to the rules of the decoder, so that every face
// refuses the same things. It returns them with Given filled in. Its error is an [*Error] with status 400.
func CheckParams(p Params) (*Params, error) {
	fields := map[string]any{"model": p.Model, "messages": []map[string]string{{"role": "user", "content": ""}}}
	set := func(name string, given bool, value any) {
		if given {
			fields[name] = value
		}
	}
	set("n", p.N != 0, p.N)
	set("max_tokens", p.MaxTokens != 0, p.MaxTokens)
	set("stop", len(p.Stop) > 0, p.Stop)
	set("temperature", p.Temperature != nil, p.Temperature)
	set("top_p", p.TopP != nil, p.TopP)
	set("top_k", p.TopK != nil, p.TopK)
	set("min_p", p.MinP != nil, p.MinP)
	set("frequency_penalty", p.FrequencyPenalty != nil, p.FrequencyPenalty)
	set("presence_penalty", p.PresencePenalty != nil, p.PresencePenalty)
	set("repetition_penalty", p.RepetitionPenalty != nil, p.RepetitionPenalty)
	set("logit_bias", len(p.LogitBias) > 0, p.LogitBias)
	set("seed", p.Seed != nil, p.Seed)
	set("ignore_eos", p.IgnoreEOS, true)
	set("logprobs", p.Logprobs, true)
	set("top_logprobs", p.TopLogprobs != 0, p.TopLogprobs)
	set("grammar", p.Grammar != "", p.Grammar)
	set("user", p.User != "", p.User)
	set("metadata", len(p.Metadata) > 0, p.Metadata)
	body, err := json.Marshal(fields)
	if err != nil { // a number that JSON cannot say
		return nil, invalid("sampling", CodeInvalidValue, "Invalid 'sampling': %v. Give finite numbers.", err)
	}
	r, err := DecodeChat(body, Limits{})
	if err != nil {
		return nil, err
	}
	return &r.Params, nil
}

// AppendMessages appends messages as the JSON array that clients send.
func AppendMessages(b []byte, messages []Message) []byte { return appendMessages(b, messages, false) }

func appendMessages(b []byte, messages []Message, rich bool) []byte {
	b = append(b, '[')
	for i := range messages {
		m := &messages[i]
		b = appendString(append(comma(b, i), `{"role":`...), m.Role)
		b = append(b, `,"content":`...)
		switch {
		case rich && m.Marked != nil:
			b = appendParts(b, m.Marked)
		case m.Parts != nil:
			b = appendParts(b, m.Parts)
		default:
			b = appendContent(b, m.Content, len(m.ToolCalls) > 0)
		}
		if m.Name != "" {
			b = appendString(append(b, `,"name":`...), m.Name)
		}
		if m.Reasoning != "" {
			b = appendString(append(b, `,"reasoning_content":`...), m.Reasoning)
		}
		if m.Signature != "" {
			b = appendString(append(b, `,"reasoning_signature":`...), m.Signature)
		}
		if rich {
			b = appendMore(b, m.More)
			b = appendMark(b, m.Mark)
		}
		b = appendToolCalls(b, m.ToolCalls)
		if m.ToolCallID != "" {
			b = appendString(append(b, `,"tool_call_id":`...), m.ToolCallID)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendParts(b []byte, parts []Part) []byte {
	b = append(b, '[')
	for i, p := range parts {
		if p.Image == "" {
			b = append(appendMark(appendString(append(comma(b, i), `{"type":"text","text":`...), p.Text), p.Mark), '}')
			continue
		}
		b = appendString(append(comma(b, i), `{"type":"image_url","image_url":{"url":`...), p.Image)
		if p.Detail != "" {
			b = appendString(append(b, `,"detail":`...), p.Detail)
		}
		b = append(appendMark(append(b, '}'), p.Mark), '}')
	}
	return append(b, ']')
}

// CheckMessages holds messages, as AppendMessages spells them, to what a chat may have. Its error is an [*Error].
func CheckMessages(raw []byte) error {
	_, err := ReadMessages(raw)
	return err
}

// ReadMessages is CheckMessages that returns what was read. What comes in parts that are all text comes back as one text.
func ReadMessages(raw []byte) (list []Message, err error) {
	body := append(append([]byte(`{"messages":`), raw...), '}') // an error names the field by its path
	_, err = decode(body, Limits{}.orDefault(), func(c *cursor, _ string) { list, _ = messages(c, Limits{}.orDefault()) })
	return list, err
}

// CheckWishes holds wishes that came another way than as JSON to the rules of the decoder. Its error is an [*Error].
func CheckWishes(w *Wishes) error {
	for i := range w.Tools {
		if p := w.Tools[i].Parameters; p != nil && !json.Valid(p) {
			return noJSON(fmt.Sprintf("tools[%d].function.parameters", i))
		}
	}
	if w.Format.Type == FormatSchema && !json.Valid(w.Format.Schema) {
		return noJSON("response_format.json_schema.schema")
	}
	switch w.Choice.Mode {
	case "", ToolAuto, ToolNone, ToolRequired, ToolNamed:
	default:
		return invalid("tool_choice", CodeInvalidValue, "Invalid value: '%s'. Supported values are: 'none', 'auto', 'required' and 'function'.", clip(w.Choice.Mode))
	}
	body := []byte(`{"model":"m","messages":[{"role":"user","content":""}]`)
	if extras := AppendExtras(nil, w); extras != nil {
		extras[0] = ','
		body = append(body, extras...)
	} else {
		body = append(body, '}')
	}
	if _, err := DecodeChat(body, Limits{}); err != nil {
		return err
	}
	if e := w.check(); e != nil {
		return e
	}
	return nil
}

func noJSON(param string) error {
	return invalid(param, CodeInvalidType, "Invalid type for '%s': expected an object, a JSON Schema as JSON text, but it is no JSON.", param)
}
