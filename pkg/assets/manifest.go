package assets

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// manifest records what was verified, so that later uses need only a stat per file.
type manifest struct {
	Source string           `json:"source"` // package and version, or hub reference
	Files  map[string]entry `json:"files"`  // by path relative to the manifest's directory
}

type entry struct {
	Size   int64     `json:"size"`
	MTime  time.Time `json:"mtime"`
	SHA256 string    `json:"sha256"`
	Link   string    `json:"link,omitempty"` // target, for a symbolic link; then nothing else is set
}

// record hashes or trusts the named files of dir; known gives digests already verified.
func record(dir, source string, names []string, known pins) (manifest, error) {
	m := manifest{Source: source, Files: make(map[string]entry, len(names))}
	for _, name := range names {
		e, err := observe(filepath.Join(dir, name))
		if err != nil {
			return manifest{}, err
		}
		if e.Link == "" {
			e.SHA256 = known[name]
			if e.SHA256 == "" {
				if e.SHA256, err = sha256File(filepath.Join(dir, name)); err != nil {
					return manifest{}, err
				}
			}
		}
		m.Files[name] = e
	}
	return m, nil
}

func observe(path string) (entry, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return entry{}, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return entry{Link: target}, err
	}
	return entry{Size: info.Size(), MTime: info.ModTime().UTC()}, nil
}

func (m manifest) write(path string) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeAtomic(path, append(b, '\n'))
}

// writeAtomic puts a small file in place whole; concurrent writers do not mix.
func writeAtomic(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// neverFetched is the reason that needs no explanation when something is fetched.
const neverFetched = "not fetched yet"

// check says in words what is wrong with the files of dir, or "" when they are the verified
// ones. A file whose time changed but not its size is hashed again, and its new time noted.
func check(dir, path string) (why string, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return neverFetched, nil
	}
	if err != nil {
		return "", err
	}
	m, ok := parseManifest(b)
	if !ok {
		return filepath.Base(path) + " is damaged", nil
	}
	touched := false
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		e := m.Files[name]
		now, why := e.differs(filepath.Join(dir, name))
		if why != "" {
			return name + " " + why, nil
		}
		touched = touched || now != e
		m.Files[name] = now
	}
	if touched {
		_ = m.write(path) // only saves hashing again: a cache that cannot be written stays usable
	}
	return "", nil
}

// parseManifest refuses one that vouches for nothing or names files outside its directory.
func parseManifest(b []byte) (m manifest, ok bool) {
	if json.Unmarshal(b, &m) != nil || len(m.Files) == 0 {
		return m, false
	}
	for name := range m.Files {
		if !filepath.IsLocal(name) {
			return m, false
		}
	}
	return m, true
}

// differs returns the entry as it is now, or what is wrong with the file.
func (e entry) differs(path string) (now entry, why string) {
	now, err := observe(path)
	switch {
	case err != nil:
		return now, "is gone"
	case now.Link != e.Link:
		return now, "is no longer the link it was"
	case now.Size != e.Size:
		return now, fmt.Sprintf("has %d bytes, not %d", now.Size, e.Size)
	case now.MTime.Equal(e.MTime):
		return e, ""
	}
	if now.SHA256, err = sha256File(path); err != nil || now.SHA256 != e.SHA256 {
		return now, "has changed since it was verified"
	}
	return now, ""
}
