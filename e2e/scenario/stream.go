package scenario

import (
	"encoding/json"
	"strings"
	"testing"
)

// streamEqualsUnary: the same request says the same, token by token or at once, and ends with usage and [DONE].
func streamEqualsUnary(t *testing.T, f Fleet) {
	for path, body := range map[string]object{
		"/v1/completions":      {"prompt": "the mill"},
		"/v1/chat/completions": {"messages": []object{{"role": "user", "content": "the mill"}}},
	} {
		body["model"], body["temperature"], body["seed"], body["max_tokens"] = "sim", 1, 7, 20
		whole := decode[completion](t, send(t, f.Addrs().HTTP+path, body))
		body["stream"], body["stream_options"] = true, object{"include_usage": true}
		r := send(t, f.Addrs().HTTP+path, body)
		if ct := r.Header.Get("Content-Type"); r.Status != 200 || !strings.HasPrefix(ct, "text/event-stream") {
			t.Fatalf("%s: status %d, content type %q", path, r.Status, ct)
		}
		text, finish, use := assemble(t, r)
		want := whole.Choices[0]
		if want.Message != nil {
			want.Text = want.Message.Content
		}
		if text != want.Text || finish != want.Finish {
			t.Errorf("%s: stream says %q (%s), unary %q (%s)", path, text, finish, want.Text, want.Finish)
		}
		if use == nil || use.Completion != whole.Usage.Completion || use.Prompt != whole.Usage.Prompt {
			t.Errorf("%s: usage of the stream %+v, unary %+v", path, use, whole.Usage)
		}
	}
}

// assemble puts a stream of one choice together and checks its form.
func assemble(t *testing.T, r reply) (text, finish string, use *usage) {
	t.Helper()
	list, err := events(strings.NewReader(string(r.Body)))
	if err != nil || len(list) < 3 || list[len(list)-1] != "[DONE]" {
		t.Fatalf("stream %q (%v): want events and a closing [DONE]", list, err)
	}
	for _, data := range list[:len(list)-1] {
		var c completion
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Fatalf("event %q: %v", data, err)
		}
		if c.Usage != nil {
			use = c.Usage
		}
		for _, ch := range c.Choices {
			if finish != "" {
				t.Errorf("event %q after the finish reason", data)
			}
			if ch.Delta != nil {
				ch.Text = ch.Delta.Content
			}
			text += ch.Text
			finish = ch.Finish
		}
	}
	return text, finish, use
}
