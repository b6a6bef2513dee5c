// Package gbnf reads grammars in GBNF, the notation of llama.cpp, and tells which bytes and which of a model's tokens may
// come next.
//
// A Grammar is compiled to bytes: a character class becomes ranges of UTF-8 bytes, so a token that ends within a character
// needs no care. Recognition is a pushdown automaton whose stacks share their frames (Scott and Johnstone 2010, "GLL
// Parsing"), so ambiguity costs polynomial time and memory, not exponential. Its configurations are interned: walking known
// ground is one table look-up a byte, and the set of allowed tokens of a State is computed once.
//
// Everything is bounded (Limits below), and what a grammar allows depends on nothing but its text and the bytes so far: not on
// what was computed before. All types are safe for concurrent use. The package knows no models, engines or JSON Schema.
//
// Notation: rules "name ::= alternatives", one of them named root; "literal" with \n \r \t \\ \" \[ \] \- \xHH \uHHHH
// \UHHHHHHHH; [classes], [^negated], "." for any character; ( ) | ? * + {m} {m,} {m,n}; # comments. Recursion is allowed, left
// recursion is not. llama.cpp's token references (<name>, <[id]>) are refused.
package gbnf

// Limits of a grammar and of its recognition.
const (
	MaxText       = 1 << 20 // bytes of a grammar's text
	MaxElements   = 1 << 18 // elements that it compiles to; a repetition counts as often as it can happen
	MaxRepetition = 1 << 16 // the largest count in {m,n}
	MaxNesting    = 200     // parentheses within each other

	maxItems  = 4096    // places in the grammar that may be next at once; what would need more is refused
	maxWeight = 1 << 16 // return addresses on all stacks of a state, likewise
	maxCost   = 1 << 20 // places that one search for allowed tokens may come by
	maxCache  = 8 << 20 // bytes of states and token sets that a grammar remembers; then it begins anew
)
