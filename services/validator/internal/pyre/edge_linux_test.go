package pyre

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNothingBehindTheDataIsRead lays texts against memory that may not be read: a scan that goes on behind them ends the process.
func TestNothingBehindTheDataIsRead(t *testing.T) {
	page := unix.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(memory) }()
	if err := unix.Mprotect(memory[page:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	groups := compiled(t)
	whole := bytes.Repeat([]byte("ab 12.3 4111 <b> the  \u00e9 x@y.zz 日本9 ----------------------------------------------------------------------------- "), 8)
	for size := 2 * shortest; size < 420; size++ {
		text := memory[page-size : page : page]
		copy(text, whole)
		for _, cut := range []int{size / 2, size - size%67} {
			held(t, groups, Texts{Data: text, Offsets32: []int32{0, int32(cut), int32(size)}}, Bits{}) //nolint:gosec // small
		}
	}
}
