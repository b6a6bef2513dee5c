// Package openai reads and writes the JSON of OpenAI's HTTP API, and of the few vLLM and llama-server calls beside it.
//
// Decoders turn a request body into plain Go and refuse, with OpenAI's own error shape, everything that would
// otherwise be ignored: unknown and unsupported parameters by name, wrong types, values out of range, duplicate keys.
// A JSON null counts as "not given" everywhere. Encoders append to a byte slice, use no reflection and allocate only
// to grow the slice they are given.
//
// The package knows no bus, no engine and no HTTP: it does not read bodies, set headers or pick status codes other
// than the one an [Error] carries. Everything here is safe for concurrent use, except that one stream encoder
// ([ChatStream], [CompletionStream]) belongs to one goroutine.
//
// # Errors in a stream
//
// Once the first byte of an SSE stream is out, its status is 200 and a failure can only be told in band. The event is
//
//	data: {"error":{"message":…,"type":…,"param":…,"code":…}}
//
// without an "event:" line, and nothing, not even [DONE], follows it. The official SDKs look for a top-level "error"
// member in every data line, so this is what their users see (read in openai-python 3.54, openai-node and openai-go 3.96):
//
//   - Python: the iterator raises openai.APIError (not an APIStatusError: there is no status_code); .message is the
//     message, .code, .type and .param are ours. It is not retried: retries cover only the time before the headers.
//   - Node: the async iterator throws APIError with status undefined and the same code, type and param.
//   - Go: stream.Next() returns false and stream.Err() is "received error while streaming: " plus the error's JSON.
//
// The Go SDK tests only that the member exists, so no chunk may ever carry "error":null.
package openai
