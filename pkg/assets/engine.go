package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// manifestName is the file in a cache directory that says what was verified there.
const manifestName = "manifest.json"

// enginePiece is the prebuilt engine libraries of one platform, in one directory.
type enginePiece struct {
	src source
	dir string
}

func (p *enginePiece) title() string { return "engine libraries" }

func (p *enginePiece) cached() (string, string, error) {
	why, err := check(p.dir, filepath.Join(p.dir, manifestName))
	if err != nil || why != "" {
		return "", why, err
	}
	return p.dir, "", nil
}

func (p *enginePiece) fetch(ctx context.Context, s *session) error {
	if len(p.src.files) > 0 && p.src.files.verify(p.dir) == nil {
		return p.seal(p.dir) // complete, only never recorded: put there by hand or by a copy of the cache
	}
	archive, err := s.obtain(ctx, p.src, p.title())
	if err != nil {
		return err
	}
	dir, _, err := s.unpack(archive, p.src)
	if err != nil {
		return err
	}
	if err := p.seal(dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := replaceDir(dir, p.dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return os.Remove(archive)
}

// seal adds the plain names and the manifest, after which the directory counts as complete.
func (p *enginePiece) seal(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := linkPlainNames(dir); err != nil {
		return fmt.Errorf("link the libraries' plain names: %w", err)
	}
	names, err := libraries(dir)
	if err != nil {
		return err
	}
	if why := lacks(names); why != "" {
		return fmt.Errorf("the package %s has no %s", p.src, why)
	}
	m, err := record(dir, p.src.String(), names, p.src.files)
	if err != nil {
		return err
	}
	return m.write(filepath.Join(dir, manifestName))
}

// replaceDir puts dir in the place of old. A process that has files of old open keeps them.
func replaceDir(dir, old string) error {
	if err := os.MkdirAll(filepath.Dir(old), 0o755); err != nil {
		return err
	}
	away := dir + "-old"
	if err := os.Rename(old, away); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("move the damaged %s away: %w", old, err)
	}
	if err := os.Rename(dir, old); err != nil {
		return fmt.Errorf("put %s in place: %w", old, err)
	}
	return os.RemoveAll(away)
}

// versioned matches a library that carries its version before the ending.
var versioned = regexp.MustCompile(`^(lib)?(llama|ggml|ggml-base)\.v[0-9.]+\.(so|dylib|dll)$`)

// linkPlainNames makes libllama.so beside libllama.v0.5.0.so, and so on: loaders ask for
// the plain name, the libraries themselves for the versioned one.
func linkPlainNames(dir string) error {
	names, err := libraries(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		m := versioned.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		plain := m[1] + m[2] + "." + m[3]
		if slices.Contains(names, plain) {
			continue
		}
		if err := os.Symlink(name, filepath.Join(dir, plain)); err != nil {
			// Windows allows links only to some users; a second name of the same file does as well.
			if err := os.Link(filepath.Join(dir, name), filepath.Join(dir, plain)); err != nil {
				return err
			}
		}
	}
	return nil
}

// libraries lists the shared libraries in dir.
func libraries(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		switch filepath.Ext(e.Name()) {
		case ".so", ".dylib", ".dll":
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// libraryName is a library's file name on this platform.
func libraryName(base string) string {
	switch runtime.GOOS {
	case "darwin":
		return "lib" + base + ".dylib"
	case "windows":
		return base + ".dll"
	}
	return "lib" + base + ".so"
}

// lacks names the libraries that are missing among names, or "".
func lacks(names []string) string {
	var missing []string
	for _, base := range []string{"llama", "ggml", "ggml-base"} {
		if name := libraryName(base); !slices.Contains(names, name) && !slices.Contains(names, "lib"+name) {
			missing = append(missing, name)
		}
	}
	return strings.Join(missing, ", ")
}

// localEngine is a directory of the user's own; it is looked at, never written.
type localEngine struct{ dir string }

func (p localEngine) title() string { return "engine libraries in " + p.dir }

func (p localEngine) cached() (string, string, error) {
	names, err := libraries(p.dir)
	if err != nil {
		return "", "", fmt.Errorf("--engine-lib: %w", err)
	}
	if missing := lacks(names); missing != "" {
		return "", "", fmt.Errorf("--engine-lib %s has no %s; it must hold llama.cpp %s's shared libraries under their plain names "+
			"(link libllama.so to libllama.v%s.so and so on)", p.dir, missing, LlamaVersion, LlamaVersion)
	}
	return p.dir, "", nil
}

func (p localEngine) fetch(context.Context, *session) error { return nil }
