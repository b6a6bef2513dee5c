package file

import (
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"
)

// budget gives memory to the library up to a bound between two resets. Beyond it, it panics with an *overBudget: the library has no way to say no, and a
// short file may stand for much data. Buffers may be freed by the collector's goroutine, so counting is atomic.
type budget struct {
	memory.GoAllocator
	used    atomic.Int64
	most    int64
	tripped atomic.Bool
}

type overBudget struct{ most int64 }

func (e *overBudget) Error() string { return fmt.Sprintf("more than %d bytes of memory", e.most) }

func (b *budget) reset() {
	b.used.Store(0)
	b.tripped.Store(false)
}

func (b *budget) take(n int) {
	if n < 0 || b.used.Add(int64(n)) > b.most {
		b.tripped.Store(true)
		panic(&overBudget{b.most})
	}
}

// Allocate is the memory.Allocator's.
func (b *budget) Allocate(size int) []byte {
	b.take(size)
	return b.GoAllocator.Allocate(size)
}

// Reallocate is the memory.Allocator's.
func (b *budget) Reallocate(size int, old []byte) []byte {
	if size > cap(old) {
		b.take(size)
		defer b.used.Add(-int64(cap(old)))
	}
	return b.GoAllocator.Reallocate(size, old)
}

// Free is the memory.Allocator's.
func (b *budget) Free(old []byte) { b.used.Add(-int64(cap(old))) }
