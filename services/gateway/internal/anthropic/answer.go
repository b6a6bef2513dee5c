package anthropic

import (
	"strconv"
	"strings"

	"github.com/leathq/leat/services/gateway/internal/blocks"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// AppendMessage appends a whole answer.
func AppendMessage(b []byte, h openai.Head, row *blocks.Row, finish string, u openai.Usage) []byte {
	b = appendHead(b, h)
	for i := range row.Blocks {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendBlock(b, &row.Blocks[i])
	}
	b = append(b, `],"stop_reason":`...)
	b = openai.AppendString(b, stopReason(finish))
	b = append(b, `,"stop_sequence":null,"usage":`...)
	return append(appendUsage(b, u), '}')
}

// appendHead appends everything up to the opening bracket of content.
func appendHead(b []byte, h openai.Head) []byte {
	b = openai.AppendString(append(b, `{"id":`...), h.ID)
	b = openai.AppendString(append(b, `,"type":"message","role":"assistant","model":`...), h.Model)
	return append(b, `,"content":[`...)
}

func appendBlock(b []byte, bl *blocks.Block) []byte {
	switch bl.Kind {
	case blocks.Reasoning:
		if data, redacted := strings.CutPrefix(bl.Signature, openai.Redacted); redacted {
			b = openai.AppendString(append(b, `{"type":"redacted_thinking","data":`...), data)
			break
		}
		b = openai.AppendString(append(b, `{"type":"thinking","thinking":`...), string(bl.Text))
		b = openai.AppendString(append(b, `,"signature":`...), bl.Signature)
	case blocks.Call:
		b = openai.AppendString(append(b, `{"type":"tool_use","id":`...), bl.ID)
		b = openai.AppendString(append(b, `,"name":`...), bl.Name)
		call := openai.ToolCall{Arguments: string(bl.Text)}
		b = append(append(b, `,"input":`...), call.Object()...)
	default:
		b = openai.AppendString(append(b, `{"type":"text","text":`...), string(bl.Text))
	}
	return append(b, '}')
}

// stopReason is Anthropic's word for one of OpenAI's finish reasons.
func stopReason(finish string) string {
	switch finish {
	case "length":
		return "max_tokens"
	case "tool_calls":
		return "tool_use"
	case "content_filter":
		return "refusal"
	}
	return "end_turn"
}

// appendUsage counts as Anthropic does: the classes of the input do not overlap.
func appendUsage(b []byte, u openai.Usage) []byte {
	b = appendInt(append(b, `{"input_tokens":`...), u.Prompt-u.Cached-u.Written)
	b = appendInt(append(b, `,"cache_creation_input_tokens":`...), u.Written)
	b = appendInt(append(b, `,"cache_read_input_tokens":`...), u.Cached)
	b = appendInt(append(b, `,"output_tokens":`...), u.Completion)
	if u.Reasoning > 0 {
		b = append(appendInt(append(b, `,"output_tokens_details":{"thinking_tokens":`...), u.Reasoning), '}')
	}
	if u.Estimated {
		b = append(b, `,"estimated":true`...)
	}
	return append(b, '}')
}

// AppendCount appends the answer of count_tokens.
func AppendCount(b []byte, n int) []byte {
	return append(appendInt(append(b, `{"input_tokens":`...), n), '}')
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }
