// Package files reads sources that are files: it lists them, knows which are new, groups them into partitions and reads those from a cursor on. What
// stands in a file is its Format's to know, where files lie its Tree's.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Entry is a file as a listing shows it.
type Entry struct {
	Name     string    // what Tree.Open takes; the same wherever the source is read
	Size     int64     // bytes
	Modified time.Time // zero: unknown
	Version  string    // what changes with the content, such as an ETag; empty: only a digest tells
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Tree is where files lie. It may be used by several goroutines at once.
type Tree interface {
	// List gives the files that any of the patterns matches, sorted by name, each once. Take says which files of a directory count.
	List(ctx context.Context, patterns []string, take func(name string) bool) ([]Entry, error)
	// Stat is the entry of one file.
	Stat(ctx context.Context, name string) (Entry, error)
	// Open opens one file.
	Open(ctx context.Context, name string) (File, error)
}

// Local is the Tree of this machine's files. Patterns are files, directories (all below them) or globs, in which ** is any number of directories,
// with or without file:// before them; those that are relative start from Dir.
type Local struct {
	Dir   string   // empty: the working directory
	Roots []string // absolute directories below which everything must lie, links included; nil: anywhere, empty: nowhere
}

// On is the Tree that a source may read on this machine.
func On(d source.Deps) Local { return Local{Dir: d.Dir, Roots: d.Bounds.Paths} }

// List implements Tree. It follows links to files, not to directories.
func (l Local) List(ctx context.Context, patterns []string, take func(name string) bool) ([]Entry, error) {
	found := map[string]Entry{}
	for _, p := range patterns {
		p = strings.TrimPrefix(p, "file://")
		if err := l.match(ctx, filepath.Clean(p), take, found); err != nil {
			return nil, err
		}
	}
	return sorted(found), nil
}

func (l Local) match(ctx context.Context, pattern string, take func(string) bool, found map[string]Entry) error {
	root := prefix(pattern)
	info, err := l.stat(root)
	if errors.Is(err, fs.ErrNotExist) && root != pattern {
		return nil // nothing matches
	}
	if err != nil {
		return inaccessible(root, err)
	}
	if !info.IsDir() {
		if root == pattern {
			found[root] = entry(root, info)
			return regular(root, info)
		}
		return nil
	}
	return l.walk(root, func(at string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return inaccessible(at, err)
		}
		name := l.name(root, at)
		hidden := strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")
		if d.IsDir() {
			if hidden && name != root && root == pattern {
				return filepath.SkipDir
			}
			return nil
		}
		if root == pattern && (hidden || !take(name)) || root != pattern && !Match(pattern, name) {
			return nil
		}
		info, err := l.stat(name)
		if err != nil {
			return inaccessible(at, err)
		}
		if info.Mode().IsRegular() {
			found[name] = entry(name, info)
		}
		return nil
	})
}

func (l Local) at(name string) string {
	if l.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.Dir, name)
}

// name is how a file below root is called in plans, whatever directory Dir is.
func (l Local) name(root, at string) string {
	rel, err := filepath.Rel(l.at(root), at)
	if err != nil || rel == "." {
		return root
	}
	return filepath.Join(root, rel)
}

// regular refuses what is neither a file nor a directory: reading a pipe waits for ever.
func regular(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return source.Errorf(source.Refused, "%s is a device, a pipe or a socket; only files are read: copy its content into one", name)
}

func entry(name string, info fs.FileInfo) Entry {
	return Entry{Name: filepath.ToSlash(name), Size: info.Size(), Modified: info.ModTime().UTC()}
}

func inaccessible(name string, err error) error {
	var known *source.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return source.Errorf(source.Missing, "%s: there is no such file or directory; is the path right, and on the machine that reads it?", name)
	case errors.Is(err, fs.ErrPermission):
		return source.Errorf(source.Denied, "%s: must not be read; give the user that runs this the right to", name)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Stat implements Tree.
func (l Local) Stat(_ context.Context, name string) (Entry, error) {
	info, err := l.stat(name)
	if err != nil {
		return Entry{}, inaccessible(name, err)
	}
	return entry(name, info), nil
}

// Open implements Tree.
func (l Local) Open(_ context.Context, name string) (File, error) {
	info, err := l.stat(name)
	if err == nil {
		err = regular(name, info)
	}
	if err != nil {
		return nil, inaccessible(name, err)
	}
	f, err := l.open(name)
	if err != nil {
		return nil, inaccessible(name, err)
	}
	if info, err = f.Stat(); err != nil {
		return nil, errors.Join(inaccessible(name, err), f.Close())
	}
	return &local{File: f, size: info.Size()}, nil
}

type local struct {
	*os.File
	size int64
}

func (l *local) Size() int64 { return l.size }
