// Package native is the llama engine's only door to libllama: it loads the library and a model, checks every argument
// in Go before a native call (many native checks abort the process instead of returning an error), and decodes.
//
// It schedules nothing. One process holds at most one library. A Model's decoding methods belong to the goroutine that
// loaded it, locked to its OS thread; the vocabulary's methods and Abort are safe for concurrent use.
package native

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/llama"
	"github.com/hybridgroup/yzma/pkg/loader"
)

// LibraryVersion is the llama.cpp release whose structures the binding mirrors.
const LibraryVersion = "0.5.0"

// Library is a loaded libllama.
type Library struct {
	Dir     string
	Version string
	Digest  string // sha256 over libllama and the CPU library that was chosen
	Backend string // file name of the CPU library that ggml chose for this machine

	tokenize func(vocab uintptr, text *byte, n int32, out *int32, room int32, addSpecial, parseSpecial bool) int32
	strlen   uintptr
}

// OpenLibrary loads libllama and the best CPU back-end from dir, and refuses another version than LibraryVersion.
func OpenLibrary(dir string) (*Library, error) {
	path := loader.GetLibraryFilename(dir, "llama")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no llama.cpp library at %s: fetch it, or name its directory with --engine-lib", path)
	}
	if err := llama.Load(dir); err != nil {
		return nil, fmt.Errorf("the library in %s does not match: want llama.cpp v%s: %w", dir, LibraryVersion, err)
	}
	l := &Library{Dir: dir}
	if err := l.bind(path); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	llama.BackendInit()
	if err := llama.GGMLBackendLoadAllFromPath(dir); err != nil {
		return nil, fmt.Errorf("load compute back-ends from %s: %w", dir, err)
	}
	if llama.GGMLBackendDeviceByType(llama.GGMLBackendDeviceTypeCPU) == 0 {
		return nil, fmt.Errorf("no CPU back-end in %s fits this machine: the directory must hold libggml-cpu-*.so of llama.cpp v%s", dir, LibraryVersion)
	}
	return l, l.digest(path)
}

// bind finds the functions that the binding lacks: a tokenise that takes bytes (the binding's reads a nil pointer for
// text with a NUL), the version, and the C function that serves as abort callback.
func (l *Library) bind(path string) error {
	h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	for _, name := range []string{"llama_tokenize", "llama_version"} {
		if _, err := purego.Dlsym(h, name); err != nil {
			return fmt.Errorf("%s does not match: want llama.cpp v%s: %w", path, LibraryVersion, err)
		}
	}
	purego.RegisterLibFunc(&l.tokenize, h, "llama_tokenize")
	var version func() string
	purego.RegisterLibFunc(&version, h, "llama_version")
	l.Version = version()
	if l.strlen, err = findStrlen(); err != nil {
		return fmt.Errorf("find strlen, which serves as abort callback: %w", err)
	}
	return nil
}

// check compares the version and the default parameters that the library fills in with what the binding's structures
// must read: a shifted field would corrupt every call.
func (l *Library) check() error {
	if v := strings.TrimPrefix(l.Version, "v"); v != LibraryVersion && !strings.HasPrefix(v, LibraryVersion+"-") {
		return fmt.Errorf("the library in %s is llama.cpp %q: this build needs v%s", l.Dir, l.Version, LibraryVersion)
	}
	p := llama.ContextDefaultParams()
	if p.NCtx != 512 || p.NBatch != 2048 || p.NUbatch != 512 || p.NSeqMax != 1 || p.YarnExtFactor != -1 ||
		p.TypeK != llama.GGMLTypeF16 || p.TypeV != llama.GGMLTypeF16 || p.CtxOther != 0 {
		return fmt.Errorf("the library in %s says it is llama.cpp %s but its parameters are laid out otherwise: use an unmodified v%s", l.Dir, l.Version, LibraryVersion)
	}
	return nil
}

// Quiet drops everything that llama.cpp would write to standard error, reasons for failures included.
func (l *Library) Quiet() { llama.LogSet(llama.LogSilent()) }

// digest identifies the machine code that will run.
func (l *Library) digest(path string) error {
	h := sha256.New()
	files := []string{path}
	if l.Backend = loadedBackend(); l.Backend != "" {
		files = append(files, filepath.Join(l.Dir, l.Backend))
	}
	for _, f := range files {
		if err := copyFile(h, f); err != nil {
			return fmt.Errorf("read library for its digest: %w", err)
		}
	}
	l.Digest = hex.EncodeToString(h.Sum(nil))
	return nil
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// flag is what the abort callback reads. The callback is C's strlen: over the number 1 it is 1 (stop), over 0 it is 0
// (go on), so no Go code runs on a native thread. Heap memory of Go does not move, and the model keeps it reachable.
type flag struct{ b *uint32 }

func newFlag() flag { return flag{b: new(uint32)} }

func (f flag) addr() uintptr { return uintptr(unsafe.Pointer(f.b)) }
