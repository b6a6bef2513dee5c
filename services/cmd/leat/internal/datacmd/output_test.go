package datacmd_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/leathq/leat/services/cmd/leat/internal/datacmd"
)

// An output is whole or not there: a link stays one, what is no file (/dev/null, say) is written into and not replaced, and a failure names what could not be written.
func TestAnOutputTakesTheNamesPlace(t *testing.T) {
	dir := folder(t, map[string]string{"a.jsonl": `{"a": 1}` + "\n", "there.json": "old", "s.json": suiteOf(notNull)})
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(out io.Writer, more ...string) error {
		return datacmd.Main(t.Context(), append([]string{"validate", at("a.jsonl"), "--suite", at("s.json"), "--format", "json"}, more...), environ(t), out, io.Discard)
	}
	for to, says := range map[string]string{at("gone/x"): "write " + at("gone/x") + ": no such file or directory", dir: "is a directory"} {
		if err := write(io.Discard, "--output", to); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("--output %s: %v, want %s", to, err, says)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := write(full); err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("where there is no room for the output: %v", err)
	}
	if err := os.Symlink("there.json", at("link.json")); err != nil {
		t.Fatal(err)
	}
	if err := write(io.Discard, "--output", at("link.json")); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(at("there.json")); err != nil || !strings.Contains(string(text), `"success":true`) {
		t.Errorf("behind the link is %s, %v", text, err)
	}
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(at("pipe"), os.O_RDWR, 0) // so that no writer waits for a reader
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	if err := write(io.Discard, "--output", at("pipe")); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]os.FileMode{"link.json": os.ModeSymlink, "pipe": os.ModeNamedPipe} {
		if info, err := os.Lstat(at(name)); err != nil || info.Mode().Type() != want {
			t.Errorf("%s is %v now, %v", name, info.Mode(), err)
		}
	}
}
