// Package anthropic reads and writes the JSON of Anthropic's Messages API.
//
// A request is read strictly, with the names that its client knows, and becomes what a chat of OpenAI's API would be:
// behind the edge there is one form of a chat. Answers and streams are spelled as Anthropic's, as read in its Python SDK
// 2.14 and its TypeScript SDK 1.14.
//
// Differences that a client can see: a prompt's tokens are known at the end of a stream only, so message_start says 0 and
// message_delta the number; and which stop sequence ended an answer is known where the engine tells it, else the
// stop_reason is end_turn.
//
// The package knows no bus, no engine and no HTTP. Everything here is safe for concurrent use, except that one [Stream]
// belongs to one goroutine.
package anthropic
