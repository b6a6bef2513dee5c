package scenario

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// answers is what a client gets where nothing is wrong.
var answers = []part{
	{"unary completion", unaryCompletion},
	{"unary chat", unaryChat},
	{"a stream says what a unary call says", streamEqualsUnary},
	{"n choices", choices},
	{"prompt lists", promptLists},
	{"token ids", tokenIDs},
	{"echo and logprobs", echoLogprobs},
	{"stop strings", stopStrings},
	{"headers", headers},
	{"models", models},
	{"tokeniser", tokeniser},
	{"health, readiness, metrics", hostPaths},
}

func unaryCompletion(t *testing.T, f Fleet) {
	c := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", object{
		"model": "sim", "prompt": "the mill turns", "max_tokens": 8, "temperature": 0, "ignore_eos": true,
	}))
	if c.Object != "text_completion" || c.Model != "sim" || c.SystemFingerprint == "" || len(c.Choices) != 1 {
		t.Fatalf("answer %+v", c)
	}
	if got := c.Choices[0]; got.Text == "" || got.Finish != "length" {
		t.Errorf("choice %+v, want text that ends by length", got)
	}
	if u := c.Usage; u == nil || u.Completion != 8 || u.Prompt < 3 || u.Total != u.Prompt+8 {
		t.Errorf("usage %+v, want 8 completion tokens and the sum in total", u)
	}
}

func unaryChat(t *testing.T, f Fleet) {
	c := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/chat/completions", object{
		"model": "sim", "messages": []object{{"role": "user", "content": "Turn the mill."}}, "max_completion_tokens": 5, "ignore_eos": true,
	}))
	if c.Object != "chat.completion" || len(c.Choices) != 1 || c.Choices[0].Message == nil {
		t.Fatalf("answer %+v", c)
	}
	if m := c.Choices[0].Message; m.Role != "assistant" || m.Content == "" || c.Choices[0].Finish != "length" {
		t.Errorf("choice %+v, message %+v", c.Choices[0], m)
	}
}

func choices(t *testing.T, f Fleet) {
	body := object{"model": "sim", "prompt": "mill", "n": 4, "seed": 3, "max_tokens": 12, "ignore_eos": true}
	first := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	again := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	if len(first.Choices) != 4 || first.Usage.Completion != 48 {
		t.Fatalf("%d choices, usage %+v, want 4 and 48 tokens", len(first.Choices), first.Usage)
	}
	seen := map[string]bool{}
	for i, c := range first.Choices {
		seen[c.Text] = true
		if c.Index != i || c.Text != again.Choices[i].Text {
			t.Errorf("choice %d has index %d and says %q, then %q", i, c.Index, c.Text, again.Choices[i].Text)
		}
	}
	if len(seen) != 4 {
		t.Errorf("choices are not drawn apart: %v", seen)
	}
}

func promptLists(t *testing.T, f Fleet) {
	prompts := []string{"wheel", "sluice", "stone"}
	all := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": prompts, "temperature": 0, "max_tokens": 6}))
	if len(all.Choices) != len(prompts) {
		t.Fatalf("%d choices for %d prompts", len(all.Choices), len(prompts))
	}
	for i, p := range prompts {
		one := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": p, "temperature": 0, "max_tokens": 6}))
		if all.Choices[i].Index != i || all.Choices[i].Text != one.Choices[0].Text {
			t.Errorf("prompt %d of the list says %q, alone %q", i, all.Choices[i].Text, one.Choices[0].Text)
		}
	}
}

// tokenIDs: a prompt as the ids that /tokenize gave is the prompt as text.
func tokenIDs(t *testing.T, f Fleet) {
	ids := tokenize(t, f, "water over the wheel")
	body := object{"model": "sim", "prompt": "water over the wheel", "temperature": 0, "max_tokens": 6}
	text := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body)).Choices[0].Text
	for _, p := range []any{ids, [][]int{ids, ids}} {
		body["prompt"] = p
		for _, c := range decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body)).Choices {
			if c.Text != text {
				t.Errorf("prompt %v says %q, as text %q", p, c.Text, text)
			}
		}
	}
}

func tokenize(t *testing.T, f Fleet, text string) []int {
	t.Helper()
	got := decode[struct{ Tokens []int }](t, send(t, f.Addrs().HTTP+"/tokenize", object{"prompt": text}))
	if len(got.Tokens) == 0 {
		t.Fatalf("no tokens for %q", text)
	}
	return got.Tokens
}

// echoLogprobs is what lm-evaluation-harness reads: prompt tokens + 1 entries, a null first, the picked token among the
// alternatives with the identical number.
func echoLogprobs(t *testing.T, f Fleet) {
	ids := tokenize(t, f, "grain into flour")
	c := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", object{
		"model": "sim", "prompt": [][]int{ids, ids[:len(ids)-1]}, "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": true,
	}))
	if len(c.Choices) != 2 {
		t.Fatalf("%d choices, want 2", len(c.Choices))
	}
	for i, ch := range c.Choices {
		lp, want := ch.Logprobs, len(ids)-i+1
		if lp == nil || len(lp.Tokens) != want || len(lp.Values) != want || len(lp.Top) != want || len(lp.Offsets) != want {
			t.Fatalf("choice %d: logprobs %+v, want %d entries", i, lp, want)
		}
		if lp.Values[0] != nil || lp.Top[0] != nil {
			t.Errorf("choice %d: the first token has a log-probability", i)
		}
		for j := 1; j < want; j++ {
			if v := lp.Values[j]; v == nil || lp.Top[j][lp.Tokens[j]] != *v {
				t.Errorf("choice %d token %d (%q): %v is not among its alternatives %v", i, j, lp.Tokens[j], v, lp.Top[j])
			}
		}
	}
	if !reflect.DeepEqual(c.Choices[0].Logprobs.Values[1:len(ids)-1], c.Choices[1].Logprobs.Values[1:len(ids)-1]) {
		t.Error("a shared prefix has different log-probabilities in two prompts")
	}
	promptAlone(t, f, ids, c.Choices[0].Logprobs)
}

// promptAlone: max_tokens 0 scores a prompt, and nothing after it.
func promptAlone(t *testing.T, f Fleet, ids []int, scored *logprobs) {
	body := object{"model": "sim", "prompt": ids, "temperature": 0, "max_tokens": 0, "logprobs": 1, "seed": 1234, "echo": true}
	c := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body))
	if ch := c.Choices[0]; !reflect.DeepEqual(ch.Logprobs.Values, scored.Values[:len(ids)]) || strings.Join(ch.Logprobs.Tokens, "") != ch.Text || ch.Finish != "length" || c.Usage.Completion != 0 {
		t.Errorf("max_tokens 0 says %+v (%+v), want the first %d of %v", ch, c.Usage, len(ids), scored)
	}
	body["stream"], body["stream_options"] = true, object{"include_usage": true}
	if text, finish, use := assemble(t, send(t, f.Addrs().HTTP+"/v1/completions", body)); text != c.Choices[0].Text || finish != "length" || use == nil || *use != *c.Usage {
		t.Errorf("its stream says %q (%s, %+v)", text, finish, use)
	}
	delete(body, "echo")
	delete(body, "stream")
	delete(body, "stream_options")
	refusal{400, invalid, "integer_below_min_value", "max_tokens", []string{"0 with 'echo'"}}.check(t, send(t, f.Addrs().HTTP+"/v1/completions", body))
}

func stopStrings(t *testing.T, f Fleet) {
	body := object{"model": "sim", "prompt": "mill", "temperature": 0, "max_tokens": 12, "ignore_eos": true}
	words := strings.Fields(decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body)).Choices[0].Text)
	if len(words) < 5 {
		t.Fatalf("the answer %q is too short to be stopped", words)
	}
	body["stop"] = []string{words[4], "never said"}
	c := decode[completion](t, send(t, f.Addrs().HTTP+"/v1/completions", body)).Choices[0]
	if c.Finish != "stop" || strings.Contains(c.Text, words[4]) || !strings.HasPrefix(c.Text, " "+words[0]) {
		t.Errorf("stopped before %q of %q: %q (%s)", words[4], words, c.Text, c.Finish)
	}
}

func headers(t *testing.T, f Fleet) {
	for _, stream := range []bool{false, true} {
		r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "mill", "max_tokens": 2, "stream": stream}, "X-Request-Id", "my-id-1")
		if got := r.Header.Get("X-Request-Id"); got != "my-id-1" {
			t.Errorf("stream %v: x-request-id %q, want the one given", stream, got)
		}
		if got := r.Header.Get("X-Leat-Worker"); got != "alpha" {
			t.Errorf("stream %v: x-leat-worker %q", stream, got)
		}
		for _, h := range []string{"X-Leat-Model-Version", "X-Leat-Queue-Ms", "X-Leat-Ttft-Ms"} {
			if r.Header.Get(h) == "" {
				t.Errorf("stream %v: no header %s", stream, h)
			}
		}
	}
	bad := "white space\tand more"
	for given, want := range map[string]string{"": "req_", bad: "req_"} {
		r := send(t, f.Addrs().HTTP+"/v1/completions", object{"model": "sim", "prompt": "mill", "max_tokens": 1}, "X-Request-Id", given)
		if got := r.Header.Get("X-Request-Id"); !strings.HasPrefix(got, want) {
			t.Errorf("x-request-id %q became %q, want a new one", given, got)
		}
	}
}

func models(t *testing.T, f Fleet) {
	list := decode[struct {
		Object string
		Data   []struct{ ID, Object string }
	}](t, get(t, f.Addrs().HTTP+"/v1/models"))
	if list.Object != "list" || len(list.Data) != 1 || list.Data[0].ID != "sim" || list.Data[0].Object != "model" {
		t.Errorf("models %+v", list)
	}
	if one := decode[struct{ ID string }](t, get(t, f.Addrs().HTTP+"/v1/models/sim")); one.ID != "sim" {
		t.Errorf("model %+v", one)
	}
	if r := get(t, f.Addrs().HTTP+"/v1/models/none"); r.Status != http.StatusNotFound {
		t.Errorf("an unknown model: status %d", r.Status)
	}
}

func tokeniser(t *testing.T, f Fleet) {
	ids := decode[struct{ Tokens []int }](t, send(t, f.Addrs().HTTP+"/tokenize", object{"prompt": "over the weir", "add_special_tokens": false})).Tokens
	text := decode[struct{ Prompt string }](t, send(t, f.Addrs().HTTP+"/detokenize", object{"tokens": ids})).Prompt
	if text != "over the weir" {
		t.Errorf("%v is %q, want the text that was tokenised", ids, text)
	}
	info := decode[map[string]any](t, get(t, f.Addrs().HTTP+"/tokenizer_info"))
	for _, k := range []string{"eos_token", "bos_token", "pad_token", "chat_template"} {
		if _, ok := info[k].(string); !ok {
			t.Errorf("tokenizer_info: %s is %v", k, info[k])
		}
	}
}

func hostPaths(t *testing.T, f Fleet) {
	for _, p := range []string{"/health", "/ready", "/metrics"} {
		if r := get(t, f.Addrs().HTTP+p); r.Status != http.StatusOK {
			t.Errorf("%s: status %d: %s", p, r.Status, r.Body)
		}
	}
	if m := get(t, f.Addrs().HTTP+"/metrics"); !strings.Contains(string(m.Body), "llm_requests_total{") {
		t.Error("/metrics does not count requests")
	}
}
