package native

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/ebitengine/purego"
)

func findStrlen() (uintptr, error) {
	h, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW)
	if err != nil {
		return 0, err
	}
	return purego.Dlsym(h, "strlen")
}

// loadedBackend returns the file name of the CPU library that is mapped into this process.
func loadedBackend() string {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return ""
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if i := strings.IndexByte(sc.Text(), '/'); i >= 0 {
			if name := filepath.Base(sc.Text()[i:]); strings.HasPrefix(name, "libggml-cpu") {
				return name
			}
		}
	}
	return ""
}

// CPUName is the machine's processor model, for the fingerprint.
func CPUName() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
