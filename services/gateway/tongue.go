package gateway

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/anthropic"
	"github.com/leathq/leat/services/gateway/internal/openai"
)

// tongue is how a route spells what is no answer. All routes share one domain, whose errors name a chat's fields as
// OpenAI's chat completions do; a client must read its own.
type tongue struct {
	names    map[string]string // of fields, where they differ from a chat's
	schema   string            // of a tool, where a chat has function.parameters; empty: the same
	idHeader string            // the header that names the request beside x-request-id, where there is one
	status   func(e *openai.Error) int
	failure  func(b []byte, e *openai.Error, id string) []byte
}

var (
	openaiTongue    = tongue{failure: openaiFailure}
	responsesTongue = tongue{failure: openaiFailure, schema: "parameters", names: map[string]string{
		"messages": "input", "prompt": "input", "max_tokens": "max_output_tokens", "response_format": "text.format",
		"image_url": "input_image", "logprobs": "include",
	}}
	anthropicTongue = tongue{failure: anthropic.AppendError, status: anthropic.Status, idHeader: "Request-Id", schema: "input_schema", names: map[string]string{
		"prompt": "messages", "stop": "stop_sequences", "response_format": "output_config.format", "image_url": "image",
		"parallel_tool_calls": "tool_choice.disable_parallel_tool_use", "user": "metadata.user_id",
	}}
)

// tongueOf is the API that a path belongs to.
func tongueOf(path string) *tongue {
	switch {
	case path == "/v1/messages" || strings.HasPrefix(path, "/v1/messages/"):
		return &anthropicTongue
	case path == "/v1/responses" || strings.HasPrefix(path, "/v1/responses/"):
		return &responsesTongue
	}
	return &openaiTongue
}

func openaiFailure(b []byte, e *openai.Error, _ string) []byte { return openai.AppendError(b, e) }

// public renders an error in the words of the request's own API.
func (x *exchange) public(err error) *openai.Error {
	e := *public(err)
	if own := x.tongue.field(e.Param); own != e.Param {
		e.Message = strings.ReplaceAll(e.Message, "'"+e.Param+"'", "'"+own+"'")
		e.Message = strings.Replace(e.Message, "schema for "+e.Param+" ", "schema for "+own+" ", 1)
		e.Param = own
	}
	if x.tongue.status != nil {
		e.Status = x.tongue.status(&e)
	}
	return &e
}

// field is what this API calls a field of a chat.
func (t *tongue) field(param string) string {
	if own, ok := t.names[param]; ok {
		return own
	}
	if tool, ok := strings.CutSuffix(param, ".function.parameters"); ok && t.schema != "" {
		return tool + "." + t.schema
	}
	return param
}
