package openai

import (
	"slices"

	"github.com/leathq/leat/services/worker/internal/engine"
)

// answer is what the engine reads of an upstream's JSON: a whole unary answer or one chunk of a stream. Only the first
// choice is read: the engine never asks for more.
type answer struct {
	text      string
	at        int // where the text stands in the JSON, as it is; −1: nowhere
	reasoning string
	thought   int // where the reasoning stands, likewise
	finish    string
	choice    bool
	logprobs  []byte // raw, valid until the buffer changes
	calls     []byte // of tools, likewise
	usage     counts
	timings   timings
	failed    bool // an error object, in one of the shapes that servers use
}

// counts is an upstream's usage, as it counts: prompt includes cached, completion includes reasoning.
type counts struct {
	given                                 bool
	told                                  bool // how much was cached
	prompt, cached, completion, reasoning int
}

// timings is llama-server's own account.
type timings struct {
	given              bool
	cached             int
	promptMS, decodeMS float64
	promptN            int
}

// classes turns counts into token classes that do not overlap.
func (c counts) classes() engine.Usage {
	cached, reasoning := min(c.cached, c.prompt), min(c.reasoning, c.completion)
	return engine.Usage{
		UncachedInput: c.prompt - cached, CacheRead: cached, Output: c.completion - reasoning, Reasoning: reasoning,
	}
}

// parser keeps the closures of one goroutine's scans, so that a chunk costs no allocation but its text.
type parser struct {
	s scanner
	a answer

	top, choice, delta, usage, promptDetails, outputDetails, timings func(key []byte)
	choices                                                          func(i int)
}

func newParser() *parser {
	p := &parser{}
	s := &p.s
	p.top = p.member
	p.choices = func(i int) {
		if i > 0 || s.peek() != '{' {
			s.skip()
			return
		}
		p.a.choice = true
		s.object(p.choice)
	}
	p.choice = p.choiceMember
	p.delta = p.deltaMember
	p.usage = p.usageMember
	p.promptDetails = func(key []byte) {
		if string(key) == "cached_tokens" {
			p.a.usage.cached, p.a.usage.told = s.count(), true
		} else {
			s.skip()
		}
	}
	p.outputDetails = func(key []byte) {
		if string(key) == "reasoning_tokens" {
			p.a.usage.reasoning = s.count()
		} else {
			s.skip()
		}
	}
	p.timings = p.timingsMember
	return p
}

// parse reads one JSON object. The result is valid until the next call, and its raw parts until b changes.
func (p *parser) parse(b []byte) (*answer, error) {
	p.s = scanner{b: b}
	p.a = answer{}
	if p.s.peek() != '{' {
		return nil, errJSON
	}
	p.s.object(p.top)
	if err := p.s.end(); err != nil {
		return nil, err
	}
	return &p.a, nil
}

func (p *parser) member(key []byte) {
	s := &p.s
	switch string(key) {
	case "choices":
		p.a.choice, p.a.text, p.a.at, p.a.reasoning, p.a.thought, p.a.finish, p.a.logprobs = false, "", -1, "", -1, "", nil
		p.a.calls = nil
		if s.peek() == '[' {
			s.array(p.choices)
			return
		}
		s.skip()
	case "usage":
		p.a.usage = counts{}
		p.nested(p.usage, &p.a.usage.given)
	case "timings":
		p.a.timings = timings{}
		p.nested(p.timings, &p.a.timings.given)
	case "error":
		p.a.failed = !s.null()
		if p.a.failed {
			s.skip()
		}
	case "object":
		if s.peek() == '"' {
			if lit, _ := s.raw(); string(lit) == `"error"` {
				p.a.failed = true
			}
			return
		}
		s.skip()
	default:
		s.skip()
	}
}

// nested reads an object where there is one; anything else is passed over.
func (p *parser) nested(member func([]byte), given *bool) {
	if p.s.peek() != '{' {
		p.s.skip()
		return
	}
	if given != nil {
		*given = true
	}
	p.s.object(member)
}

func (p *parser) choiceMember(key []byte) {
	s := &p.s
	switch string(key) {
	case "delta", "message":
		p.nested(p.delta, nil)
	case "text":
		p.a.text, p.a.at = p.generated()
	case "finish_reason":
		p.a.finish = p.text()
	case "logprobs":
		p.a.logprobs = nil
		if v := s.skip(); len(v) > 0 && v[0] == '{' {
			p.a.logprobs = v
		}
	default:
		s.skip()
	}
}

// generated reads what was generated, and where it stands.
func (p *parser) generated() (text string, at int) {
	p.s.space()
	from := p.s.i
	text = p.text()
	if p.s.i-from == len(text)+2 && !p.s.bad { // nothing was escaped or replaced
		return text, from + 1
	}
	return text, -1
}

// text reads a string; any other value counts as none.
func (p *parser) text() string {
	if p.s.peek() != '"' {
		p.s.skip()
		return ""
	}
	return p.s.str()
}

func (p *parser) deltaMember(key []byte) {
	switch string(key) {
	case "content":
		p.a.text, p.a.at = p.generated()
	case "reasoning_content", "reasoning":
		if p.a.reasoning != "" { // servers that are changing from one name to the other say it twice
			p.s.skip()
			return
		}
		p.a.reasoning, p.a.thought = p.generated()
	case "tool_calls":
		p.a.calls = nil
		if v := p.s.skip(); len(v) > 2 && (v[0] == '[' || v[0] == '{') {
			p.a.calls = v
		}
	default:
		p.s.skip()
	}
}

func (p *parser) usageMember(key []byte) {
	s, u := &p.s, &p.a.usage
	switch string(key) {
	case "prompt_tokens":
		u.prompt = s.count()
	case "completion_tokens":
		u.completion = s.count()
	case "prompt_tokens_details":
		p.nested(p.promptDetails, nil)
	case "completion_tokens_details":
		p.nested(p.outputDetails, nil)
	default:
		s.skip()
	}
}

func (p *parser) timingsMember(key []byte) {
	s, t := &p.s, &p.a.timings
	switch string(key) {
	case "cache_n":
		t.cached = s.count()
	case "prompt_n":
		t.promptN = s.count()
	case "prompt_ms":
		t.promptMS = s.number()
	case "predicted_ms":
		t.decodeMS = s.number()
	default:
		s.skip()
	}
}

// finishReason translates what servers say; words that nobody knows are passed on as they are.
func finishReason(s string) engine.FinishReason {
	switch {
	case slices.Contains([]string{"stop", "eos", "eos_token", "stop_sequence", "end_turn", "stop_token"}, s):
		return engine.FinishStop
	case slices.Contains([]string{"length", "max_tokens", "model_length"}, s):
		return engine.FinishLength
	}
	return engine.FinishReason(s)
}

// aborted says that a finish reason means the opposite: the server gave the sequence up.
func aborted(finish string) bool {
	return finish == "abort" || finish == "error" || finish == "cancelled"
}
