package assets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// session is one filling of the cache, under its lock.
type session struct {
	dir  string
	http *http.Client
	bars *bars
	opt  Options
}

func newSession(opt Options) *session {
	return &session{dir: opt.CacheDir, http: opt.HTTP, bars: newBars(opt.Progress), opt: opt}
}

// downloads is where unfinished and not yet unpacked files are; it is empty when all is well.
func (s *session) downloads() (string, error) {
	dir := filepath.Join(s.dir, "downloads")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the download directory: %w", err)
	}
	return dir, nil
}

// sweep removes what killed processes left half done; part files stay, they are resumed.
func (s *session) sweep() {
	for _, left := range []string{"npm-*", "pip-*", "unpack-*"} {
		found, _ := filepath.Glob(filepath.Join(s.dir, "downloads", left))
		for _, dir := range found {
			if info, err := os.Lstat(dir); err == nil && info.IsDir() {
				_ = os.RemoveAll(dir)
			}
		}
	}
}

// obtain returns the package's verified archive on disk. The caller removes it after use.
func (s *session) obtain(ctx context.Context, src source, title string) (string, error) {
	dir, err := s.downloads()
	if err != nil {
		return "", err
	}
	archive := filepath.Join(dir, strings.NewReplacer("/", "-", "@", "").Replace(src.name)+"-"+src.version+src.ending())
	if src.digest.known() && src.digest.verify(archive) == nil {
		return archive, nil // an earlier run was stopped between download and unpacking
	}
	c, err := clientFor(ctx, src)
	if err != nil {
		return "", err
	}
	bar := s.bars.start(title, src.size)
	if s.opt.Transfer == Direct {
		err = s.direct(ctx, c, src, archive, bar)
	} else {
		err = s.byClient(ctx, c, src, archive, bar)
	}
	bar.end(err)
	return archive, err
}

func (s source) ending() string {
	if s.client == "npm" {
		return ".tgz"
	}
	return ".whl"
}

// direct downloads the file itself; only where it is comes from the client.
func (s *session) direct(ctx context.Context, c client, src source, archive string, b *bar) error {
	at, err := c.locate(ctx, src)
	if err != nil {
		return err
	}
	want := src.digest
	if !want.known() {
		want = at.digest
		s.bars.say("%s: no digest is pinned for it; checking the one that npm publishes (%s)", src, want)
	}
	err = s.fetcher(b, src.size).get(ctx, at.url, archive, want)
	if !refused(err) {
		return err
	}
	s.bars.say("%s: %v; leaving the download to %s", src, err, src.client)
	return s.byClient(ctx, c, src, archive, b)
}

func (s *session) fetcher(b *bar, limit int64) *fetcher {
	return &fetcher{http: s.http, bar: b, limit: limit, pause: backOff, idle: 45 * time.Second}
}

// byClient lets the client download into a directory of its own and watches that grow.
func (s *session) byClient(ctx context.Context, c client, src source, archive string, b *bar) error {
	stage, err := os.MkdirTemp(filepath.Dir(archive), src.client+"-*")
	if err != nil {
		return fmt.Errorf("make a directory for %s: %w", src.client, err)
	}
	defer func() { _ = os.RemoveAll(stage) }() // what stays is swept by the next run
	stop := watch(stage, b)
	err = c.download(ctx, src, stage)
	stop()
	if err != nil {
		var tool *ToolError
		if errors.As(err, &tool) && strings.Contains(strings.ToLower(tool.Detail), "no space left") {
			return diskFullError(stage, err)
		}
		return err
	}
	got, err := onlyFile(stage, src.ending())
	if err != nil {
		return err
	}
	if !src.digest.known() {
		s.bars.say("%s: no digest is pinned for it; %s checked the one that it publishes", src, src.client)
	}
	if err := src.digest.verifyIfKnown(got); err != nil {
		return err
	}
	b.set(size(got))
	return os.Rename(got, archive)
}

// watch feeds the bar with the bytes below dir until the returned function is called.
func watch(dir string, b *bar) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				n := below(dir)
				if b.total > 0 { // a client may keep its temporary copy for a moment
					n = min(n, b.total)
				}
				if n > b.at {
					b.set(n)
				}
			}
		}
	}()
	return func() { close(quit); <-done }
}

// below sums the sizes of the files under dir, as far as they can be seen.
func below(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.Type().IsRegular() {
			sum += size(path) // 0 for a file that went meanwhile: the client is at work
		}
		return nil
	})
	return sum
}

// unpack extracts the wanted members into a new directory beside the cache's own and checks
// that every pinned file came out right. The caller renames or removes the directory.
func (s *session) unpack(archive string, src source) (dir string, names []string, err error) {
	downloads, err := s.downloads()
	if err != nil {
		return "", nil, err
	}
	if dir, err = os.MkdirTemp(downloads, "unpack-*"); err != nil {
		return "", nil, fmt.Errorf("make a directory to unpack into: %w", err)
	}
	extract := extractTar
	if src.client == "pip" {
		extract = extractZip
	}
	names, err = extract(archive, dir, selection{prefix: src.prefix, keep: src.files, limit: maxExtracted})
	if err == nil {
		err = src.files.verify(dir)
	}
	if err == nil {
		err = syncFiles(dir, names)
	}
	if err != nil {
		if diskFull(err) {
			err = diskFullError(dir, err)
		}
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, names, nil
}

// syncFiles puts the files' content on the disk before a manifest vouches for it.
func syncFiles(dir string, names []string) error {
	for _, name := range names {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR, 0)
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return fmt.Errorf("write %s to the disk: %w", name, err)
		}
	}
	return nil
}

// verify checks that dir has every pinned file with its pinned content.
func (p pins) verify(dir string) error {
	for name, want := range p {
		d, err := parseHex("sha256", want)
		if err == nil {
			err = d.verify(filepath.Join(dir, name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
