package gateway

import "github.com/leathq/leat/services/gateway/internal/openai"

// chatFace spells chat.completion and its chunks.
type chatFace struct {
	include bool
	s       *openai.ChatStream
	greeted []bool
}

func (f *chatFace) whole(b []byte, h openai.Head, choices []openai.Choice, u openai.Usage) []byte {
	return openai.AppendChat(b, h, choices, u)
}

func (f *chatFace) open(h openai.Head, choices int) {
	f.s, f.greeted = openai.NewChatStream(h, f.include), make([]bool, choices)
}

func (f *chatFace) piece(b []byte, p *piece) []byte {
	var calls []openai.ToolCall
	if p.Extra != nil {
		calls = p.Extra.ToolCalls
	}
	switch {
	case f.greeted[p.choice]:
	case len(calls) > 0 && p.Text == "" && p.Reasoning == "":
		b = f.s.AppendToolRole(b, p.choice)
	default:
		b = f.s.AppendRole(b, p.choice)
	}
	f.greeted[p.choice] = true
	lp := p.Logprobs
	if p.Reasoning != "" {
		var thought []openai.TokenLogprob
		if p.Text == "" {
			thought, lp = lp, nil
		}
		b = f.s.AppendReasoning(b, p.choice, p.Reasoning, thought)
	}
	if p.Text != "" || len(lp) > 0 && len(calls) == 0 {
		b, lp = f.s.AppendText(b, p.choice, p.Text, lp), nil
	}
	for i := range calls {
		b, lp = f.s.AppendToolCall(b, p.choice, &calls[i], lp), nil
	}
	if p.End != nil {
		b = f.s.AppendFinish(b, p.choice, p.End.Finish)
	}
	return b
}

func (f *chatFace) end(b []byte, u openai.Usage) []byte {
	if f.include {
		b = f.s.AppendUsage(b, u)
	}
	return openai.AppendDone(b)
}

func (f *chatFace) broken(b []byte, e *openai.Error) []byte { return openai.AppendErrorEvent(b, e) }

// completionFace spells text_completion and its chunks, which have no place for reasoning.
type completionFace struct {
	include  bool
	logprobs bool
	prompts  []prompt
	n        int
	s        *openai.CompletionStream
	echoed   []bool
}

func (f *completionFace) whole(b []byte, h openai.Head, choices []openai.Choice, u openai.Usage) []byte {
	return openai.AppendCompletion(b, h, choices, u)
}

func (f *completionFace) open(h openai.Head, choices int) {
	f.s, f.echoed = openai.NewCompletionStream(h, f.include, choices), make([]bool, choices)
}

func (f *completionFace) piece(b []byte, p *piece) []byte {
	text, finish := p.Text, ""
	lp := p.Logprobs
	if len(p.Prompt) > 0 {
		c := call{prompts: f.prompts, n: f.n}
		text = echo(&c, p, &f.echoed[p.choice]) + text
		if f.logprobs {
			lp = append(append([]openai.TokenLogprob{}, p.Prompt...), p.Logprobs...)
		}
	}
	if p.End != nil {
		finish = p.End.Finish
	}
	if text == "" && finish == "" && len(lp) == 0 {
		return b
	}
	return f.s.AppendText(b, p.choice, text, lp, finish)
}

func (f *completionFace) end(b []byte, u openai.Usage) []byte {
	if f.include {
		b = f.s.AppendUsage(b, u)
	}
	return openai.AppendDone(b)
}

func (f *completionFace) broken(b []byte, e *openai.Error) []byte {
	return openai.AppendErrorEvent(b, e)
}
