// Package programs builds what end-to-end tests run as processes: the repository's own commands, and tools of others at
// pinned versions. It downloads through the Go command only.
package programs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var built = sync.OnceValues(build)

// Ours returns the path of one of our commands (a directory of services/cmd), built from this tree.
func Ours(t testing.TB, name string) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// build builds the commands into a directory of the user's cache that belongs to this tree, so that they are linked once, however many packages' tests run them, and no
// garbage comes of it. The lock keeps other packages' tests from running what is half written; the kernel drops it when this process ends.
func build() (string, error) {
	key := sha256.Sum256([]byte(root()))
	dir := filepath.Join(Cache(), "e2e", hex.EncodeToString(key[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("directory for the binaries: %w", err)
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", fmt.Errorf("lock of the binaries: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the binaries: %w", err)
	}
	return dir, run(context.Background(), root(), nil, "go", "build", "-o", dir+"/", "./services/cmd/...")
}

// Source builds one of the source programs (a directory of services/ingestor/sources, a module of its own) beside our commands, where an ingestor finds it. It returns
// its path.
func Source(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Dir(Ours(t, "leat"))
	source(t, dir, name)
	return filepath.Join(dir, "leat-source-"+name)
}

// Sources builds source programs into a directory apart, which it returns: for an ingestor's --sources-dir.
func Sources(t testing.TB, names ...string) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(Ours(t, "leat")), "sources")
	for _, name := range names {
		source(t, dir, name)
	}
	return dir
}

func source(t testing.TB, dir, name string) {
	t.Helper()
	module := filepath.Join(root(), "services/ingestor/sources")
	if err := run(t.Context(), module, []string{"GOWORK=off"}, "go", "build", "-o", filepath.Join(dir, "leat-source-"+name), "./"+name); err != nil {
		t.Fatal(err)
	}
}

// Tool returns the path of a Go command of others at a version, installed once into the user's cache.
func Tool(t testing.TB, pkg, version string) string {
	t.Helper()
	name := path.Base(strings.TrimSuffix(pkg, "/v2"))
	dir := filepath.Join(Cache(), "tools", name+"-"+version)
	tool := filepath.Join(dir, name)
	if _, err := os.Stat(tool); err == nil {
		return tool
	}
	t.Logf("installing %s@%s into %s; the first time takes minutes", pkg, version, dir)
	// Installed beside and renamed, since another test process may be at it too.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(tmp) }) // gone already where it was renamed
	if err := run(t.Context(), tmp, []string{"CGO_ENABLED=0", "GOBIN=" + tmp, "GOWORK=off", "GOFLAGS="}, "go", "install", pkg+"@"+version); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(tool); there != nil {
			t.Fatal(err)
		}
	}
	return tool
}

func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out.Bytes())
	}
	return nil
}

// root is the repository: three directories above this file.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// Cache is where leat keeps what it fetches.
func Cache() string {
	if dir := os.Getenv("LEAT_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), "leat")
	}
	return filepath.Join(dir, "leat")
}
