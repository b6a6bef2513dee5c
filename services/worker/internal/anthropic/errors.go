package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// apiError is what the API says went wrong.
type apiError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// statuses are those of error types, for errors inside a stream.
var statuses = map[string]int{
	"invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403, "not_found_error": 404,
	"request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504, "overloaded_error": 529,
}

// readError reads an error answer.
func readError(body []byte) apiError {
	var top struct {
		Error apiError `json:"error"`
	}
	if json.Unmarshal(body, &top) != nil || top.Error.Message == "" {
		text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 300)]), "\uFFFD")), " ")
		return apiError{Message: text}
	}
	return top.Error
}

// refusal says who is at fault, and whether another worker may do better.
func (a apiError) refusal(status int, retryAfter string) *engine.Error {
	if status == 0 {
		status = statuses[a.Type]
	}
	err := &engine.Error{Code: "upstream_error", Status: status, Retry: true}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusPaymentRequired:
		err.Code = "upstream_auth"
		err.Message = fmt.Sprintf("the provider refuses the worker's key (%d): look at the variables that --anthropic-key-env names", status)
	case status == http.StatusTooManyRequests || status == 529 || status == http.StatusServiceUnavailable:
		err.Code, err.RetryAfter = "overloaded", seconds(retryAfter)
		err.Message = "the provider takes no more requests now: " + a.Message
	case status == http.StatusNotFound:
		err.Message = "the provider does not know the model or the path (404): check --model and --anthropic-upstream: " + a.Message
	case status >= 400 && status < 500 && status != http.StatusRequestTimeout:
		err.Client, err.Retry, err.Code, err.Message = true, false, "invalid_request", a.Message
		if strings.Contains(a.Message, "prompt is too long") || strings.Contains(a.Message, "exceed context limit") {
			err.Code = "context_length_exceeded"
		}
	default:
		err.Message = fmt.Sprintf("the provider failed (%d): %s", status, a.Message)
	}
	return err
}

// seconds reads a Retry-After.
func seconds(s string) time.Duration {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Duration(min(max(n, 0), 3600) * float64(time.Second))
	}
	if at, err := http.ParseTime(s); err == nil {
		return min(max(time.Until(at), 0), time.Hour)
	}
	return 0
}

func truncated(err error) error {
	return &engine.Error{Code: "upstream_truncated", Retry: true, Err: err, Message: "the provider broke its answer off before its end"}
}

func garbled(err error) error {
	return &engine.Error{Code: "upstream_error", Retry: true, Err: err, Message: "the provider's answer cannot be read"}
}

func unreachable(err error) error {
	return &engine.Error{Code: "engine_unavailable", Retry: true, Err: err, Message: "the provider does not answer"}
}

// countsAgainst says whether an error is a sign that the provider itself is in trouble.
func countsAgainst(err error) bool {
	var e *engine.Error
	return errors.As(err, &e) && !e.Client && e.Code != "overloaded"
}
