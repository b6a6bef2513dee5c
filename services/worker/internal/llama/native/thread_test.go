package native_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/ebitengine/purego"
)

// TestThreadMayEndAfterNativeCalls: a context belongs to a locked OS thread, which ends with its goroutine. A binding
// that writes beyond its frame on that thread's stack lets the process crash then; purego did before v0.11, seen only
// in cgo builds (the race detector's) and only when the thread returns to where it was started.
func TestThreadMayEndAfterNativeCalls(t *testing.T) {
	libc := "libc.so.6"
	if runtime.GOOS == "darwin" {
		libc = "/usr/lib/libSystem.B.dylib"
	}
	h, err := purego.Dlopen(libc, purego.RTLD_NOW)
	if err != nil {
		t.Fatal(err)
	}
	var strlen func(string) int
	purego.RegisterLibFunc(&strlen, h, "strlen")
	for range 50 { // each on a thread of its own, since a locked one is not used again
		var wg sync.WaitGroup
		wg.Go(func() {
			runtime.LockOSThread()
			if n := strlen("lamp"); n != 4 {
				t.Errorf("strlen is %d, want 4", n)
			}
		})
		wg.Wait()
	}
}
