package main

// Main lets the test binary be leat.
var Main = main

// ShowPool is what `leat status` prints of a pool.
var ShowPool = showPool

// AdapterControl is the message of a `leat adapter` command line, ShowAdapters what it prints.
var (
	AdapterControl = adapterControl
	ShowAdapters   = showAdapters
)
