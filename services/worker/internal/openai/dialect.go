package openai

import (
	"slices"
	"strconv"
	"strings"
)

// dialect is what one kind of server deviates in from OpenAI's API; an empty field is OpenAI's way. All of them take
// stream_options.include_usage and max_tokens, and of what they say back every form is read from every server: see answer,
// finishReason, readError and decodeLogprobs.
type dialect struct {
	kind string
	// extra are parameters beyond OpenAI's that are honoured, by the name that clients use.
	extra []string
	// ignores are OpenAI's parameters that the server leaves out, misreads or takes without keeping to them. They are refused.
	ignores []string
	// textIgnores are further ones for /v1/completions.
	textIgnores []string
	// spelled are parameters with another name there.
	spelled map[string]string
	// bound is the name of the bound of a chat's answer.
	bound string
	// unbounded: without a bound /v1/completions stops early, unless max_tokens is null.
	unbounded bool
	// addsSpecial: text gets the tokeniser's special tokens unless add_special_tokens is false.
	addsSpecial bool
	// textOnly: /v1/completions takes no token ids.
	textOnly bool
	// grammar is how GBNF is passed on; grammarSince the first version that takes it so.
	grammar      grammarForm
	grammarSince string
	// format is how response_format is spelled.
	format formatForm
	// choice is how far tool_choice is kept to.
	choice choiceForm
	// parallelOnly: parallel_tool_calls false is not kept to; the parameter is not sent.
	parallelOnly bool
	// openTopP: a top_p of 1 is an error there, and is left out.
	openTopP bool
	// logprobsSince is the first version with log-probabilities; older ones ignore the wish.
	logprobsSince string
	// tokenizer is how /tokenize and /detokenize are asked.
	tokenizer tokenizerForm
	// metrics are the pages to look for metrics on, the first that has some.
	metrics []string
	// version is the page that tells the server's version.
	version string
	// failures are 4xx statuses that are the server's fault.
	failures []int
}

type (
	grammarForm   int
	formatForm    int
	choiceForm    int
	tokenizerForm int
)

const (
	grammarNone       grammarForm = iota
	grammarPlain                  // "grammar": G
	grammarStructured             // "structured_outputs": {"grammar": G}
	grammarEBNF                   // "ebnf": G
	grammarFormat                 // "response_format": {"type":"ebnf","ebnf": G}
)

const (
	formatOpenAI formatForm = iota
	formatValue             // {"type":"json","value": SCHEMA}, also for json_object
)

const (
	choiceAll   choiceForm = iota
	choiceWords            // no named tool: told as "required" with that tool alone
	choiceAuto             // "auto" only, and that must be said: the server's default is "none"
	choiceNone             // the parameter is ignored: tools are always free to be called
)

const (
	tokenizerNone   tokenizerForm = iota
	tokenizerPrompt               // {"model","prompt","add_special_tokens"}, {"tokens"}
	tokenizerLlama                // {"content","add_special","parse_special"}
)

// everywhere are the parameters beyond OpenAI's that most servers of one's own take.
var everywhere = []string{"top_k", "min_p", "repetition_penalty", "ignore_eos"}

// dialects has a row a kind. What is in it was read in the servers' own sources or documentation: vLLM 0.12 (guided_* became
// structured_outputs in 0.11), SGLang 0.5, TGI 3, TensorRT-LLM 1.2, llama.cpp b7000, Ollama 0.12.
var dialects = map[string]*dialect{
	KindVLLM: {
		kind: KindVLLM, extra: append([]string{"echo"}, everywhere...), unbounded: true, addsSpecial: true,
		grammar: grammarStructured, grammarSince: "0.11", tokenizer: tokenizerPrompt, metrics: []string{"/metrics"}, version: "/version",
	},
	KindSGLang: {
		kind: KindSGLang, extra: append([]string{"echo"}, everywhere...), grammar: grammarEBNF,
		tokenizer: tokenizerPrompt, metrics: []string{"/metrics"},
	},
	KindTGI: {
		kind:        KindTGI,
		ignores:     []string{"presence_penalty", "logit_bias"}, // it makes the first a repetition penalty, 2 higher
		textIgnores: []string{"logprobs"}, textOnly: true, format: formatValue, metrics: []string{"/metrics"}, version: "/info",
		failures: []int{424}, // the generation failed
		openTopP: true, parallelOnly: true,
	},
	KindTRTLLM: {
		kind: KindTRTLLM, extra: everywhere, choice: choiceAuto, parallelOnly: true, grammar: grammarFormat, addsSpecial: true,
		metrics: []string{"/prometheus/metrics", "/metrics"}, // the second is JSON in servers that have the first
	},
	KindLlama: {
		kind: KindLlama, extra: everywhere, spelled: map[string]string{"repetition_penalty": "repeat_penalty"}, choice: choiceWords,
		grammar: grammarPlain, tokenizer: tokenizerLlama, metrics: []string{"/metrics"},
	},
	KindOllama: {
		kind: KindOllama, ignores: []string{"logit_bias"}, choice: choiceNone, parallelOnly: true, textOnly: true, logprobsSince: "0.12.11", version: "/api/version",
	},
	KindOpenAI: {kind: KindOpenAI, bound: "max_completion_tokens"},
	KindCompatible: {
		kind: KindCompatible, tokenizer: tokenizerPrompt, metrics: []string{"/metrics"},
	},
}

// kinds are the values of the setting.
func kinds() []string {
	return []string{KindAuto, KindVLLM, KindSGLang, KindTGI, KindTRTLLM, KindLlama, KindOllama, KindOpenAI, KindCompatible}
}

// name is what the server calls a parameter.
func (d *dialect) name(param string) string {
	if there, ok := d.spelled[param]; ok {
		return there
	}
	return param
}

// takes says whether a server of this version honours a parameter.
func (d *dialect) takes(param, version string) bool {
	switch param {
	case "grammar":
		return d.grammar != grammarNone && since(version, d.grammarSince)
	case "logprobs", "top_logprobs":
		if !since(version, d.logprobsSince) {
			return false
		}
	}
	return !slices.Contains(d.ignores, param) && (slices.Contains(standardParams, param) || slices.Contains(d.extra, param))
}

// since says whether a version is at least another; an unknown one is not. Without a bound every version is.
func since(version, first string) bool {
	if first == "" {
		return true
	}
	have, want := numbers(version), numbers(first)
	return len(have) > 0 && slices.Compare(have, want) >= 0
}

// numbers are those of a version's beginning: 0.12.1rc2+cu128 is 0, 12, 1.
func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(strings.TrimPrefix(version, "v"), ".") {
		end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(part)
		}
		n, err := strconv.Atoi(part[:end])
		if err != nil {
			break
		}
		if out = append(out, n); end < len(part) {
			break
		}
	}
	return out
}
