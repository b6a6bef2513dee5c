package llama_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/services/worker/internal/llama"
)

// TestWhatCannotBeLoadedIsOneClearLine covers everything that an operator can get wrong about files and memory.
func TestWhatCannotBeLoadedIsOneClearLine(t *testing.T) {
	model, lib, dir := modelPath(t), libDir(t), t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	otherLib := filepath.Join(dir, "lib")
	if err := os.Mkdir(otherLib, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"libllama.so", "libggml.so", "libggml-base.so"} { // an ELF library, but another one
		b, err := os.ReadFile(filepath.Join(lib, "libggml-base.so"))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join("lib", name), b)
	}
	for name, c := range map[string]struct {
		cfg  llama.Config
		says []string
	}{
		"no model named":    {llama.Config{LibDir: lib}, []string{"no model"}},
		"no library named":  {llama.Config{Model: model}, []string{"--engine-lib"}},
		"missing model":     {llama.Config{Model: filepath.Join(dir, "none.gguf"), LibDir: lib}, []string{"none.gguf", "no such file"}},
		"empty model":       {llama.Config{Model: write("empty.gguf", nil), LibDir: lib}, []string{"empty.gguf", "GGUF"}},
		"not a model":       {llama.Config{Model: write("text.gguf", []byte("hello, this is text")), LibDir: lib}, []string{"text.gguf", "GGUF"}},
		"cut model":         {llama.Config{Model: write("cut.gguf", whole[:len(whole)/2]), LibDir: lib}, []string{"cut.gguf", "damaged"}},
		"cut header":        {llama.Config{Model: write("head.gguf", whole[:200]), LibDir: lib}, []string{"head.gguf", "damaged"}},
		"too little memory": {llama.Config{Model: model, LibDir: lib, Slots: 256, Context: 1 << 20}, []string{"too little memory", "MiB", "--slots"}},
		"empty library":     {llama.Config{Model: model, LibDir: t.TempDir()}, []string{"libllama.so", "--engine-lib"}},
		"another library":   {llama.Config{Model: model, LibDir: otherLib}, []string{"does not match", "0.5.0"}},
		"no such CPU":       {llama.Config{Model: model, LibDir: lib, CPUs: []int{1000}}, []string{"pin", "1000"}},
		"unknown schedule":  {llama.Config{Model: model, LibDir: lib, Schedule: "slow"}, []string{"slow", "exact or fast"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := llama.New(t.Context(), c.cfg, llama.Deps{Command: selfCommand})
			if err == nil {
				e.Close()
				t.Fatal("it loaded")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
			t.Log(err)
		})
	}
}
