package openai

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// cursor walks one request body. Its first error sticks: after that every method returns a zero value at once, so a
// decoder reads field after field and looks at err where it matters. Syntax, UTF-8 and duplicate keys are checked by
// jsontext; the cursor adds types, ranges and the names that an error must carry.
type cursor struct {
	body  []byte
	dec   *jsontext.Decoder
	err   *Error
	given []string

	images int  // image parts that were read
	unseen bool // values were read whole, so that their depth is not known
}

func newCursor(body []byte) *cursor {
	return &cursor{body: body, dec: jsontext.NewDecoder(bytes.NewBuffer(body))}
}

// give notes that an optional parameter asks something of the engine. The name is a constant, never a part of the body.
func (c *cursor) give(name string) { c.given = append(c.given, name) }

func (c *cursor) fail(e *Error) {
	if c.err == nil {
		c.err = e
	}
}

// null reads a null and reports whether there was one.
func (c *cursor) null() bool {
	if c.err != nil || c.dec.PeekKind() != 'n' {
		return false
	}
	c.value()
	return c.err == nil
}

// value reads the next value whole. It is valid while the body is.
func (c *cursor) value() jsontext.Value {
	if c.err != nil {
		return nil
	}
	v, err := c.dec.ReadValue()
	if err != nil {
		c.fail(syntaxError(c.body, err))
		return nil
	}
	return v
}

// next is the offset in the body at which the next value starts.
func (c *cursor) next() int {
	i := int(c.dec.InputOffset())
	for i < len(c.body) && strings.IndexByte(" \t\r\n:,", c.body[i]) >= 0 {
		i++
	}
	return i
}

// oneOf reads a value and reports whether it is one of values, which are compact JSON.
func (c *cursor) oneOf(values []string) bool {
	raw := c.value()
	if c.err != nil || len(raw) > 64 {
		return false
	}
	raw = raw.Clone()
	return raw.Compact() == nil && slices.Contains(values, string(raw))
}

// object reads an object and calls field with each name; field must read that member's value.
func (c *cursor) object(field func(name string)) {
	if !c.open('{', "an object") {
		return
	}
	for c.err == nil && c.dec.PeekKind() != '}' {
		if name := c.value(); c.err == nil {
			field(c.unquote(name))
		}
	}
	c.close()
}

// array reads an array and calls element for each element's index; element must read that element.
func (c *cursor) array(element func(i int)) {
	if !c.open('[', "an array") {
		return
	}
	for i := 0; c.err == nil && c.dec.PeekKind() != ']'; i++ {
		element(i)
	}
	c.close()
}

func (c *cursor) open(delim jsontext.Kind, want string) bool {
	if !c.expect(delim, want) {
		return false
	}
	return c.token()
}

func (c *cursor) close() { c.token() }

func (c *cursor) token() bool {
	if c.err != nil {
		return false
	}
	if _, err := c.dec.ReadToken(); err != nil {
		c.fail(syntaxError(c.body, err))
	}
	return c.err == nil
}

// expect fails with the type error unless a value of this kind is next.
func (c *cursor) expect(kind jsontext.Kind, want string) bool {
	if c.err != nil {
		return false
	}
	got := c.dec.PeekKind()
	if norm(got) == norm(kind) {
		return true
	}
	// Reading its first token moves the pointer onto the culprit and finds out whether it is JSON at all.
	if c.token() {
		c.wrongType(want, kindName(got))
	}
	return false
}

func (c *cursor) wrongType(want, got string) {
	at := c.path()
	if at == "" {
		c.fail(invalid("", CodeInvalidType, "Invalid body: expected %s, but got %s instead.", want, got))
		return
	}
	c.fail(invalid(at, CodeInvalidType, "Invalid type for '%s': expected %s, but got %s instead.", at, want, got))
}

// text reads a string.
func (c *cursor) text() string {
	if !c.expect('"', "a string") {
		return ""
	}
	return c.unquote(c.value())
}

func (c *cursor) unquote(raw jsontext.Value) string {
	if len(raw) < 2 {
		return ""
	}
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	if err != nil { // unreachable: the decoder has checked it
		c.fail(syntaxError(c.body, err))
	}
	return string(s)
}

// bool reads a boolean.
func (c *cursor) bool() bool {
	if !c.expect('t', "a boolean") {
		return false
	}
	return len(c.value()) == len("true")
}

// path names the value that was read last, as OpenAI writes it: messages[0].content[1].type.
func (c *cursor) path() string {
	var b strings.Builder
	named := false // logit_bias and metadata have names that may look like indices
	for name := range c.dec.StackPointer().Tokens() {
		switch _, err := strconv.ParseUint(name, 10, 64); {
		case b.Len() == 0:
			named = name == "logit_bias" || name == "metadata"
			b.WriteString(clip(name))
		case err == nil && !named:
			b.WriteString("[" + name + "]")
		default:
			b.WriteString("." + clip(name))
		}
	}
	return b.String()
}

// clip keeps what an error echoes of a body short.
func clip[T ~string | ~[]byte](s T) string {
	const most = 100
	if len(s) <= most {
		return string(s)
	}
	return strings.ToValidUTF8(string(s[:most]), "") + "…"
}

// norm maps both booleans to one kind.
func norm(k jsontext.Kind) jsontext.Kind {
	if k == 'f' {
		return 't'
	}
	return k
}

func kindName(k jsontext.Kind) string {
	switch norm(k) {
	case 'n':
		return "null"
	case 't':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	default:
		return "an object"
	}
}
