package upstream

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// kind is an endpoint.
type kind int

const (
	chat kind = iota
	completions
	kinds
)

// prepared is how many different token events are kept ready for each endpoint.
const prepared = 4096

// answers holds prepared bytes. It is read-only but for the cache of unary answers.
type answers struct {
	model  string
	head   []byte // of a streamed answer
	tokens [kinds][prepared][]byte
	first  [kinds][]byte // what comes before the first token

	mu    sync.Mutex
	whole [kinds]map[int][]byte
}

func newAnswers(model string) *answers {
	a := &answers{model: model, head: []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
		"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n")}
	for k := range kinds {
		a.whole[k] = map[int][]byte{}
		for i := range a.tokens[k] {
			a.tokens[k][i] = framed(a.event(k, fmt.Sprintf(" t%d", i), nil))
		}
	}
	a.first[chat] = framed(fmt.Sprintf("data: {%s,\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"+
		"\"finish_reason\":null}]}\n\n", a.identity(chat, true)))
	return a
}

// framed puts one chunk of the chunked coding around text.
func framed(text string) []byte { return fmt.Appendf(nil, "%x\r\n%s\r\n", len(text), text) }

// identity is the fields that all objects of an endpoint begin with.
func (a *answers) identity(k kind, stream bool) string {
	object, id := "text_completion", "cmpl-0"
	if k == chat {
		object, id = "chat.completion", "chatcmpl-0"
		if stream {
			object = "chat.completion.chunk"
		}
	}
	model, _ := json.Marshal(a.model) // a string always encodes
	return fmt.Sprintf(`"id":%q,"object":%q,"created":1700000000,"model":%s`, id, object, model)
}

// event is one server-sent event with text, or, where text is empty, with the finish reason.
func (a *answers) event(k kind, text string, finish *string) string {
	reason, _ := json.Marshal(finish)
	produced := fmt.Sprintf(`"text":%q`, text)
	if k == chat {
		produced = `"delta":{}`
		if text != "" {
			produced = fmt.Sprintf(`"delta":{"content":%q}`, text)
		}
	}
	return fmt.Sprintf("data: {%s,\"choices\":[{\"index\":0,%s,\"finish_reason\":%s}]}\n\n", a.identity(k, true), produced, reason)
}

// token is the framed event of token i.
func (a *answers) token(k kind, i int) []byte {
	if i < prepared {
		return a.tokens[k][i]
	}
	return framed(a.event(k, fmt.Sprintf(" t%d", i), nil))
}

// end is the framed end of a stream of n tokens.
func (a *answers) end(k kind, prompt, n int, withUsage bool) []byte {
	finish := "length"
	text := a.event(k, "", &finish)
	if withUsage {
		text += fmt.Sprintf("data: {%s,\"choices\":[],%s}\n\n", a.identity(k, true), usage(prompt, n))
	}
	return append(framed(text+"data: [DONE]\n\n"), "0\r\n\r\n"...)
}

func usage(prompt, n int) string {
	return fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, prompt, n, prompt+n)
}

// unary is the whole response of n tokens. The prompt's count is always 1, so that the bytes can be kept.
func (a *answers) unary(k kind, n int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ready := a.whole[k][n]; ready != nil {
		return ready
	}
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, " t%d", i)
	}
	produced := fmt.Sprintf(`"text":%q`, text.String())
	if k == chat {
		produced = fmt.Sprintf(`"message":{"role":"assistant","content":%q}`, text.String())
	}
	ready := response("200 OK", fmt.Sprintf(`{%s,"choices":[{"index":0,%s,"finish_reason":"length"}],%s}`,
		a.identity(k, false), produced, usage(1, n)))
	if len(a.whole[k]) < prepared {
		a.whole[k][n] = ready
	}
	return ready
}

// response is a JSON response.
func response(status, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func failure(status, kind, message string) []byte {
	return response(status, fmt.Sprintf(`{"error":{"message":%q,"type":%q,"param":null,"code":null}}`, message, kind))
}
