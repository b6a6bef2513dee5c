package gateway

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/errs"
	gatewayv1 "github.com/leathq/leat/proto/gen/leat/gateway/v1"
	inferv1 "github.com/leathq/leat/proto/gen/leat/infer/v1"
	"github.com/leathq/leat/services/gateway/internal/flight"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

func weatherTool() *gatewayv1.Tool {
	return &gatewayv1.Tool{Name: "weather", Parameters: []byte(`{"type":"object","properties":{"city":{"type":"string"}}}`)}
}

// A chat over gRPC asks for tools, formats and images as one over HTTP does.
func TestGRPCChatsWithTools(t *testing.T) {
	req := &gatewayv1.GenerateRequest{
		Messages: []*gatewayv1.ChatMessage{
			{Role: "user", Parts: []*gatewayv1.ContentPart{{Text: "what is"}, {ImageUrl: "https://x/y.png", Detail: "low"}}},
			{Role: "assistant", ToolCalls: []*inferv1.ToolCall{{Id: "call_1", Name: "weather", Arguments: `{"city":"x"}`}}},
			{Role: "tool", Content: "rain", ToolCallId: "call_1"},
		},
		Tools: []*gatewayv1.Tool{weatherTool(), {Name: "time"}}, ToolChoice: "function", ToolName: "time", SingleToolCall: true,
		ResponseFormat: &gatewayv1.ResponseFormat{Type: "json_object"},
	}
	c := &call{template: &inferv1.Request{}}
	if err := input(c, req); err != nil {
		t.Fatal(err)
	}
	if want := []string{"tools", "tool_choice", "parallel_tool_calls", "response_format", "image_url"}; !slices.Equal(c.given, want) {
		t.Errorf("given %v, want %v", c.given, want)
	}
	if len(c.messages) != 3 || c.messages[1].ToolCalls[0].Arguments != `{"city":"x"}` || c.messages[2].ToolCallID != "call_1" || !json.Valid(c.raw) {
		t.Errorf("messages %+v as %s", c.messages, c.raw)
	}
	if extras := openai.AppendExtras(nil, &c.wishes); !strings.Contains(string(extras), `"tool_choice":{"type":"function","function":{"name":"time"}}`) {
		t.Errorf("extras %s", extras)
	}
}

func TestGRPCRefusals(t *testing.T) {
	user := []*gatewayv1.ChatMessage{{Role: "user", Content: "x"}}
	for _, tc := range []struct {
		param string
		req   *gatewayv1.GenerateRequest
	}{
		{"tools[0].function.name", &gatewayv1.GenerateRequest{Messages: user, Tools: []*gatewayv1.Tool{{Name: "a b"}}}},
		{"tools[0].function.parameters", &gatewayv1.GenerateRequest{Messages: user, Tools: []*gatewayv1.Tool{{Name: "a", Parameters: []byte(`{`)}}}},
		{"tools[0].function.parameters", &gatewayv1.GenerateRequest{Messages: user, Tools: []*gatewayv1.Tool{{Name: "a", Parameters: []byte(`[]`)}}}},
		{"tool_choice", &gatewayv1.GenerateRequest{Messages: user, Tools: []*gatewayv1.Tool{weatherTool()}, ToolChoice: "any"}},
		{"tool_choice", &gatewayv1.GenerateRequest{Messages: user, Tools: []*gatewayv1.Tool{weatherTool()}, ToolChoice: "function", ToolName: "time"}},
		{"tool_choice", &gatewayv1.GenerateRequest{Messages: user, ToolChoice: "required"}},
		{"response_format.type", &gatewayv1.GenerateRequest{Messages: user, ResponseFormat: &gatewayv1.ResponseFormat{Type: "xml"}}},
		{"response_format.json_schema.schema", &gatewayv1.GenerateRequest{Messages: user, ResponseFormat: &gatewayv1.ResponseFormat{Type: "json_schema", Name: "x"}}},
		{"tools", &gatewayv1.GenerateRequest{Prompt: "x", Tools: []*gatewayv1.Tool{weatherTool()}}},
		{"messages[0].parts", &gatewayv1.GenerateRequest{Messages: []*gatewayv1.ChatMessage{{Role: "user", Content: "x", Parts: []*gatewayv1.ContentPart{{Text: "y"}}}}}},
		{"messages[0].role", &gatewayv1.GenerateRequest{Messages: []*gatewayv1.ChatMessage{{Role: "tool", Content: "x", ToolCallId: "y"}}}},
	} {
		c := &call{template: &inferv1.Request{}}
		if err := input(c, tc.req); err == nil || errs.As(err).Param != tc.param || errs.As(err).Kind != errs.Invalid {
			t.Errorf("%v: got %v, want a refusal of %s", tc.req, err, tc.param)
		}
	}
}

// A call that an engine tells goes out on every face; a piece that has nothing else is worth a chunk.
func TestCallsGoOut(t *testing.T) {
	p := &piece{Delta: flight.Delta{Extra: &flight.Extra{ToolCalls: []flight.ToolCall{{ID: "call_1", Name: "f"}, {Arguments: "{}"}}, Signature: "sig"}}}
	got := spell(p)
	if len(got.GetToolCalls()) != 2 || got.GetToolCalls()[0].GetName() != "f" || got.GetToolCalls()[1].GetArguments() != "{}" || got.GetReasoningSignature() != "sig" {
		t.Errorf("gRPC: %v", got)
	}
	f := &chatFace{}
	f.open(openai.Head{}, 1)
	if s := string(f.piece(nil, p)); strings.Count(s, "data: ") != 3 || !strings.Contains(s, `"role":"assistant","content":null`) {
		t.Errorf("chat: %s", s)
	}
}
