package openai

import (
	"fmt"
	"net/http"
)

// The values of [Error.Type] that OpenAI's clients know.
const (
	TypeInvalidRequest = "invalid_request_error"
	TypeRateLimit      = "rate_limit_error"
	TypeServer         = "server_error"
)

// The values of [Error.Code] that the decoders give. Syntax errors carry none, as with OpenAI.
const (
	CodeUnknownParameter     = "unknown_parameter"
	CodeUnsupportedParameter = "unsupported_parameter"
	CodeUnsupportedValue     = "unsupported_value"
	CodeMissingParameter     = "missing_required_parameter"
	CodeInvalidType          = "invalid_type"
	CodeInvalidValue         = "invalid_value"
	CodeEmptyArray           = "empty_array"
	CodeEmptyString          = "empty_string"
	CodeArrayTooLong         = "array_above_max_length"
	CodeObjectTooLong        = "object_above_max_properties"
	CodeStringTooLong        = "string_above_max_length"
	CodeIntegerBelowMin      = "integer_below_min_value"
	CodeIntegerAboveMax      = "integer_above_max_value"
	CodeDecimalBelowMin      = "decimal_below_min_value"
	CodeDecimalAboveMax      = "decimal_above_max_value"
)

// Error is a refusal or a failure in OpenAI's shape. Every error that a decoder returns is an *Error with status 400.
type Error struct {
	Status  int    // the HTTP status it goes out with; not part of the JSON
	Message string // what happened, where, and what to do next
	Type    string // invalid_request_error, rate_limit_error, server_error, …
	Param   string // the field at fault, such as messages[2].content; null in the JSON where empty
	Code    string // machine-readable; null in the JSON where empty
}

func (e *Error) Error() string { return e.Message }

// AppendError appends the body of a non-2xx answer.
func AppendError(b []byte, e *Error) []byte {
	b = append(b, `{"error":{"message":`...)
	b = appendString(b, e.Message)
	b = append(b, `,"type":`...)
	b = appendString(b, e.Type)
	b = append(b, `,"param":`...)
	b = appendStringOrNull(b, e.Param)
	b = append(b, `,"code":`...)
	b = appendStringOrNull(b, e.Code)
	return append(b, `}}`...)
}

// AppendErrorEvent appends the in-band error that ends a stream; the package documentation says what clients make of it.
func AppendErrorEvent(b []byte, e *Error) []byte {
	b = append(b, "data: "...)
	b = AppendError(b, e)
	return append(b, "\n\n"...)
}

// AppendDone appends the event that ends a complete stream.
func AppendDone(b []byte) []byte { return append(b, "data: [DONE]\n\n"...) }

func invalid(param, code, format string, args ...any) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Message: fmt.Sprintf(format, args...),
		Type:    TypeInvalidRequest,
		Param:   param,
		Code:    code,
	}
}
