//go:build !linux

package native

import (
	"runtime"

	"github.com/ebitengine/purego"
)

func findStrlen() (uintptr, error) {
	h, err := purego.Dlopen("/usr/lib/libSystem.B.dylib", purego.RTLD_NOW)
	if err != nil {
		return 0, err
	}
	return purego.Dlsym(h, "strlen")
}

// loadedBackend is only known on Linux; elsewhere there is one CPU library.
func loadedBackend() string { return "" }

// CPUName is the machine's processor model where it is known.
func CPUName() string { return runtime.GOARCH }
