package anthropic

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// maxEvent bounds one event of a stream.
const maxEvent = 4 << 20

// event is any event of a stream.
type event struct {
	Type    string `json:"type"`
	Index   int    `json:"index"`
	Message struct {
		Usage usage `json:"usage"`
	} `json:"message"`
	Block struct {
		Type     string          `json:"type"`
		ID       string          `json:"id"`
		Name     string          `json:"name"`
		Text     string          `json:"text"`
		Thinking string          `json:"thinking"`
		Input    json.RawMessage `json:"input"`
		Data     string          `json:"data"`
	} `json:"content_block"`
	Delta struct {
		Type       string `json:"type"`
		Text       string `json:"text"`
		Thinking   string `json:"thinking"`
		Signature  string `json:"signature"`
		JSON       string `json:"partial_json"`
		StopReason string `json:"stop_reason"`
	} `json:"delta"`
	Usage usage    `json:"usage"`
	Error apiError `json:"error"`
}

// usage counts tokens; the input's three classes do not overlap. Later events repeat the counts, or leave them out.
type usage struct {
	Input      int `json:"input_tokens"`
	CacheWrite int `json:"cache_creation_input_tokens"`
	CacheRead  int `json:"cache_read_input_tokens"`
	Output     int `json:"output_tokens"`
}

func (u *usage) update(v usage) {
	u.Input, u.CacheWrite = max(u.Input, v.Input), max(u.CacheWrite, v.CacheWrite)
	u.CacheRead, u.Output = max(u.CacheRead, v.CacheRead), max(u.Output, v.Output)
}

// answer is what a stream has said so far.
type answer struct {
	request string
	usage   usage
	calls   map[int]int // tool calls by the index of their block
	finish  engine.FinishReason
	ended   bool
}

// take turns an event into a delta; ok says that there is something in it.
func (a *answer) take(data []byte) (d engine.Delta, ok bool, err error) {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return d, false, garbled(err)
	}
	switch e.Type {
	case "error":
		return d, false, e.Error.refusal(0, "")
	case "message_start":
		a.usage.update(e.Message.Usage)
	case "content_block_start":
		return a.open(&e)
	case "content_block_delta":
		return a.part(&e)
	case "message_delta":
		a.usage.update(e.Usage)
		if e.Delta.StopReason != "" {
			a.finish = finish(e.Delta.StopReason)
		}
	case "message_stop":
		a.ended = true
	}
	return d, false, nil // pings, ends of blocks, and what a later version adds
}

func (a *answer) open(e *event) (d engine.Delta, ok bool, err error) {
	switch e.Block.Type {
	case "text":
		d.Text = e.Block.Text
		return d, d.Text != "", nil
	case "thinking":
		d.Reasoning = e.Block.Thinking
		return d, d.Reasoning != "", nil
	case "redacted_thinking":
		return extra(engine.Extra{Signature: redacted + e.Block.Data}), true, nil
	case "tool_use":
		if a.calls == nil {
			a.calls = map[int]int{}
		}
		call := engine.ToolCall{Index: len(a.calls), ID: e.Block.ID, Name: e.Block.Name}
		if call.ID == "" {
			call.ID = fmt.Sprintf("call_%s_%d", a.request, call.Index)
		}
		if in := string(e.Block.Input); in != "" && in != "{}" && in != "null" {
			call.Arguments = in
		}
		a.calls[e.Index] = call.Index
		return extra(engine.Extra{ToolCalls: []engine.ToolCall{call}}), true, nil
	}
	return d, false, nil
}

func (a *answer) part(e *event) (d engine.Delta, ok bool, err error) {
	switch e.Delta.Type {
	case "text_delta":
		d.Text = e.Delta.Text
		return d, d.Text != "", nil
	case "thinking_delta":
		d.Reasoning = e.Delta.Thinking
		return d, d.Reasoning != "", nil
	case "signature_delta":
		return extra(engine.Extra{Signature: e.Delta.Signature}), true, nil
	case "input_json_delta":
		index, known := a.calls[e.Index]
		if !known {
			return d, false, garbled(fmt.Errorf("arguments for block %d, which is no tool call", e.Index))
		}
		call := engine.ToolCall{Index: index, Arguments: e.Delta.JSON}
		return extra(engine.Extra{ToolCalls: []engine.ToolCall{call}}), call.Arguments != "", nil
	}
	return d, false, nil
}

func extra(x engine.Extra) engine.Delta { return engine.Delta{Extra: &x} }

// finish maps a stop reason. What is not known is passed on as it is.
func finish(reason string) engine.FinishReason {
	switch reason {
	case "end_turn", "stop_sequence", "pause_turn":
		return engine.FinishStop
	case "max_tokens", "model_context_window_exceeded":
		return engine.FinishLength
	case "tool_use":
		return engine.FinishTools
	case "refusal":
		return "content_filter"
	}
	return engine.FinishReason(reason)
}

// events calls visit with the data of each event, until it returns false or the stream ends.
func events(r io.Reader, visit func(data []byte) (bool, error)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 8<<10), maxEvent)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		if !ok {
			continue // the type is in the data, too
		}
		if more, err := visit(bytes.TrimSpace(data)); err != nil || !more {
			return err
		}
	}
	return truncated(lines.Err())
}
