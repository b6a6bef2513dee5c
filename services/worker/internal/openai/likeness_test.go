package openai_test

import (
	"reflect"
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
	f.Fuzz(func(t *testing.T, learnt, b []byte) {
		text, ok := openai.Alike(learnt, b)
		if !ok {
			return
		}
		want, err := openai.Parse(b)
		if err != nil {
			t.Fatalf("%q is read as %q, the parser says %v", b, text, err)
		}
		if got := (openai.Answer{Text: text, Choice: true}); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %+v, the parser reads %+v", b, got, want)
		}
	})
}

func TestAChunkThatDiffersOnlyInItsTextIsAlike(t *testing.T) {
	const head, tail = `{"created":1,"choices":[{"delta":{"content":"`, `"},"finish_reason":null}]}`
	if text, ok := openai.Alike([]byte(head+"one"+tail), []byte(head+"twenty"+tail)); !ok || text != "twenty" {
		t.Errorf("%q, %v", text, ok)
	}
}
