package openai_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leathq/leat/services/worker/internal/openai"
)

// What is read by likeness is what the parser reads.
func FuzzLikeness(f *testing.F) {
	const vllm = `{"id":"c","created":1,"choices":[{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}],"usage":null}`
	for _, b := range []string{
		`{"id":"c","created":1,"choices":[{"index":0,"delta":{"content":" world é"},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`{"id":"c","created":1,"choices":[{"index":0,"delta":{"content":"a\"b"},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`{"id":"c","created":1,"choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":null}],"usage":null}`,
		`{"id":"c","created":1,"choices":[{"index":0,"delta":{"content":"x"},"logprobs":null,"finish_reason":"stop"}],"usage":null}`,
		`{"id":"c","created":1,"choices":[{"index":0,"delta":{"content":"x","y":"z"},"logprobs":null,"finish_reason":null}],"usage":null}`,
	} {
		f.Add([]byte(vllm), []byte(b))
	}
	f.Add([]byte(`{"choices":[{"text":"a","text":"bb"}]}`), []byte(`{"choices":[{"text":"a","text":"c"}]}`))
	f.Add([]byte(`{"choices":[{"text":"a\u0062\xff"}]}`), []byte(`{"choices":[{"text":"c"}]}`))
	for _, b := range []string{
		`{"choices":[{"delta":{"content":"","reasoning_content":"Hm"}}]}`, `{"choices":[{"delta":{"content":"x","reasoning_content":"Hm"}}]}`,
		`{"choices":[{"delta":{"content":"Hi","reasoning_content":""}}]}`, `{"choices":[{"delta":{"content":"Hi","reasoning_content":null}}]}`,
		`{"choices":[{"delta":{"reasoning":"Hm"}}]}`, `{"choices":[{"delta":{"reasoning":"Hm","reasoning_content":"Hm"}}]}`,
		`{"choices":[{"delta":{"reasoning":"","reasoning_content":"a","reasoning":"b"}}]}`, `{"choices":[{"delta":{"content":"Hm"}}]}`,
	} {
		f.Add([]byte(b), []byte(strings.ReplaceAll(b, "H", "L")))
		f.Add([]byte(b), []byte(strings.Replace(b, "m", "mm", 1)))
	}
	f.Fuzz(func(t *testing.T, learnt, b []byte) {
		text, reasoning, ok := openai.Alike(learnt, b)
		if !ok {
			return
		}
		want, err := openai.Parse(b)
		if err != nil {
			t.Fatalf("%q is read as %q and %q, the parser says %v", b, text, reasoning, err)
		}
		if got := (openai.Answer{Text: text, Reasoning: reasoning, Choice: true}); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %+v, the parser reads %+v", b, got, want)
		}
	})
}

func TestAChunkThatDiffersOnlyInItsTextIsAlike(t *testing.T) {
	const head, tail = `{"created":1,"choices":[{"delta":{"content":"`, `"},"finish_reason":null}]}`
	if text, _, ok := openai.Alike([]byte(head+"one"+tail), []byte(head+"twenty"+tail)); !ok || text != "twenty" {
		t.Errorf("%q, %v", text, ok)
	}
	thinks := strings.Replace(head, "content", "reasoning_content", 1)
	if text, reasoning, ok := openai.Alike([]byte(thinks+"one"+tail), []byte(thinks+"twenty"+tail)); !ok || text != "" || reasoning != "twenty" {
		t.Errorf("text %q, reasoning %q, %v", text, reasoning, ok)
	}
	if _, _, ok := openai.Alike([]byte(thinks+"one"+tail), []byte(head+"twenty"+tail)); ok {
		t.Error("text is taken for reasoning")
	}
}
