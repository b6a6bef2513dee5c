package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// within opens the root below which a file lies, and says where in it. A nil Root is the whole file system, in which it lies at rel.
func (l Local) within(name string) (root *os.Root, rel string, err error) {
	if l.Roots == nil {
		return nil, l.at(name), nil
	}
	at, err := filepath.Abs(l.at(name))
	if err != nil {
		return nil, "", err
	}
	for _, r := range l.Roots {
		if rel, err := filepath.Rel(r, at); err == nil && filepath.IsLocal(rel) {
			root, err := os.OpenRoot(r)
			return root, rel, err
		}
	}
	return nil, "", outside(name)
}

func outside(name string) error {
	return source.Errorf(source.Denied, "%s: it does not lie below the directories that may be read, or is a link out of them; put it there, or add its directory to ingestor.paths", name)
}

// escaped turns what os.Root says of a link that leaves it, for which it has no error of its own to compare with, into ours.
func escaped(name string, err error) error {
	if err != nil && strings.Contains(err.Error(), "escapes from parent") {
		return outside(name)
	}
	return err
}

func (l Local) stat(name string) (fs.FileInfo, error) {
	root, rel, err := l.within(name)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return os.Stat(rel)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(rel)
	return info, escaped(name, err)
}

func (l Local) open(name string) (*os.File, error) {
	root, rel, err := l.within(name)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return os.Open(rel)
	}
	defer func() { _ = root.Close() }()
	f, err := root.Open(rel)
	return f, escaped(name, err)
}

// walk is filepath.WalkDir, with paths as at has them.
func (l Local) walk(name string, visit fs.WalkDirFunc) error {
	root, rel, err := l.within(name)
	if err != nil {
		return err
	}
	if root == nil {
		return filepath.WalkDir(rel, visit)
	}
	defer func() { _ = root.Close() }()
	begin := l.at(name)
	return fs.WalkDir(root.FS(), filepath.ToSlash(rel), func(p string, d fs.DirEntry, err error) error {
		below, relErr := filepath.Rel(rel, filepath.FromSlash(p))
		if relErr != nil {
			return relErr
		}
		at := filepath.Join(begin, below)
		return visit(at, d, escaped(at, err))
	})
}

// ReadAll reads a small file that a source names, such as one of credentials.
func (l Local) ReadAll(name string) ([]byte, error) {
	info, err := l.stat(name)
	if err == nil {
		err = regular(name, info)
	}
	if err == nil && info.Size() > 1<<20 {
		err = source.Errorf(source.TooLarge, "%s has %d bytes, which is no file of credentials", name, info.Size())
	}
	if err != nil {
		return nil, inaccessible(name, err)
	}
	f, err := l.open(name)
	if err != nil {
		return nil, inaccessible(name, err)
	}
	defer func() { _ = f.Close() }()
	out := make([]byte, info.Size())
	n, err := f.ReadAt(out, 0)
	if n == len(out) {
		err = nil
	}
	return out, err
}
