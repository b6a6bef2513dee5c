package openai

// Head is what every answer and chunk of one request repeats.
type Head struct {
	ID          string // chatcmpl-… or cmpl-…
	Created     int64  // Unix seconds
	Model       string // the name the client asked for
	Fingerprint string // system_fingerprint; null where empty
}

// Choice is one finished answer.
type Choice struct {
	Index     int
	Reasoning string         // for chats; left out where empty
	Text      string         // for completions with echo: prompt and answer
	Finish    string         // stop, length, …; null where empty
	Logprobs  []TokenLogprob // nil where none were asked for; for completions with echo: of the prompt, then of the answer
	ToolCalls []ToolCall     // for chats, each whole; the content is null where there is no text beside them
}

// Usage counts tokens the way OpenAI does: Cached is a part of Prompt, Reasoning a part of Completion.
type Usage struct {
	Prompt, Cached        int
	Written               int // a part of Prompt: written to a cache that is billed for it; only Anthropic's form says it
	Completion, Reasoning int
	Estimated             bool // said beside the numbers, so that a prompt that nobody counted does not look like one of 0 tokens
}

// AppendChat appends a chat.completion. Choices go out in the order they are given.
func AppendChat(b []byte, h Head, choices []Choice, u Usage) []byte {
	b = appendHead(b, h, "chat.completion")
	for i := range choices {
		ch := &choices[i]
		b = appendIndex(b, i, ch.Index)
		b = append(b, `,"message":{"role":"assistant","content":`...)
		b = appendContent(b, ch.Text, len(ch.ToolCalls) > 0)
		if ch.Reasoning != "" {
			b = appendString(append(b, `,"reasoning_content":`...), ch.Reasoning)
		}
		b = appendToolCalls(b, ch.ToolCalls)
		b = append(b, `,"refusal":null},"logprobs":`...)
		b = appendChatLogprobs(b, ch.Logprobs)
		b = append(b, `,"finish_reason":`...)
		b = append(appendStringOrNull(b, ch.Finish), '}')
	}
	return append(appendUsage(append(b, `],"usage":`...), u), '}')
}

// AppendCompletion appends a text_completion. Choices go out in the order they are given.
func AppendCompletion(b []byte, h Head, choices []Choice, u Usage) []byte {
	b = appendHead(b, h, "text_completion")
	for i := range choices {
		ch := &choices[i]
		b = appendIndex(b, i, ch.Index)
		b = append(b, `,"text":`...)
		b = appendString(b, ch.Text)
		b = append(b, `,"logprobs":`...)
		b, _ = appendCompletionLogprobs(b, ch.Logprobs, 0)
		b = append(b, `,"finish_reason":`...)
		b = append(appendStringOrNull(b, ch.Finish), '}')
	}
	return append(appendUsage(append(b, `],"usage":`...), u), '}')
}

// appendHead appends everything up to the opening bracket of choices.
func appendHead(b []byte, h Head, object string) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, h.ID)
	b = append(b, `,"object":"`...)
	b = append(b, object...)
	b = append(b, `","created":`...)
	b = appendInt(b, h.Created)
	b = append(b, `,"model":`...)
	b = appendString(b, h.Model)
	b = append(b, `,"system_fingerprint":`...)
	b = appendStringOrNull(b, h.Fingerprint)
	return append(b, `,"choices":[`...)
}

func appendIndex(b []byte, i, index int) []byte {
	return appendInt(append(comma(b, i), `{"index":`...), index)
}

func appendUsage(b []byte, u Usage) []byte {
	b = append(b, `{"prompt_tokens":`...)
	b = appendInt(b, u.Prompt)
	b = append(b, `,"completion_tokens":`...)
	b = appendInt(b, u.Completion)
	b = append(b, `,"total_tokens":`...)
	b = appendInt(b, u.Prompt+u.Completion)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":`...)
	b = appendInt(b, u.Cached)
	b = append(b, `},"completion_tokens_details":{"reasoning_tokens":`...)
	b = appendInt(b, u.Reasoning)
	b = append(b, '}')
	if u.Estimated {
		b = append(b, `,"estimated":true`...)
	}
	return append(b, '}')
}
