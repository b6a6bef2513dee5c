package openai_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/leathq/leat/services/gateway/internal/openai"
)

// One token of a stream: what the gateway does most often.
func BenchmarkChatChunk(b *testing.B) {
	s := openai.NewChatStream(head, true)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendText(buf[:0], 0, " token", nil)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkCompletionChunk(b *testing.B) {
	s := openai.NewCompletionStream(head, true, 1)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendText(buf[:0], 0, " token", nil, "")
	}
}

func BenchmarkChatChunkLogprobs(b *testing.B) {
	s := openai.NewChatStream(head, true)
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = s.AppendText(buf[:0], 0, " token", tokens[:1])
	}
}

func BenchmarkChatAnswer(b *testing.B) {
	choices := []openai.Choice{{Text: strings.Repeat("some words of an answer, ", 20), Finish: "stop"}}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = openai.AppendChat(buf[:0], head, choices, usage)
	}
}

var benchBody = []byte(`{"model":"smol","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"` +
	strings.Repeat("What is the capital of France? ", 10) + `"}],"temperature":0.7,"max_tokens":128,"stream":true,"stream_options":{"include_usage":true},"seed":42}`)

func BenchmarkDecodeChat(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchBody)))
	for b.Loop() {
		if _, err := openai.DecodeChat(benchBody, openai.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The yardstick for BenchmarkDecodeChat: the standard library into a struct, with none of the checks but unknown fields.
func BenchmarkDecodeChatStandardLibrary(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(benchBody)))
	for b.Loop() {
		var r struct {
			Model         string
			Messages      []struct{ Role, Content string }
			Temperature   *float64
			MaxTokens     *int `json:"max_tokens"`
			Stream        bool
			StreamOptions struct {
				IncludeUsage bool `json:"include_usage"`
			} `json:"stream_options"`
			Seed *int64
		}
		d := json.NewDecoder(bytes.NewReader(benchBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeTokenPrompt(b *testing.B) {
	body := []byte(`{"model":"m","prompt":[[` + strings.TrimSuffix(strings.Repeat("12345,", 4000), ",") + `]],"echo":true,"logprobs":1,"max_tokens":1}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := openai.DecodeCompletion(body, openai.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
