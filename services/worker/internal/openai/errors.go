package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// maxErrorBody is how much of an error answer is read.
const maxErrorBody = 64 << 10

// upstreamError is what a server said, in whichever shape.
type upstreamError struct {
	message, kind, code, param string
	status                     int // a number that the body itself gives as its code
}

// readError understands {"error":{…}}, {"error":"…"}, TGI's with "error_type", vLLM's flat {"object":"error",…} and FastAPI's {"detail":…}.
func readError(body []byte) upstreamError {
	var top struct {
		Error  json.RawMessage `json:"error"`
		Kind   string          `json:"error_type"`
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &top) != nil {
		return upstreamError{message: excerpt(body)}
	}
	inner := json.RawMessage(body)
	if len(top.Error) > 0 && string(top.Error) != "null" {
		inner = top.Error
	} else if len(top.Detail) > 0 {
		inner = top.Detail
	}
	var text string
	if json.Unmarshal(inner, &text) == nil {
		return upstreamError{message: text, kind: top.Kind}
	}
	var fields struct {
		Message any `json:"message"`
		Type    any `json:"type"`
		Code    any `json:"code"`
		Param   any `json:"param"`
	}
	if json.Unmarshal(inner, &fields) != nil {
		return upstreamError{message: excerpt(inner)}
	}
	u := upstreamError{message: word(fields.Message), kind: word(fields.Type), param: word(fields.Param)}
	switch code := fields.Code.(type) {
	case string:
		u.code = code
		u.status, _ = strconv.Atoi(code)
	case float64:
		u.status = int(code)
	}
	if u.message == "" {
		u.message = excerpt(inner)
	}
	return u
}

func word(v any) string {
	s, _ := v.(string)
	return s
}

// excerpt is the beginning of an answer that is no JSON, on one line.
func excerpt(b []byte) string {
	const most = 300
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(b[:min(len(b), most)]), "\uFFFD")), " ")
	if s == "" {
		return "no explanation"
	}
	return s
}

// refusal translates an error answer: who is at fault, and whether another worker may do better.
func (e *Engine) refusal(status int, retryAfter string, body []byte) *engine.Error {
	u := readError(body)
	if status == 0 {
		status = u.status
	}
	err := &engine.Error{Code: "upstream_error", Status: status, Retry: true}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		err.Code = "upstream_auth"
		err.Message = fmt.Sprintf("the upstream refuses the worker's key (%d): set the variable that --api-key-env names, or look at openai.accounts", status)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		err.Code = "overloaded"
		err.Message = "the upstream takes no more requests now: " + u.message
		err.RetryAfter = parseRetryAfter(retryAfter, time.Now())
	case status == http.StatusNotFound && !u.clientFault():
		err.Message = fmt.Sprintf("the upstream does not know the model or the path (404): check --model and --upstream: %s", u.message)
	case status == http.StatusRequestTimeout || status == http.StatusConflict || status == http.StatusTooEarly:
		err.Message = fmt.Sprintf("the upstream gave up (%d): %s", status, u.message)
	case e.fails(status):
		err.Message = fmt.Sprintf("the upstream failed (%d): %s", status, u.message)
	case status >= 400 && status < 500:
		err.Client, err.Retry = true, false
		err.Code, err.Message, err.Param = u.clientCode(), u.message, u.param
	case status == 0 && u.clientFault():
		err.Client, err.Retry = true, false
		err.Code, err.Message, err.Param = u.clientCode(), u.message, u.param
	default:
		err.Message = fmt.Sprintf("the upstream failed (%d): %s", status, u.message)
	}
	return err
}

// fails says that a 4xx is the server's fault in its dialect.
func (e *Engine) fails(status int) bool {
	f := e.facts.Load()
	return f != nil && slices.Contains(f.dialect.failures, status)
}

// clientFault says that the server blames the request, whatever its status.
func (u upstreamError) clientFault() bool {
	return u.tooLong() || u.kind == "validation" || u.kind == "invalid_request_error" && u.code != "model_not_found"
}

func (u upstreamError) tooLong() bool {
	return u.code == "context_length_exceeded" || u.kind == "exceed_context_size_error" ||
		strings.Contains(u.message, "maximum context length") || strings.Contains(u.message, "exceeds the available context") ||
		u.kind == "validation" && (strings.HasPrefix(u.message, "`inputs` tokens + `max_new_tokens`") || strings.HasPrefix(u.message, "`inputs` must have less than"))
}

// clientCode keeps the server's word where it has one.
func (u upstreamError) clientCode() string {
	switch {
	case u.tooLong():
		return "context_length_exceeded"
	case u.code != "" && u.status == 0:
		return u.code
	}
	return "invalid_request"
}

// parseRetryAfter reads seconds or an HTTP date; 0 where there is neither.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if s == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Duration(min(max(seconds, 0), 3600) * float64(time.Second))
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}

// unreachable is the error for a connection that cannot be made or breaks before the answer.
func (e *Engine) unreachable(err error) *engine.Error {
	var known *engine.Error
	if errors.As(err, &known) { // no key takes a call
		return known
	}
	return &engine.Error{
		Code: "engine_unavailable", Retry: true, Err: err,
		Message: fmt.Sprintf("the upstream %s does not answer", e.root.Host),
	}
}

// truncated is the error for an answer that breaks off without a finish reason.
func truncated(err error) *engine.Error {
	return &engine.Error{
		Code: "upstream_truncated", Retry: true, Err: err,
		Message: "the upstream broke its answer off without a finish reason",
	}
}

// protocol is the error for an answer that is not what the API promises.
func protocol(what string, err error) *engine.Error {
	return &engine.Error{Code: "upstream_error", Retry: true, Err: err, Message: "the upstream's answer cannot be read: " + what}
}

// countsAgainst says whether an error is a sign that the upstream itself is in trouble.
func countsAgainst(err error) bool {
	var refused *engine.Error
	if !errors.As(err, &refused) {
		return false
	}
	return !refused.Client && refused.Code != "overloaded"
}
