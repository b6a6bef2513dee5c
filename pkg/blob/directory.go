package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"time"
)

const (
	// unfinished is the folder of objects being written; as its name begins with a dot, no key leads into it. It is in the store
	// because a rename is only atomic within a file system.
	unfinished = ".unfinished"
	// abandoned is how long an unfinished object must not have grown to be taken for the remains of a process that died.
	abandoned = 24 * time.Hour
)

// directory is a store in the file system. gocloud's own (fileblob) is not used: its conditional write is a look and a rename, so
// two processes may both succeed; its unfinished files are listed as objects; and it never syncs.
type directory struct {
	root   *os.Root // follows no link out of the directory
	sync   bool
	create func(name string) (*os.File, error) // of unfinished files
}

func openDirectory(dir string, create, sync bool) (*directory, error) {
	if create {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, fmt.Errorf("make the blob store's directory: %w; name one that can be written (blob.url)", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the blob store's directory: %w; make it, or name another (blob.url)", err)
	}
	d := &directory{root: root, sync: sync}
	d.create = d.createUnfinished
	d.sweep(time.Now().Add(-abandoned))
	return d, nil
}

func (d *directory) createUnfinished(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := d.root.Mkdir(unfinished, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func (d *directory) put(_ context.Context, key string, r io.Reader, absent bool) error {
	temp := unfinished + "/" + rand.Text()
	defer func() { _ = d.root.Remove(temp) }() // where it has its name it is gone from here
	if err := d.fill(temp, r); err != nil {
		return err
	}
	if err := d.root.MkdirAll(path.Dir(key), 0o777); err != nil {
		return err
	}
	if err := d.name(temp, key, absent); err != nil {
		return err
	}
	return d.syncDirs(path.Dir(key))
}

// name gives a finished file its key. A link is the one way of POSIX to do so only where there is none.
func (d *directory) name(temp, key string, absent bool) error {
	if !absent {
		return d.root.Rename(temp, key)
	}
	err := d.root.Link(temp, key)
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	return err
}

// fill writes a file and brings it to disk before anybody can see it.
func (d *directory) fill(name string, r io.Reader) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err == nil && d.sync {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDirs brings a directory's entries to disk, and those of the directories above, which may be as new.
func (d *directory) syncDirs(dir string) error {
	for d.sync {
		f, err := d.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if dir == "." {
			break
		}
		dir = path.Dir(dir)
	}
	return nil
}

// section is a part of a file that is closed with it.
type section struct {
	io.Reader
	io.Closer
}

func (d *directory) get(_ context.Context, key string, from, length int64) (io.ReadCloser, error) {
	f, err := d.open(key)
	if err != nil || from == 0 && length < 0 {
		return f, err
	}
	return section{io.NewSectionReader(f, from, length), f}, nil
}

func (d *directory) open(key string) (*os.File, error) {
	f, err := d.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, errors.Join(ErrNotFound, err)
	}
	return f, nil
}

func (d *directory) stat(_ context.Context, key string) (Object, error) {
	info, err := d.root.Stat(key)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return Object{}, ErrNotFound
	}
	if err != nil {
		return Object{}, err
	}
	return Object{key, info.Size(), info.ModTime()}, nil
}

func (d *directory) list(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		start := "."
		if prefix != "" {
			start = strings.TrimSuffix(prefix, "/")
		}
		err := fs.WalkDir(d.root.FS(), start, func(name string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // deleted meanwhile, or nothing has this prefix
				return nil
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case name != "." && e.Name()[0] == '.' && e.IsDir():
				return fs.SkipDir
			case !e.Type().IsRegular() || e.Name()[0] == '.':
				return nil
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && !yield(Object{name, info.Size(), info.ModTime()}, nil) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield(Object{}, err)
		}
	}
}

func (d *directory) remove(_ context.Context, key string) error {
	err := d.root.Remove(key)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

// sweep deletes what writers left that died. What it cannot delete stays for the next start.
func (d *directory) sweep(before time.Time) {
	entries, err := fs.ReadDir(d.root.FS(), unfinished)
	if err != nil {
		return // nothing was ever written
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			_ = d.root.Remove(unfinished + "/" + e.Name())
		}
	}
}

func (d *directory) close() error { return d.root.Close() }
