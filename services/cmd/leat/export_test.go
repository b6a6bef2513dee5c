package main

import "io"

// Main lets the test binary be leat.
var Main = main

// ShowPool is what `leat status` prints of a pool.
var ShowPool = showPool

// PrintStream prints a stream of a chat as `leat chat` does, and returns the answer's text.
func PrintStream(in io.Reader, out io.Writer, dims bool) (string, error) {
	return printStream(in, &printer{out: out, dims: dims})
}

// AdapterControl is the message of a `leat adapter` command line, ShowAdapters what it prints.
var (
	AdapterControl = adapterControl
	ShowAdapters   = showAdapters
)

// AskToLeave is what `leat drain` does.
var AskToLeave = askToLeave

// SetCordon is what `leat cordon` and `leat uncordon` do, OneWorker whom they and `leat drain` mean.
var (
	SetCordon = setCordon
	OneWorker = oneWorker
)
