package sdk_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/leathq/leat/services/ingestor/sources/sdk"
)

func TestOnlyFilesBelowTheRootsAreReadable(t *testing.T) {
	top := t.TempDir()
	open, closed := filepath.Join(top, "open"), filepath.Join(top, "open-not")
	for _, dir := range []string{open, closed} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "a.db"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(closed, "a.db"), filepath.Join(open, "leak.db")); err != nil {
		t.Fatal(err)
	}
	if err := sdk.Readable(filepath.Join(closed, "a.db")); err != nil || sdk.Bounded() {
		t.Errorf("without bounds: %v", err)
	}
	t.Setenv("LEAT_SOURCE_PATHS", open)
	for name, may := range map[string]bool{"open/a.db": true, "open/not-there.db": true, "open-not/a.db": false, "open/leak.db": false, "open/../open-not/a.db": false} {
		if err := sdk.Readable(filepath.Join(top, name)); (err == nil) != may {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("LEAT_SOURCE_PATHS", "")
	if sdk.Readable(filepath.Join(open, "a.db")) == nil {
		t.Error("with no directory that may be read, a file may")
	}
}
