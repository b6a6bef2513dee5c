package pyre

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// sieves says whether this machine scans fast enough for sieves to pay.
var sieves = cpu.X86.HasAVX2

// scan tells which of eight windows fit somewhere in blocks of 32 places of a text, which must go on for two bytes behind them: for every four blocks in the low byte
// of an entry of marks, and for all of them in the result, a bit each. It may say yes where none fits. Bit 8 of the result is whether there are bytes beyond ASCII.
//
//go:noescape
func scan(text unsafe.Pointer, blocks int, t *tables, marks unsafe.Pointer) uint64

// locate adds to places, of which each has 32 of a text that goes on for two bytes behind them, where one of the windows fits whose bits are set in each byte of windows. It
// may add places where none fits.
//
//go:noescape
func locate(text unsafe.Pointer, blocks int, t *tables, windows uint64, places *[part / 32]uint32)

// find is the place of the first byte of blocks of 32 bytes that the tables have, by the bit of its high half in the entry of its low half; or that is beyond
// ASCII, where high is all ones. Where there is none it is the blocks' length.
//
//go:noescape
func find(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int

// clean is the first of blocks of 32 bytes that has no byte of the tables, as find has them; where each has one, their number.
//
//go:noescape
func clean(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
