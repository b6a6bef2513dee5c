package assets

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxExtracted bounds what one package may unpack to, so that a small file cannot fill the disk.
const maxExtracted = 4 << 30

// selection says which members of an archive are wanted: those below prefix, flattened to
// their base names, and only the names in keep where it is not nil.
type selection struct {
	prefix string
	keep   pins
	limit  int64 // bytes that may still be unpacked
}

// wants returns the file name for a member, and false for one that is not wanted. A member
// whose path climbs out of the archive is an error even when it is not wanted.
func (s selection) wants(member string) (string, bool, error) {
	clean := path.Clean(strings.ReplaceAll(member, `\`, "/"))
	if !filepath.IsLocal(clean) || strings.ContainsRune(clean, 0) {
		return "", false, fmt.Errorf("archive member %q points outside the archive", member)
	}
	if !strings.HasPrefix(clean, s.prefix) {
		return "", false, nil
	}
	name := path.Base(clean)
	if _, ok := s.keep[name]; s.keep != nil && !ok {
		return "", false, nil
	}
	return name, true, nil
}

// extractTar unpacks the wanted regular files of a gzipped tar into dir.
func extractTar(archive, dir string, s selection) ([]string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return extractTarFrom(f, dir, s)
}

func extractTarFrom(r io.Reader, dir string, s selection) ([]string, error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	var names []string
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		name, ok, err := s.wants(h.Name)
		if err != nil {
			return nil, err
		}
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		if err := s.write(filepath.Join(dir, name), tr); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
}

// extractZip unpacks the wanted regular files of a zip into dir.
func extractZip(archive, dir string, s selection) ([]string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return extractZipFrom(f, info.Size(), dir, s)
}

func extractZipFrom(r io.ReaderAt, size int64, dir string, s selection) ([]string, error) {
	zr, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	var names []string
	for _, m := range zr.File {
		name, ok, err := s.wants(m.Name)
		if err != nil {
			return nil, err
		}
		if !ok || !m.Mode().IsRegular() {
			continue
		}
		if err := s.writeMember(filepath.Join(dir, name), m); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

func (s *selection) writeMember(path string, m *zip.File) error {
	rc, err := m.Open()
	if err != nil {
		return fmt.Errorf("read archive member %s: %w", m.Name, err)
	}
	defer rc.Close()
	return s.write(path, rc)
}

// write copies one member to a new file; two members of one name are refused.
func (s *selection) write(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(r, s.limit+1))
	if err == nil && n > s.limit {
		err = errors.New("the archive unpacks to more than it may")
	}
	s.limit -= n
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(path), err)
	}
	return nil
}
