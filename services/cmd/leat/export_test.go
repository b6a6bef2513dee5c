package main

// Main lets the test binary be leat.
var Main = main
