package pyre

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// sieves says whether this machine scans fast enough for sieves to pay.
var sieves = cpu.X86.HasAVX2

// sieves512 says whether it has AVX-512 with permutations of bytes, which look 64 bytes of ASCII up at once (Intel since Ice Lake, AMD since Zen 4).
var sieves512 = cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI

// scan tells which of eight windows fit somewhere in blocks of 32 places of a text, which must go on for two bytes behind them: for every four blocks in the low byte
// of an entry of marks, and for all of them in the result, a bit each. It may say yes where none fits. Bit 8 of the result is whether there are bytes beyond ASCII.
//
//go:noescape
func scan(text unsafe.Pointer, blocks int, t *tables, marks unsafe.Pointer) uint64

// locate adds to places, of which each bit is one of a text that goes on for two bytes behind them, where one of the windows fits whose bits are set in each byte of windows. It
// may add places where none fits.
//
//go:noescape
func locate(text unsafe.Pointer, blocks int, t *tables, windows uint64, places *[part / 64]uint64)

// scanASCII and locateASCII are scan and locate by a byte table each, for texts of ASCII, which must go on for 32 bytes more where the number of blocks is odd.
//
//go:noescape
func scanASCII(text unsafe.Pointer, blocks int, t *byteTables, marks unsafe.Pointer) uint64

//go:noescape
func locateASCII(text unsafe.Pointer, blocks int, t *byteTables, windows uint64, places *[part / 64]uint64)

// find is the place of the first byte of blocks of 32 bytes that the tables have, by the bit of its high half in the entry of its low half; or that is beyond
// ASCII, where high is all ones. Where there is none it is the blocks' length.
//
//go:noescape
func find(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int

// clean is the first of blocks of 32 bytes that has no byte of the tables, as find has them; where each has one, their number.
//
//go:noescape
func clean(text unsafe.Pointer, blocks int, t *[2][16]byte, high uint64) int
