package clients_test

import (
	"encoding/json"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// goTools calls a tool whole and streamed, and sends its result back.
func goTools(t *testing.T, url string) {
	c := sdk(url)
	p := chat()
	p.MaxCompletionTokens = param.NewOpt[int64](64)
	p.ParallelToolCalls = param.NewOpt(false)
	p.Tools = []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "find_river", Strict: param.NewOpt(true), Parameters: shared.FunctionParameters{
			"type": "object", "properties": map[string]any{"name": map[string]any{"type": "string", "maxLength": 20}},
			"required": []string{"name"}, "additionalProperties": false,
		}})}
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("required")}
	whole, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	made := whole.Choices[0].Message.ToolCalls
	var arguments struct{ Name *string }
	if len(made) != 1 || made[0].Function.Name != "find_river" || json.Unmarshal([]byte(made[0].Function.Arguments), &arguments) != nil || arguments.Name == nil {
		t.Fatalf("calls %+v, finished %s", made, whole.Choices[0].FinishReason)
	}
	stream, acc := c.Chat.Completions.NewStreaming(t.Context(), p), openai.ChatCompletionAccumulator{}
	finished := 0
	for stream.Next() {
		acc.AddChunk(stream.Current())
		if _, ok := acc.JustFinishedToolCall(); ok {
			finished++
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if again := acc.Choices[0].Message.ToolCalls; finished != 1 || len(again) != 1 || again[0].Function.Arguments != made[0].Function.Arguments || acc.Choices[0].FinishReason != "tool_calls" {
		t.Errorf("streamed %+v, %d finished, whole %+v", again, finished, made)
	}
	p.Messages = append(p.Messages, whole.Choices[0].Message.ToParam(), openai.ToolMessage("It is long.", made[0].ID))
	p.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("none")}
	said, err := c.Chat.Completions.New(t.Context(), p)
	if err != nil || len(said.Choices[0].Message.ToolCalls) > 0 || said.Choices[0].Message.Content == "" {
		t.Errorf("after the result: %+v, %v", said, err)
	}
}
