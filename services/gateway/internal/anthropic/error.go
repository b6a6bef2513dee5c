package anthropic

import (
	"strings"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// Overloaded is the status that Anthropic's API has for a server without room, and that its SDKs try again after.
const Overloaded = 529

// Status is the status under which Anthropic's clients know a failure: a server without room is overloaded, whether it
// says so (503) or its queue does (429); 429 is left for a client's own limits.
func Status(e *openai.Error) int {
	if e.Status == 503 || e.Status == 429 && (e.Code == "queue_full" || e.Code == "overloaded") {
		return Overloaded
	}
	return e.Status
}

// kind is Anthropic's error.type of a status.
func kind(status int) string {
	switch status {
	case 401:
		return "authentication_error"
	case 403:
		return "permission_error"
	case 404:
		return "not_found_error"
	case 413:
		return "request_too_large"
	case 429:
		return "rate_limit_error"
	case 408, 504:
		return "timeout_error"
	case Overloaded:
		return "overloaded_error"
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}

// AppendError appends the body of an answer that is none. Its message names the field at fault, for which this API has no
// place of its own.
func AppendError(b []byte, e *openai.Error, id string) []byte {
	message := e.Message
	if !strings.Contains(message, e.Param) {
		message = e.Param + ": " + message
	}
	b = openai.AppendString(append(b, `{"type":"error","error":{"type":`...), kind(e.Status))
	b = openai.AppendString(append(b, `,"message":`...), message)
	b = openai.AppendString(append(b, `},"request_id":`...), id)
	return append(b, '}')
}
