// Package responses reads and writes the JSON of OpenAI's Responses API, without what needs a store: there is none.
//
// A request is read strictly, with the names that its client knows, and becomes the chat that it asks for: behind the edge
// there is one form of a chat. Answers and streams are spelled as OpenAI's, as read in its Python SDK 3.54.
//
// A stream that fails after it has begun ends with the event error, which has the code, and with response.failed. SDKs
// raise neither: as with OpenAI, whoever reads the events must look at them.
//
// The package knows no bus, no engine and no HTTP. Everything here is safe for concurrent use, except that one [Stream]
// belongs to one goroutine.
package responses
