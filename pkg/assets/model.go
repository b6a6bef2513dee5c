package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// modelPiece is the default model: one file out of a package.
type modelPiece struct {
	src  source
	path string
}

func (p *modelPiece) title() string { return "model " + DefaultModel }

func (p *modelPiece) cached() (string, string, error) { return cachedFile(p.path) }

// cachedFile checks a file against the manifest beside it.
func cachedFile(path string) (string, string, error) {
	why, err := check(filepath.Dir(path), path+"."+manifestName)
	if err != nil || why != "" {
		return "", why, err
	}
	return path, "", nil
}

// seal records a verified file, after which it counts as complete.
func seal(path, source, sha256 string) error {
	name := filepath.Base(path)
	m, err := record(filepath.Dir(path), source, []string{name}, pins{name: sha256})
	if err != nil {
		return err
	}
	return m.write(path + "." + manifestName)
}

func (p *modelPiece) fetch(ctx context.Context, s *session) error {
	var sum string
	for _, sum = range p.src.files { // exactly one
	}
	if got, err := sha256File(p.path); err == nil && got == sum {
		return seal(p.path, p.src.String(), sum)
	}
	archive, err := s.obtain(ctx, p.src, p.title())
	if err != nil {
		return err
	}
	dir, names, err := s.unpack(archive, p.src)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what stays is swept by the next run
	if len(names) != 1 {
		return fmt.Errorf("the package %s holds %d of the wanted files, not one", p.src, len(names))
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o755); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, names[0]), p.path); err != nil {
		return err
	}
	if err := seal(p.path, p.src.String(), sum); err != nil {
		return err
	}
	return os.Remove(archive)
}

// localModel is a file of the user's own; it is looked at, never written.
type localModel struct{ path string }

func (p localModel) title() string { return "model " + p.path }

func (p localModel) cached() (string, string, error) {
	if err := checkGGUF(p.path); err != nil {
		return "", "", fmt.Errorf("--model %s: %w", p.path, err)
	}
	return p.path, "", nil
}

func (p localModel) fetch(context.Context, *session) error { return nil }

// checkGGUF refuses what cannot be a model before a native library is asked to load it.
func checkGGUF(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err) // the caller names the path
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil {
		return fmt.Errorf("no GGUF file: it cannot be read (%w)", err)
	}
	if string(magic) != "GGUF" {
		return fmt.Errorf("no GGUF file: it starts with %q; convert the model to GGUF, or name a .gguf file", magic)
	}
	return nil
}

// modelName makes a model's name from its file's.
func modelName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}
