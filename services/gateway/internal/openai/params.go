package openai

import (
	"math"
	"strconv"
)

// CompletionMaxTokens is what /v1/completions generates where the request does not say, as OpenAI and vLLM do.
const CompletionMaxTokens = 16

// Params is what chat and completion requests share. A nil pointer, zero or empty value is "not given".
type Params struct {
	Model        string // required
	Stream       bool
	IncludeUsage bool // stream_options.include_usage
	N            int  // 1..128; 1 where not given
	MaxTokens    int  // max_tokens or max_completion_tokens; 0: not given (chat: up to the end of the context)

	Stop              []string
	Temperature       *float64          // 0..2
	TopP              *float64          // 0..1
	TopK              *int              // 0 and -1 (as 0): off
	MinP              *float64          // 0..1
	FrequencyPenalty  *float64          // -2..2
	PresencePenalty   *float64          // -2..2
	RepetitionPenalty *float64          // above 0, at most 2
	LogitBias         map[int32]float64 // -100..100 by token id
	Seed              *int64
	IgnoreEOS         bool
	Logprobs          bool // log-probabilities of the tokens are asked for
	TopLogprobs       int  // alternatives for each of them, 0..20

	Grammar string // GBNF that the answer must match (llama.cpp's extension)

	User     string
	Metadata map[string]string // at most 16 pairs, keys of 64 and values of 512 characters

	// Given names, by its JSON name and in the order of the body, every optional parameter that asks something of the
	// engine: temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty, repetition_penalty, logit_bias,
	// seed, stop, ignore_eos, grammar, logprobs, top_logprobs, echo. One given with the value that turns it off (top_p: 1,
	// logit_bias: {}) is honoured by every engine and therefore not listed, nor is what the gateway does itself (n,
	// stream, user, metadata) or every engine must (max_tokens).
	Given []string

	completionTokens   bool // MaxTokens came from max_completion_tokens
	streamOptionsGiven bool
}

// field reads the value of one shared parameter; it reports false, having read nothing, for a name that is not shared.
func (p *Params) field(c *cursor, l Limits, name string) bool {
	switch name {
	case "model":
		if !c.null() {
			p.Model = c.text()
		}
	case "stream":
		p.Stream = !c.null() && c.bool()
	case "stream_options":
		p.streamOptions(c)
	case "n":
		if !c.null() {
			p.N = int(c.integer(1, 128))
		}
	case "max_tokens":
		p.maxTokens(c, false)
	case "stop":
		p.stop(c, l)
	case "user":
		if !c.null() {
			p.User = c.text()
		}
	case "metadata":
		p.metadata(c)
	case "ignore_eos":
		if p.IgnoreEOS = !c.null() && c.bool(); p.IgnoreEOS {
			c.give("ignore_eos")
		}
	case "grammar":
		if !c.null() {
			if p.Grammar = c.text(); p.Grammar != "" {
				c.give("grammar")
			}
		}
	default:
		return p.sampling(c, l, name) || unsupported(c, name)
	}
	return true
}

// sampling reads how the next token is picked.
func (p *Params) sampling(c *cursor, l Limits, name string) bool {
	const never = math.MaxFloat64 // no value turns it off
	switch name {
	case "temperature":
		p.Temperature = number(c, "temperature", 0, 2, never)
	case "top_p":
		p.TopP = number(c, "top_p", 0, 1, 1)
	case "min_p":
		p.MinP = number(c, "min_p", 0, 1, 0)
	case "frequency_penalty":
		p.FrequencyPenalty = number(c, "frequency_penalty", -2, 2, 0)
	case "presence_penalty":
		p.PresencePenalty = number(c, "presence_penalty", -2, 2, 0)
	case "repetition_penalty":
		p.RepetitionPenalty = number(c, "repetition_penalty", math.SmallestNonzeroFloat64, 2, 1)
	case "top_k":
		p.topK(c)
	case "seed":
		if !c.null() {
			seed := c.integer(math.MinInt64, math.MaxInt64)
			p.Seed = &seed
			c.give("seed")
		}
	case "logit_bias":
		p.logitBias(c, l)
	default:
		return false
	}
	return true
}

// number reads an optional number; off is the value that changes nothing.
func number(c *cursor, name string, lo, hi, off float64) *float64 {
	if c.null() {
		return nil
	}
	f := c.float(lo, hi)
	if f != off {
		c.give(name)
	}
	return &f
}

func (p *Params) topK(c *cursor) {
	if c.null() {
		return
	}
	k := max(0, int(c.integer(-1, math.MaxInt32)))
	p.TopK = &k
	if k > 0 {
		c.give("top_k")
	}
}

// maxTokens reads max_tokens or the name that replaced it in chats; both may be given if they agree.
func (p *Params) maxTokens(c *cursor, newName bool) {
	if c.null() {
		return
	}
	n := int(c.integer(1, math.MaxInt32))
	if c.err == nil && p.MaxTokens != 0 && p.completionTokens != newName && p.MaxTokens != n {
		c.fail(invalid("max_completion_tokens", CodeInvalidValue,
			"Invalid 'max_completion_tokens': it differs from 'max_tokens' (%d and %d). Give one of them.", n, p.MaxTokens))
	}
	p.MaxTokens, p.completionTokens = n, newName
}

func (p *Params) streamOptions(c *cursor) {
	if c.null() {
		return
	}
	p.streamOptionsGiven = true
	c.object(func(name string) {
		switch name {
		case "include_usage":
			p.IncludeUsage = !c.null() && c.bool()
		case "include_obfuscation":
			if !c.null() && c.bool() {
				c.fail(unsupportedParameter(c.path(), "Leave it out or set it to false."))
			}
		default:
			unknown(c)
		}
	})
}

func (p *Params) stop(c *cursor, l Limits) {
	one := func() {
		s := c.text()
		if c.err == nil && s == "" {
			c.fail(invalid(c.path(), CodeEmptyString, "Invalid '%s': a stop sequence must not be empty.", c.path()))
		}
		p.Stop = append(p.Stop, s)
	}
	switch {
	case c.null():
	case c.err == nil && c.dec.PeekKind() == '[':
		c.array(func(i int) {
			if i == l.Stop {
				c.fail(invalid("stop", CodeArrayTooLong,
					"Invalid 'stop': array too long. Expected at most %d stop sequences.", l.Stop))
				return
			}
			one()
		})
	case c.expect('"', "a string or an array of strings"):
		one()
	}
	if len(p.Stop) > 0 {
		c.give("stop")
	}
}

func (p *Params) logitBias(c *cursor, l Limits) {
	if c.null() {
		return
	}
	c.object(func(name string) {
		id, err := strconv.ParseInt(name, 10, 32)
		switch {
		case err != nil || id < 0 || strconv.FormatInt(id, 10) != name:
			c.fail(invalid("logit_bias", CodeInvalidValue,
				"Invalid key in 'logit_bias': %q. Expected a token id such as \"50256\".", clip(name)))
			return
		case len(p.LogitBias) == l.Bias:
			c.fail(invalid("logit_bias", CodeObjectTooLong, "Invalid 'logit_bias': expected at most %d tokens.", l.Bias))
			return
		case p.LogitBias == nil:
			p.LogitBias = make(map[int32]float64)
		}
		p.LogitBias[int32(id)] = c.float(-100, 100)
	})
	if len(p.LogitBias) > 0 {
		c.give("logit_bias")
	}
}
