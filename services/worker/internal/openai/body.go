package openai

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// body appends the upstream's request to b and returns it with the path that it is for.
func (e *Engine) body(b []byte, req *engine.Request, f *facts) ([]byte, string) {
	w := writer{b: append(b, '{'), kind: f.kind}
	w.str("model", f.upstreamModel)
	path := "/v1/completions"
	switch {
	case len(req.Prompt.Tokens) > 0:
		w.tokens(req.Prompt.Tokens)
	case len(req.Prompt.Messages) > 0:
		path = "/v1/chat/completions"
		w.name("messages")
		w.b = append(w.b, req.Prompt.Messages...)
		w.members(req.Extras)
	default:
		w.str("prompt", req.Prompt.Text)
		if f.kind == KindVLLM && !req.Prompt.AddSpecial {
			w.bool("add_special_tokens", false)
		}
	}
	chat := path == "/v1/chat/completions"
	w.length(req, chat)
	w.sampling(req)
	w.logprobs(req, chat)
	if relaysStream(req) {
		w.bool("stream", true)
		w.name("stream_options")
		w.b = append(w.b, `{"include_usage":true}`...)
	}
	if req.User != "" {
		w.str("user", req.User)
	}
	return append(w.b, '}'), path
}

// relaysStream says whether the upstream is asked to stream. With echoed log-probabilities it is not: only the usage of
// the whole answer says where the prompt ends.
func relaysStream(req *engine.Request) bool { return req.Stream && !echoesLogprobs(req) }

func echoesLogprobs(req *engine.Request) bool { return req.Echo && req.Logprobs }

// writer appends the members of one JSON object.
type writer struct {
	b    []byte
	kind string
}

func (w *writer) name(key string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), key...), '"', ':')
}

// members adds those of a JSON object.
func (w *writer) members(object []byte) {
	inner := bytes.TrimSpace(object)
	if len(inner) < 2 || inner[0] != '{' || inner[len(inner)-1] != '}' {
		return
	}
	if inner = bytes.TrimSpace(inner[1 : len(inner)-1]); len(inner) > 0 {
		w.b = append(append(w.b, ','), inner...)
	}
}

func (w *writer) str(key, value string) {
	w.name(key)
	w.b = appendString(w.b, value)
}

func (w *writer) int(key string, value int64) {
	w.name(key)
	w.b = strconv.AppendInt(w.b, value, 10)
}

func (w *writer) bool(key string, value bool) {
	w.name(key)
	w.b = strconv.AppendBool(w.b, value)
}

func (w *writer) float(key string, value *float64) {
	if value == nil {
		return
	}
	w.name(key)
	w.b = appendFloat(w.b, *value)
}

func (w *writer) tokens(ids []int32) {
	w.name("prompt")
	w.b = append(w.b, '[')
	for i, id := range ids {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = strconv.AppendInt(w.b, int64(id), 10)
	}
	w.b = append(w.b, ']')
}

// length asks for at most MaxTokens. Where there is no bound, most servers take its absence as none; vLLM's completions
// have a default of 16, which null switches off.
func (w *writer) length(req *engine.Request, chat bool) {
	switch {
	case req.MaxTokens > 0 && chat && w.kind == KindOpenAI:
		w.int("max_completion_tokens", int64(req.MaxTokens))
	case req.MaxTokens > 0:
		w.int("max_tokens", int64(req.MaxTokens))
	case !chat && (w.kind == KindVLLM || w.kind == KindSGLang):
		w.name("max_tokens")
		w.b = append(w.b, "null"...)
	}
	if len(req.Stop) > 0 {
		w.name("stop")
		w.b = append(w.b, '[')
		for i, stop := range req.Stop {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.b = appendString(w.b, stop)
		}
		w.b = append(w.b, ']')
	}
	if req.IgnoreEOS {
		w.bool("ignore_eos", true)
	}
}

func (w *writer) sampling(req *engine.Request) {
	w.float("temperature", req.Temperature)
	w.float("top_p", req.TopP)
	if req.TopK != nil {
		w.int("top_k", int64(*req.TopK))
	}
	w.float("min_p", req.MinP)
	w.float("frequency_penalty", req.FrequencyPenalty)
	w.float("presence_penalty", req.PresencePenalty)
	repetition := "repetition_penalty"
	if w.kind == KindLlama {
		repetition = "repeat_penalty"
	}
	w.float(repetition, req.RepetitionPenalty)
	if req.Seed != nil {
		w.int("seed", *req.Seed)
	}
	if len(req.LogitBias) > 0 {
		w.name("logit_bias")
		w.b = append(w.b, '{')
		inner := writer{b: w.b}
		for _, id := range sortedKeys(req.LogitBias) {
			inner.name(strconv.Itoa(int(id)))
			inner.b = appendFloat(inner.b, req.LogitBias[id])
		}
		w.b = append(inner.b, '}')
	}
}

func sortedKeys(m map[int32]float64) []int32 {
	keys := make([]int32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *writer) logprobs(req *engine.Request, chat bool) {
	if !req.Logprobs {
		return
	}
	switch {
	case chat:
		w.bool("logprobs", true)
		if req.TopLogprob > 0 {
			w.int("top_logprobs", int64(req.TopLogprob))
		}
	default:
		w.int("logprobs", int64(max(1, req.TopLogprob))) // some servers read 0 as "none"
	}
	if echoesLogprobs(req) {
		w.bool("echo", true)
	}
}

// appendFloat writes a finite number; JSON has no others, and the gateway lets none through.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendString writes a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
