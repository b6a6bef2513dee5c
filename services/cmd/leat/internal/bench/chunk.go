package bench

import (
	"errors"
	"strings"
	"unsafe"

	"github.com/tidwall/gjson"
)

var errNotJSON = errors.New("not valid JSON")

// chunk is what the bench needs of one OpenAI object: a streamed chunk, a whole answer or an error body.
type chunk struct {
	content bool // carries produced text, reasoning or a tool call
	finish  bool // some choice has a finish reason
	failed  bool // the object is an error
	code    string
	message string
	usage   usage
}

// usage is the token count of an answer. Cached is a part of prompt.
type usage struct {
	given                      bool
	prompt, completion, cached int64
}

// parseChunk reads one JSON object. It keeps no reference to data. The objects of a stream are read in one pass
// without building maps, because the bench shares its cores with what it measures.
func parseChunk(data []byte) (chunk, error) {
	var c chunk
	if !gjson.ValidBytes(data) {
		return c, errNotJSON
	}
	root := gjson.Parse(unsafe.String(unsafe.SliceData(data), len(data)))
	if !root.IsObject() {
		return c, errNotJSON
	}
	root.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "choices":
			value.ForEach(func(_, choice gjson.Result) bool { c.choice(choice); return true })
		case "usage":
			c.tokens(value)
		case "error":
			if value.Type != gjson.Null {
				c.failure(value)
			}
		case "object":
			if value.Str == "error" {
				c.failure(root)
			}
		}
		return true
	})
	return c, nil
}

func (c *chunk) choice(choice gjson.Result) {
	choice.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "delta", "message":
			value.ForEach(func(key, value gjson.Result) bool {
				switch key.Str {
				case "content", "reasoning_content", "reasoning", "refusal":
					c.content = c.content || value.Str != ""
				case "tool_calls", "function_call":
					c.content = c.content || value.Type == gjson.JSON
				}
				return true
			})
		case "text":
			c.content = c.content || value.Str != ""
		case "finish_reason":
			c.finish = c.finish || value.Str != ""
		}
		return true
	})
}

func (c *chunk) tokens(value gjson.Result) {
	if !value.IsObject() {
		return
	}
	c.usage = usage{
		given:      true,
		prompt:     value.Get("prompt_tokens").Int(),
		completion: value.Get("completion_tokens").Int(),
		cached:     value.Get("prompt_tokens_details.cached_tokens").Int(),
	}
}

// failure reads OpenAI's error object, or an error that is only a string.
func (c *chunk) failure(value gjson.Result) {
	c.failed = true
	if value.Type == gjson.String {
		c.message = strings.Clone(value.Str)
		return
	}
	c.message = strings.Clone(value.Get("message").String())
	for _, field := range [...]string{"code", "type"} {
		if code := value.Get(field).String(); code != "" {
			c.code = strings.Clone(code)
			return
		}
	}
}
