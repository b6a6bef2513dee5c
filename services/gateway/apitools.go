package gateway

import (
	"fmt"

	"github.com/leathq/leat/pkg/errs"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// said takes over the messages of a gRPC chat and what it asks for beside words, held to the rules of the HTTP face.
func said(c *call, req *gatewayv1.GenerateRequest) error {
	spoken, err := spokenOf(req.GetMessages())
	if err != nil {
		return err
	}
	c.raw = openai.AppendMessages(nil, spoken)
	messages, err := openai.ReadMessages(c.raw)
	if err != nil {
		return invalid(err)
	}
	w := wishesOf(req)
	if err := openai.CheckWishes(&w); err != nil {
		return invalid(err)
	}
	c.messages, c.wishes, c.given = turns(messages), w, append(c.given, w.Names()...)
	if c.images = imageryOf(messages); c.images.count > 0 {
		c.given = append(c.given, "image_url")
	}
	return nil
}

func wishesOf(req *gatewayv1.GenerateRequest) openai.Wishes {
	w := openai.Wishes{Choice: openai.ToolChoice{Mode: req.GetToolChoice(), Name: req.GetToolName()}, OneCall: req.GetSingleToolCall()}
	for _, t := range req.GetTools() {
		w.Tools = append(w.Tools, openai.Tool{Name: t.GetName(), Description: t.GetDescription(), Parameters: given(t.GetParameters()), Strict: t.GetStrict()})
	}
	if f := req.GetResponseFormat(); f.GetType() != "" && f.GetType() != "text" {
		w.Format = openai.Format{Type: f.GetType(), Name: f.GetName(), Description: f.GetDescription(), Schema: f.GetSchema(), Strict: f.GetStrict()}
	}
	return w
}

// given is nil for an empty value, which protobuf does not tell from none.
func given(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// spokenOf brings messages into the form of the HTTP face.
func spokenOf(in []*gatewayv1.ChatMessage) ([]openai.Message, error) {
	out := make([]openai.Message, len(in))
	for i, m := range in {
		out[i] = openai.Message{Role: m.GetRole(), Content: m.GetContent(), Name: m.GetName(), ToolCallID: m.GetToolCallId()}
		for j, t := range m.GetToolCalls() {
			out[i].ToolCalls = append(out[i].ToolCalls, openai.ToolCall{Index: j, ID: t.GetId(), Name: t.GetName(), Arguments: t.GetArguments()})
		}
		for _, p := range m.GetParts() {
			out[i].Parts = append(out[i].Parts, openai.Part{Text: p.GetText(), Image: p.GetImageUrl(), Detail: p.GetDetail()})
		}
		if m.GetContent() != "" && len(m.GetParts()) > 0 {
			return nil, errs.Field(fmt.Sprintf("messages[%d].parts", i), "invalid_value", "A message has either content or parts; the message %d has both.", i)
		}
	}
	return out, nil
}

func spellCalls(in []flight.ToolCall) []*inferv1.ToolCall {
	out := make([]*inferv1.ToolCall, len(in))
	for i, t := range in {
		out[i] = &inferv1.ToolCall{Index: uint32(t.Index), Id: t.ID, Name: t.Name, Arguments: t.Arguments}
	}
	return out
}
