package assets_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leathq/leat/pkg/assets"
)

// member is one entry of a hostile archive.
type member struct {
	name string
	kind byte // a tar type
	body string
}

func hostileTar(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	tw := tar.NewWriter(gz)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Typeflag: m.kind, Mode: 0o777}
		if m.kind == tar.TypeReg {
			h.Size = int64(len(m.body))
		} else {
			h.Linkname = m.body
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if m.kind == tar.TypeReg {
			_, _ = tw.Write([]byte(m.body))
		}
	}
	_ = tw.Close()
	_ = gz.Close()
	return out.Bytes()
}

func hostileZip(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.kind == tar.TypeSymlink {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := zw.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(m.body))
	}
	_ = zw.Close()
	return out.Bytes()
}

// inside fails when anything but plain files of the expected directory is to be seen around it.
func inside(t *testing.T, around, dir string) {
	t.Helper()
	err := filepath.WalkDir(around, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (path == around || path == dir) {
			return nil
		}
		if filepath.Dir(path) != dir || !d.Type().IsRegular() {
			t.Errorf("the archive made %s (%s)", path, d.Type())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const testLimit = 1 << 20

type extractor func(b []byte, dir string) ([]string, error)

func fromTar(b []byte, dir string) ([]string, error) {
	return assets.ExtractTar(bytes.NewReader(b), dir, testLimit)
}

func fromZip(b []byte, dir string) ([]string, error) {
	return assets.ExtractZip(bytes.NewReader(b), int64(len(b)), dir, testLimit)
}

// No archive writes outside the directory, makes a link, overwrites, or fills the disk.
func TestExtractHostileArchives(t *testing.T) {
	reg, link := byte(tar.TypeReg), byte(tar.TypeSymlink)
	for _, tc := range []struct {
		name    string
		members []member
		fails   bool
		files   int
	}{
		{"plain", []member{{"package/a", reg, "x"}, {"other/b", reg, "y"}}, false, 1},
		{"climbs", []member{{"package/../../evil", reg, "x"}}, true, 0},
		{"climbs, not wanted", []member{{"../evil", reg, "x"}}, true, 0},
		{"absolute", []member{{"/tmp/evil", reg, "x"}}, true, 0},
		{"backslashes", []member{{`package\..\..\evil`, reg, "x"}}, true, 0},
		{"link out", []member{{"package/l", link, "/etc"}, {"package/l/passwd", reg, "x"}}, false, 1},
		{"twice", []member{{"package/a", reg, "x"}, {"package/d/a", reg, "y"}}, true, 1},
		{"bomb", []member{{"package/a", reg, strings.Repeat("0", testLimit/2+1)}, {"package/b", reg, strings.Repeat("0", testLimit/2)}}, true, 2},
	} {
		for kind, archive := range map[string][]byte{"tar": hostileTar(t, tc.members...), "zip": hostileZip(t, tc.members...)} {
			t.Run(tc.name+"/"+kind, func(t *testing.T) {
				around := t.TempDir()
				dir := filepath.Join(around, "in")
				if err := os.Mkdir(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				extract := extractor(fromTar)
				if kind == "zip" {
					extract = fromZip
				}
				_, err := extract(archive, dir)
				if (err != nil) != tc.fails {
					t.Errorf("error: %v", err)
				}
				inside(t, around, dir)
				if files, _ := os.ReadDir(dir); len(files) != tc.files {
					t.Errorf("%d files, want %d", len(files), tc.files)
				}
			})
		}
	}
}

func fuzzExtract(t *testing.T, b []byte, extract extractor) {
	around := t.TempDir()
	dir := filepath.Join(around, "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	names, err := extract(b, dir)
	inside(t, around, dir)
	for _, name := range names {
		if err == nil && filepath.Base(name) != name {
			t.Errorf("the name %q is a path", name)
		}
	}
}

func FuzzExtractTar(f *testing.F) {
	f.Add(hostileTar(f, member{"package/a", tar.TypeReg, "x"}))
	f.Add(hostileTar(f, member{"package/../../a", tar.TypeReg, "x"}, member{"package/l", tar.TypeSymlink, "/etc"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		// The fuzzer's bytes are the tar itself too: a mutated gzip rarely gets past its checksum.
		fuzzExtract(t, b, fromTar)
		var gz bytes.Buffer
		w := gzip.NewWriter(&gz)
		_, _ = w.Write(b)
		_ = w.Close()
		fuzzExtract(t, gz.Bytes(), fromTar)
	})
}

func FuzzExtractZip(f *testing.F) {
	f.Add(hostileZip(f, member{"package/a", tar.TypeReg, "x"}))
	f.Add(hostileZip(f, member{"package/../../a", tar.TypeReg, "x"}, member{"package/l", tar.TypeSymlink, "/etc"}))
	f.Fuzz(func(t *testing.T, b []byte) { fuzzExtract(t, b, fromZip) })
}

// A client's report and a manifest on disk are read without a panic, whatever they hold.
func FuzzReadJSON(f *testing.F) {
	f.Add([]byte(`{"install":[{"download_info":{"url":"u","archive_info":{"hashes":{"sha256":"00"}}}}]}`))
	f.Add([]byte(`{"source":"x","files":{"../../etc/passwd":{"size":1}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = assets.ParsePipReport(b)
		dir := t.TempDir()
		path := filepath.Join(dir, "manifest.json")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if why, err := assets.CheckManifest(dir, path); err == nil && why == "" {
			t.Fatalf("a manifest of files that are not there is accepted: %s", b)
		}
	})
}
