package openai

import (
	"encoding/json"
	"math"

	"github.com/go-json-experiment/json/jsontext"
)

// Cursor walks a request's body. The decoders of other APIs read with it, so that all refuse the same things in the same
// words: after a first error every method returns a zero value at once.
type Cursor = cursor

// Decode reads a body as one object within the limits and calls field with the name of each member, which field must
// read. Its error is an [*Error] with status 400.
func Decode(body []byte, l Limits, field func(c *Cursor, name string)) (*Cursor, error) {
	return decode(body, l.orDefault(), field)
}

// Or returns the limits with defaults for what is zero.
func (l Limits) Or() Limits { return l.orDefault() }

// Fail keeps the first error.
func (c *cursor) Fail(e *Error) { c.fail(e) }

// Failed reports whether there was an error.
func (c *cursor) Failed() bool { return c.err != nil }

// Path names the value that was read last, as in messages[0].content[1].type.
func (c *cursor) Path() string { return c.path() }

// Is reports whether the next value begins like kind: one of [ { " 0 t n.
func (c *cursor) Is(kind jsontext.Kind) bool { return c.err == nil && norm(c.dec.PeekKind()) == kind }

// Expect fails with the type error, which tells what was wanted, unless a value of this kind is next.
func (c *cursor) Expect(kind jsontext.Kind, want string) bool { return c.expect(kind, want) }

// Null reads a null and reports whether there was one.
func (c *cursor) Null() bool { return c.null() }

// Object reads an object and calls field with each name; field must read that member's value.
func (c *cursor) Object(field func(name string)) { c.object(field) }

// Array reads an array and calls element for each element, which must read it.
func (c *cursor) Array(element func(i int)) { c.array(element) }

// Text reads a string.
func (c *cursor) Text() string { return c.text() }

// Bool reads a boolean.
func (c *cursor) Bool() bool { return c.bool() }

// Whole reads an integer within [lo, hi].
func (c *cursor) Whole(lo, hi int64) int { return int(c.integer(lo, hi)) }

// Number reads a number within [lo, hi] that asks something of the engine under this name, unless it is off or null.
func (c *cursor) Number(name string, lo, hi, off float64) *float64 {
	return number(c, name, lo, hi, off)
}

// Never is an off for [Cursor.Number] that no value equals.
const Never = math.MaxFloat64

// Give notes that an optional parameter asks something of the engine, by OpenAI's JSON name.
func (c *cursor) Give(name string) { c.give(name) }

// Given lists what Give noted.
func (c *cursor) Given() []string { return c.given }

// Image counts an image part against the limit.
func (c *cursor) Image(l Limits) {
	if c.images++; c.images > l.Images {
		c.fail(invalid(c.path(), CodeArrayTooLong, "Invalid '%s': there are more than %d images in the request.", c.path(), l.Images))
	}
}

// Images is how many were counted.
func (c *cursor) Images() int { return c.images }

// Opaque reads an object that is passed on as it is. It shares no memory with the body.
func (c *cursor) Opaque(l Limits) []byte { return c.schema(l) }

// Identifier reads a function's or a schema's name.
func (c *cursor) Identifier() string { return identifier(c) }

// URL reads the http, https or data URL of an image.
func (c *cursor) URL() string { return imageURL(c) }

// Unknown refuses the member whose name was read last.
func (c *cursor) Unknown() { unknown(c) }

// Unserved reads the value of a parameter that is known and not served, and refuses it unless it is null or one of
// neutral, which are compact JSON.
func (c *cursor) Unserved(hint string, neutral ...string) {
	if c.null() || c.oneOf(neutral) {
		return
	}
	c.fail(unsupportedParameter(c.path(), hint))
}

// OneOf reads a string that must be one of values.
func (c *cursor) OneOf(values ...string) string {
	s := c.text()
	if c.err != nil {
		return ""
	}
	list := ""
	for i, v := range values {
		if s == v {
			return s
		}
		if i > 0 {
			list += ", "
		}
		list += "'" + v + "'"
	}
	c.fail(invalid(c.path(), CodeInvalidValue, "Invalid value for '%s': '%s'. Supported values are: %s.", c.path(), clip(s), list))
	return ""
}

// ReadMetadata reads OpenAI's metadata.
func (p *Params) ReadMetadata(c *Cursor) { p.metadata(c) }

// Invalid makes a refusal with status 400.
func Invalid(param, code, format string, args ...any) *Error {
	return invalid(param, code, format, args...)
}

// Missing refuses a request without a parameter that it must have.
func Missing(param string) *Error { return missing(param) }

// Unsupported refuses a parameter that is known and not served.
func Unsupported(param, hint string) *Error { return unsupportedParameter(param, hint) }

// AppendString appends a JSON string that is safe in an event stream.
func AppendString(b []byte, s string) []byte { return appendString(b, s) }

// AppendLogprobList appends the list of log-probabilities that chats have as content.
func AppendLogprobList(b []byte, list []TokenLogprob) []byte { return appendLogprobList(b, list) }

// Object is the call's arguments where they are a JSON object, and an empty one otherwise, as of a call that was cut.
func (t *ToolCall) Object() []byte {
	if raw := []byte(t.Arguments); len(raw) > 0 && json.Valid(raw) && firstByte(raw) == '{' {
		return raw
	}
	return []byte("{}")
}

func firstByte(raw []byte) byte {
	for _, ch := range raw {
		if ch != ' ' && ch != '\t' && ch != '\n' && ch != '\r' {
			return ch
		}
	}
	return 0
}

// ReadSampling reads one parameter of how the next token is picked; it reports false, having read nothing, for other names.
func (p *Params) ReadSampling(c *Cursor, l Limits, name string) bool { return p.sampling(c, l, name) }

// AppendStringOrNull appends a JSON string, or null where it is empty.
func AppendStringOrNull(b []byte, s string) []byte { return appendStringOrNull(b, s) }

// AppendFloatOrNull appends a number, or null where there is none.
func AppendFloatOrNull(b []byte, f *float64) []byte {
	if f == nil {
		return append(b, "null"...)
	}
	return appendFloat(b, *f)
}

// Skip reads a value of a kind that asks nothing and is not looked at.
func (c *cursor) Skip(kind jsontext.Kind, want string) {
	if c.expect(kind, want) {
		c.unseen = true
		c.value()
	}
}
