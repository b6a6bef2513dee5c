// Package calls is how models that speak text call tools: what they are told, what they may answer, and how a call is found
// in the answer.
//
// A [Format] is one way to spell a call; one table lists them, and a model's chat template tells which is its own. [Grammar]
// makes the grammar that holds an answer to the tools and their schemas, [Parser] takes calls out of a stream of text as they
// come, and [Explain] with [Plain] put tools into words for models whose template has none.
//
// The package knows no bus and no HTTP. A Parser belongs to one goroutine, everything else is safe for concurrent use.
package calls
