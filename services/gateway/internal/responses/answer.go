package responses

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Asked is what an answer repeats of its request. It shares no memory with the body.
type Asked struct {
	Head         openai.Head // its ID begins with resp_
	Instructions string
	Params       openai.Params
	Wishes       openai.Wishes
}

// state is how far an answer is.
type state struct {
	status string // in_progress, completed, incomplete, failed
	reason string // of incomplete
	err    *openai.Error
	at     int64 // when it was completed, in Unix seconds; 0: it is not
	usage  *openai.Usage
}

func ended(finish string, at int64, u openai.Usage) state {
	switch finish {
	case "length":
		return state{status: "incomplete", reason: "max_output_tokens", usage: &u}
	case "content_filter":
		return state{status: "incomplete", reason: "content_filter", usage: &u}
	}
	return state{status: "completed", at: at, usage: &u}
}

// AppendResponse appends a whole answer; at is when it was completed, in Unix seconds.
func AppendResponse(b []byte, a *Asked, row *blocks.Row, finish string, at int64, u openai.Usage) []byte {
	if !row.Has(blocks.Text) && !row.Has(blocks.Call) {
		row.Begin(blocks.Text, nil) // an answer without a word is one all the same
	}
	return a.append(b, row, ended(finish, at, u))
}

func (a *Asked) append(b []byte, row *blocks.Row, s state) []byte {
	p := &a.Params
	b = openai.AppendString(append(b, `{"id":`...), a.Head.ID)
	b = appendInt(append(b, `,"object":"response","created_at":`...), a.Head.Created)
	b = openai.AppendString(append(b, `,"status":`...), s.status)
	b = append(b, `,"background":false,"completed_at":`...)
	b = appendIntOrNull(b, s.at)
	b = appendFailure(append(b, `,"error":`...), s.err)
	b = append(b, `,"incomplete_details":`...)
	if s.reason != "" {
		b = append(openai.AppendString(append(b, `{"reason":`...), s.reason), '}')
	} else {
		b = append(b, "null"...)
	}
	b = openai.AppendStringOrNull(append(b, `,"instructions":`...), a.Instructions)
	b = appendIntOrNull(append(b, `,"max_output_tokens":`...), int64(p.MaxTokens))
	b = openai.AppendString(append(b, `,"max_tool_calls":null,"model":`...), a.Head.Model)
	b = append(b, `,"output":[`...)
	for i := range row.Blocks {
		if i > 0 {
			b = append(b, ',')
		}
		b = a.appendItem(b, i, &row.Blocks[i], a.itemStatus(row, i, s))
	}
	b = append(b, `],"parallel_tool_calls":`...)
	b = strconv.AppendBool(b, !a.Wishes.OneCall)
	b = append(b, `,"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"service_tier":"default","store":false,"temperature":`...)
	b = openai.AppendFloatOrNull(b, p.Temperature)
	b = appendFormat(append(b, `,"text":{"format":`...), &a.Wishes.Format)
	b = appendChoice(append(b, `},"tool_choice":`...), a.Wishes.Choice)
	b = appendTools(append(b, `,"tools":`...), a.Wishes.Tools)
	b = appendInt(append(b, `,"top_logprobs":`...), int64(p.TopLogprobs))
	b = openai.AppendFloatOrNull(append(b, `,"top_p":`...), p.TopP)
	b = appendUsage(append(b, `,"truncation":"disabled","usage":`...), s.usage)
	b = openai.AppendStringOrNull(append(b, `,"user":`...), p.User)
	return append(appendMetadata(append(b, `,"metadata":`...), p.Metadata), '}')
}

// itemStatus is completed but for the last item of an answer that is not.
func (a *Asked) itemStatus(row *blocks.Row, i int, s state) string {
	if s.status == "completed" || i < len(row.Blocks)-1 {
		return "completed"
	}
	return "incomplete"
}

// appendFailure appends the error of an answer that failed, in the few words that OpenAI has for it.
func appendFailure(b []byte, e *openai.Error) []byte {
	if e == nil {
		return append(b, "null"...)
	}
	code := "server_error"
	switch {
	case e.Status == 429:
		code = "rate_limit_exceeded"
	case e.Status < 500:
		code = "invalid_prompt"
	}
	b = openai.AppendString(append(b, `{"code":`...), code)
	return append(openai.AppendString(append(b, `,"message":`...), e.Message), '}')
}

// itemID names an item by its kind and the response.
func (a *Asked) itemID(i int, k blocks.Kind) string {
	prefix := [...]string{blocks.Reasoning: "rs_", blocks.Text: "msg_", blocks.Call: "fc_"}[k]
	return prefix + strings.TrimPrefix(a.Head.ID, "resp_") + "_" + strconv.Itoa(i)
}

func (a *Asked) appendItem(b []byte, i int, bl *blocks.Block, status string) []byte {
	b = openai.AppendString(append(b, `{"id":`...), a.itemID(i, bl.Kind))
	empty := len(bl.Text) == 0 && status == "in_progress"
	switch bl.Kind {
	case blocks.Reasoning:
		b = append(b, `,"type":"reasoning","summary":[],"content":[`...)
		if !empty {
			b = appendPart(b, bl, false)
		}
		b = append(b, ']')
		if bl.Signature != "" {
			b = openai.AppendString(append(b, `,"encrypted_content":`...), bl.Signature)
		}
	case blocks.Call:
		b = openai.AppendString(append(b, `,"type":"function_call","call_id":`...), bl.ID)
		b = openai.AppendString(append(b, `,"name":`...), bl.Name)
		b = openai.AppendString(append(b, `,"arguments":`...), string(bl.Text))
	default:
		b = append(b, `,"type":"message","role":"assistant","content":[`...)
		if !empty {
			b = appendPart(b, bl, a.Params.Logprobs)
		}
		b = append(b, ']')
	}
	return append(openai.AppendString(append(b, `,"status":`...), status), '}')
}

// appendPart appends the one content part of a message or of reasoning.
func appendPart(b []byte, bl *blocks.Block, logprobs bool) []byte {
	if bl.Kind == blocks.Reasoning {
		return append(openai.AppendString(append(b, `{"type":"reasoning_text","text":`...), string(bl.Text)), '}')
	}
	b = openai.AppendString(append(b, `{"type":"output_text","text":`...), string(bl.Text))
	b = append(b, `,"annotations":[],"logprobs":`...)
	if !logprobs {
		return append(b, "[]}"...)
	}
	return append(openai.AppendLogprobList(b, bl.Logprobs), '}')
}

func appendFormat(b []byte, f *openai.Format) []byte {
	if f.Type == "" {
		return append(b, `{"type":"text"}`...)
	}
	b = openai.AppendString(append(b, `{"type":`...), f.Type)
	if f.Type == openai.FormatSchema {
		b = openai.AppendString(append(b, `,"name":`...), f.Name)
		b = openai.AppendStringOrNull(append(b, `,"description":`...), f.Description)
		b = append(append(b, `,"schema":`...), f.Schema...)
		b = strconv.AppendBool(append(b, `,"strict":`...), f.Strict)
	}
	return append(b, '}')
}

func appendChoice(b []byte, c openai.ToolChoice) []byte {
	switch c.Mode {
	case "":
		return append(b, `"auto"`...)
	case openai.ToolNamed:
		return append(openai.AppendString(append(b, `{"type":"function","name":`...), c.Name), '}')
	}
	return openai.AppendString(b, c.Mode)
}

func appendTools(b []byte, tools []openai.Tool) []byte {
	b = append(b, '[')
	for i := range tools {
		t := &tools[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = openai.AppendString(append(b, `{"type":"function","name":`...), t.Name)
		b = openai.AppendStringOrNull(append(b, `,"description":`...), t.Description)
		b = append(b, `,"parameters":`...)
		if t.Parameters == nil {
			b = append(b, "null"...)
		}
		b = append(b, t.Parameters...)
		b = append(strconv.AppendBool(append(b, `,"strict":`...), t.Strict), '}')
	}
	return append(b, ']')
}

func appendMetadata(b []byte, m map[string]string) []byte {
	b = append(b, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = openai.AppendString(append(openai.AppendString(b, key), ':'), m[key])
	}
	return append(b, '}')
}

func appendUsage(b []byte, u *openai.Usage) []byte {
	if u == nil {
		return append(b, "null"...)
	}
	b = appendInt(append(b, `{"input_tokens":`...), int64(u.Prompt))
	b = appendInt(append(b, `,"input_tokens_details":{"cached_tokens":`...), int64(u.Cached))
	b = appendInt(append(b, `,"cache_write_tokens":`...), int64(u.Written))
	b = appendInt(append(b, `},"output_tokens":`...), int64(u.Completion))
	b = appendInt(append(b, `,"output_tokens_details":{"reasoning_tokens":`...), int64(u.Reasoning))
	b = appendInt(append(b, `},"total_tokens":`...), int64(u.Prompt+u.Completion))
	if u.Estimated {
		b = append(b, `,"estimated":true`...)
	}
	return append(b, '}')
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

func appendIntOrNull(b []byte, n int64) []byte {
	if n == 0 {
		return append(b, "null"...)
	}
	return appendInt(b, n)
}
