package openai

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// body appends the upstream's request to b and returns it with the path that it is for. What the upstream would not honour
// is an error that names the parameter.
func (e *Engine) body(b []byte, req *engine.Request, f *facts) ([]byte, string, error) {
	chat := len(req.Prompt.Tokens) == 0 && len(req.Prompt.Messages) > 0
	if err := f.refuse(req, chat); err != nil {
		return b, "", err
	}
	w := writer{b: append(b, '{'), facts: f, chat: chat}
	w.str("model", f.upstreamModel)
	if err := w.prompt(req); err != nil {
		return b, "", err
	}
	w.length(req)
	w.sampling(req)
	w.grammar(req)
	w.logprobs(req)
	if relaysStream(req) {
		w.bool("stream", true)
		w.name("stream_options")
		w.b = append(w.b, `{"include_usage":true}`...)
	}
	if req.User != "" {
		w.str("user", req.User)
	}
	path := "/v1/completions"
	if chat {
		path = "/v1/chat/completions"
	}
	return append(w.b, '}'), path, nil
}

func (w *writer) prompt(req *engine.Request) error {
	switch {
	case len(req.Prompt.Tokens) > 0:
		w.tokens(req.Prompt.Tokens)
	case w.chat:
		extras, err := w.facts.spell(req.Extras)
		if err != nil {
			return err
		}
		if req.Grammar != "" && w.facts.dialect.grammar == grammarFormat && bytes.Contains(extras, []byte(`"response_format":`)) {
			return w.facts.unable("grammar", "Give either it or response_format.")
		}
		w.name("messages")
		w.b = append(w.b, req.Prompt.Messages...)
		w.members(extras)
	default:
		w.str("prompt", req.Prompt.Text)
		if w.facts.dialect.addsSpecial && !req.Prompt.AddSpecial {
			w.bool("add_special_tokens", false)
		}
	}
	return nil
}

// relaysStream says whether the upstream is asked to stream. With echoed log-probabilities it is not: only the usage of
// the whole answer says where the prompt ends.
func relaysStream(req *engine.Request) bool { return req.Stream && !echoesLogprobs(req) }

func echoesLogprobs(req *engine.Request) bool { return req.Echo && req.Logprobs }

// writer appends the members of one JSON object.
type writer struct {
	b     []byte
	facts *facts // of requests for generations
	chat  bool
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

// length asks for at most MaxTokens. Where there is no bound, most servers take its absence as none.
func (w *writer) length(req *engine.Request) {
	d := w.facts.dialect
	switch {
	case req.MaxTokens > 0 && w.chat && d.bound != "":
		w.int(d.bound, int64(req.MaxTokens))
	case req.MaxTokens > 0:
		w.int("max_tokens", int64(req.MaxTokens))
	case !w.chat && d.unbounded:
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

// sampling leaves out what the upstream does not take: refuse has let nothing of it through that would make a difference.
func (w *writer) sampling(req *engine.Request) {
	d := w.facts.dialect
	w.float("temperature", req.Temperature)
	if req.TopP != nil && !(d.openTopP && *req.TopP == 1) {
		w.float("top_p", req.TopP)
	}
	if req.TopK != nil && w.takes("top_k") {
		w.int("top_k", int64(*req.TopK))
	}
	w.optional("min_p", req.MinP)
	w.optional("frequency_penalty", req.FrequencyPenalty)
	w.optional("presence_penalty", req.PresencePenalty)
	w.optional("repetition_penalty", req.RepetitionPenalty)
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

func (w *writer) takes(param string) bool { return w.facts.takes(param, w.chat) }

// optional writes a number by the name that it has there.
func (w *writer) optional(param string, value *float64) {
	if value != nil && w.takes(param) {
		w.float(w.facts.dialect.name(param), value)
	}
}

// grammar holds the answer to a grammar in GBNF.
func (w *writer) grammar(req *engine.Request) {
	if req.Grammar == "" {
		return
	}
	before, after := "", ""
	switch w.facts.dialect.grammar {
	case grammarPlain:
		w.name("grammar")
	case grammarEBNF:
		w.name("ebnf")
	case grammarStructured:
		w.name("structured_outputs")
		before, after = `{"grammar":`, "}"
	case grammarFormat:
		w.name("response_format")
		before, after = `{"type":"ebnf","ebnf":`, "}"
	}
	w.b = append(appendString(append(w.b, before...), req.Grammar), after...)
}

func sortedKeys(m map[int32]float64) []int32 {
	keys := make([]int32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (w *writer) logprobs(req *engine.Request) {
	if !req.Logprobs {
		return
	}
	switch {
	case w.chat:
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
