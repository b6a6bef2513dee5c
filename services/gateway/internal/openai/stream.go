package openai

// chunks is what the chunks of one stream repeat, spelled out once.
type chunks struct {
	head []byte // data: {…"choices":[
	tail string // what follows a choice's finish_reason
}

func newChunks(h Head, object string, includeUsage bool) chunks {
	size := len(h.ID) + len(h.Model) + len(h.Fingerprint) + 160 // a stream holds it for its whole life: no spare room
	c := chunks{head: appendHead(append(make([]byte, 0, size), "data: "...), h, object), tail: "}]}\n\n"}
	if includeUsage {
		c.tail = "}],\"usage\":null}\n\n"
	}
	return c
}

// choice appends the beginning of a chunk up to the choice's index.
func (c *chunks) choice(b []byte, index int) []byte {
	return appendInt(append(append(b, c.head...), `{"index":`...), index)
}

// AppendUsage appends the chunk without choices that stream_options.include_usage asks for, sent once before [DONE].
func (c *chunks) AppendUsage(b []byte, u Usage) []byte {
	b = append(append(b, c.head...), `],"usage":`...)
	b = appendUsage(b, u)
	return append(b, "}\n\n"...)
}

// ChatStream appends the events of one chat stream, each complete with its blank line. For every choice: AppendRole,
// AppendReasoning, AppendText and AppendToolCall as often as there is some, AppendFinish; then AppendUsage where it was asked for, and [AppendDone].
type ChatStream struct{ chunks }

// NewChatStream prepares a stream. With includeUsage every chunk but the last carries "usage":null, as OpenAI's do.
func NewChatStream(h Head, includeUsage bool) *ChatStream {
	return &ChatStream{newChunks(h, "chat.completion.chunk", includeUsage)}
}

// AppendRole appends the first chunk of a choice.
func (s *ChatStream) AppendRole(b []byte, index int) []byte {
	b = s.choice(b, index)
	b = append(b, `,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null`...)
	return append(b, s.tail...)
}

// AppendToolRole is AppendRole for a choice that begins with a call of a tool: its content is null, as OpenAI's is.
func (s *ChatStream) AppendToolRole(b []byte, index int) []byte {
	b = s.choice(b, index)
	b = append(b, `,"delta":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":null`...)
	return append(b, s.tail...)
}

// AppendToolCall appends a chunk with a part of a call: the first part has its id and its name. A nil lp is null.
func (s *ChatStream) AppendToolCall(b []byte, index int, t *ToolCall, lp []TokenLogprob) []byte {
	b = s.choice(b, index)
	b = appendInt(append(b, `,"delta":{"tool_calls":[{"index":`...), t.Index)
	b = append(b, ',')
	if t.ID != "" || t.Name != "" {
		b = appendString(append(b, `"id":`...), t.ID)
		b = append(appendString(append(b, `,"type":"function","function":{"name":`...), t.Name), ',')
	} else {
		b = append(b, `"function":{`...)
	}
	b = appendString(append(b, `"arguments":`...), t.Arguments)
	b = append(b, `}}]},"logprobs":`...)
	b = appendChatLogprobs(b, lp)
	b = append(b, `,"finish_reason":null`...)
	return append(b, s.tail...)
}

// AppendText appends a chunk with text, which may be empty where there are only logprobs. A nil lp is null.
func (s *ChatStream) AppendText(b []byte, index int, text string, lp []TokenLogprob) []byte {
	return s.part(b, index, `,"delta":{"content":`, text, lp)
}

// AppendReasoning appends a chunk with reasoning, under the name that DeepSeek's API and the engines give it. A nil lp is
// null.
func (s *ChatStream) AppendReasoning(b []byte, index int, text string, lp []TokenLogprob) []byte {
	return s.part(b, index, `,"delta":{"reasoning_content":`, text, lp)
}

func (s *ChatStream) part(b []byte, index int, open, text string, lp []TokenLogprob) []byte {
	b = s.choice(b, index)
	b = append(b, open...)
	b = appendString(b, text)
	b = append(b, `},"logprobs":`...)
	b = appendChatLogprobs(b, lp)
	b = append(b, `,"finish_reason":null`...)
	return append(b, s.tail...)
}

// AppendFinish appends the last chunk of a choice.
func (s *ChatStream) AppendFinish(b []byte, index int, finish string) []byte {
	b = s.choice(b, index)
	b = append(b, `,"delta":{},"logprobs":null,"finish_reason":`...)
	b = appendString(b, finish)
	return append(b, s.tail...)
}

// CompletionStream appends the events of one completions stream: AppendText as often as there is text, the last of
// each choice with its finish reason; then AppendUsage where it was asked for, and [AppendDone].
type CompletionStream struct {
	chunks
	offsets []int // characters sent so far, by choice
}

// NewCompletionStream prepares a stream of so many choices (prompts × n). With includeUsage every chunk but the last
// carries "usage":null, as OpenAI's do.
func NewCompletionStream(h Head, includeUsage bool, choices int) *CompletionStream {
	return &CompletionStream{newChunks(h, "text_completion", includeUsage), make([]int, choices)}
}

// AppendText appends a chunk. A nil lp and an empty finish are null; the index is below the number of choices.
func (s *CompletionStream) AppendText(b []byte, index int, text string, lp []TokenLogprob, finish string) []byte {
	b = s.choice(b, index)
	b = append(b, `,"text":`...)
	b = appendString(b, text)
	b = append(b, `,"logprobs":`...)
	b, s.offsets[index] = appendCompletionLogprobs(b, lp, s.offsets[index])
	b = append(b, `,"finish_reason":`...)
	b = appendStringOrNull(b, finish)
	return append(b, s.tail...)
}
