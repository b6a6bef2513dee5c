package datacmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/vbauerster/mpb/v8/cwriter"
)

// terminal is out where somebody looks at it.
func terminal(out io.Writer) io.Writer {
	if f, ok := out.(*os.File); ok && cwriter.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}

// deliver writes data to a file by a rename, or to out where no file is named.
func deliver(name string, data []byte, out io.Writer) error {
	if name == "" {
		if _, err := out.Write(data); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already where it was renamed
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close()) //nolint:gosec // a report is for whoever may see the folder
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
