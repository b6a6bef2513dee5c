package pyre

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// sieves says whether this machine scans fast enough for sieves to pay.
var sieves = cpu.X86.HasAVX2

// scan tells which of eight windows fit somewhere in blocks of 32 places of a text, which must go on for two bytes behind them. The answer is a bit each, in any of
// the result's bytes; it may say yes where none fits.
//
//go:noescape
func scan(text unsafe.Pointer, blocks int, t *[2 * windowLen][16]byte) uint64

// find is the place of the first byte of blocks of 32 bytes that the tables have, by the bit of its high half in the entry of its low half; or that is beyond
// ASCII, where high is all ones. Where there is none it is the blocks' length.
//
//go:noescape
func find(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
