package openai

// ToolCall is a call of a tool that the model wants made, or a part of one. Parts with the same Index add up to one call.
type ToolCall struct {
	Index     int    // which call of the answer: 0, 1, 2, …
	ID        string // on the first part
	Name      string // on the first part
	Arguments string // JSON text, or the next piece of it
}
