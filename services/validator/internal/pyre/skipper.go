package pyre

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// skipper finds the next byte that a match may begin with.
type skipper struct {
	bytes []byte // those bytes, when they are few
	table [256]bool
	high  bool // all of them are beyond ASCII
	pays  bool

	halves [2][16]byte // for find; those beyond ASCII are taken together
	beyond uint64
}

// common are bytes that make up most of a text: stopping at each of them would cost more than it saves.
const common = " etaoinshrdlcum"

func newSkipper(first [256]bool, useful bool) skipper {
	s := skipper{table: first, high: true, bytes: []byte{}}
	for b, in := range first {
		if in {
			s.bytes = append(s.bytes, byte(b))
			s.high = s.high && b >= 0x80
		}
	}
	for h := range 8 {
		s.halves[1][h] = 1 << h
	}
	for _, b := range s.bytes {
		if b < 0x80 {
			s.halves[0][b&15] |= 1 << (b >> 4)
		} else {
			s.beyond = ^uint64(0)
		}
	}
	often := 0
	for i := range len(common) {
		if first[common[i]] {
			often++
		}
	}
	s.pays = useful && often <= 1
	return s
}

// next is the place of the first such byte of text from i on, or the text's length.
func (s *skipper) next(text []byte, i int) int {
	switch {
	case len(s.bytes) == 1:
		if at := bytes.IndexByte(text[i:], s.bytes[0]); at >= 0 {
			return i + at
		}
		return len(text)
	case s.high:
		i = nextHigh(text, i)
	}
	if blocks := (len(text) - i) / 32; blocks > 0 && sieves && !s.table[text[i]] {
		at := find(unsafe.Pointer(unsafe.SliceData(text[i:])), blocks, &s.halves, s.beyond)
		if i += at; at < blocks*32 {
			return i
		}
	}
	for ; i+4 <= len(text); i += 4 {
		if s.table[text[i]] || s.table[text[i+1]] || s.table[text[i+2]] || s.table[text[i+3]] {
			break
		}
	}
	for i < len(text) && !s.table[text[i]] {
		i++
	}
	return i
}

// nextHigh is the place of the first byte beyond ASCII.
func nextHigh(text []byte, i int) int {
	const highs = 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		if h := binary.LittleEndian.Uint64(text[i:]) & highs; h != 0 {
			return i + bits.TrailingZeros64(h)/8
		}
	}
	for i < len(text) && text[i] < 0x80 {
		i++
	}
	return i
}
