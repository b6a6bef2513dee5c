// Package schema turns JSON Schemas into grammars in GBNF, the notation of llama.cpp, so that an engine that heeds grammars
// generates nothing but valid values.
//
// A grammar generates a subset of what its schema allows: every text that it matches is valid, but not every valid text
// matches. Members come in the order in which the schema lists them, white space is at most one space behind a colon or a
// comma, and numbers have bounded digits. README.md has the table of keywords; whatever is not in it is refused with an
// [*Error] that names the keyword and where it stands, since a keyword that is passed over would be a promise not kept.
//
// Everything is bounded: the schema's depth and its parts, the grammar's size. The package knows no HTTP, no engine and no
// tools. A [Builder] belongs to one goroutine.
package schema

// Bounds of one builder.
const (
	maxDepth  = 64        // nesting of a schema's JSON
	maxParts  = 20_000    // schemas that are looked at, those that combining others makes included
	maxText   = 512 << 10 // bytes of the grammar
	maxCost   = 200_000   // elements of the grammar, a repetition counted as often as it can happen
	maxLength = 8192      // a larger maxLength or maxItems is met by staying below this
)
