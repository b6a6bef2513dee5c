//go:build !amd64

package pyre

import "unsafe"

// sieves says whether this machine scans fast enough for sieves to pay.
const sieves = false

var sieves512 = false

func scan(unsafe.Pointer, int, *tables, unsafe.Pointer) uint64 {
	panic("pyre: a sieve on a machine that has none")
}

func locate(unsafe.Pointer, int, *tables, uint64, *[part / 64]uint64) {
	panic("pyre: a sieve on a machine that has none")
}

func scanASCII(unsafe.Pointer, int, *byteTables, unsafe.Pointer) uint64 {
	panic("pyre: a sieve on a machine that has none")
}

func locateASCII(unsafe.Pointer, int, *byteTables, uint64, *[part / 64]uint64) {
	panic("pyre: a sieve on a machine that has none")
}

func find(unsafe.Pointer, int, *[2][16]byte, uint64) int {
	panic("pyre: a search by blocks on a machine that has none")
}

func clean(unsafe.Pointer, int, *[2][16]byte, uint64) int {
	panic("pyre: a search by blocks on a machine that has none")
}
