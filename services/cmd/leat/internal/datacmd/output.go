package datacmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// deliver has write fill a file, which is whole or not there, or out where no file is named.
func deliver(name string, out io.Writer, write func(io.Writer) error) error {
	if name == "" {
		if err := buffered(out, write); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
		return nil
	}
	into := name
	if real, err := filepath.EvalSymlinks(name); err == nil {
		into = real // a link stays one
	}
	if there, err := os.Stat(name); err == nil && !there.Mode().IsRegular() {
		return fill(name, write) // /dev/null, say
	}
	f, err := os.CreateTemp(filepath.Dir(into), "."+filepath.Base(into)+"-")
	if err != nil {
		return unwritten(name, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()                       // gone already where it was renamed
	err = errors.Join(buffered(f, write), f.Chmod(0o644), f.Close()) //nolint:gosec // a report is for whoever may see the folder
	if err == nil {
		err = os.Rename(f.Name(), into)
	}
	if err != nil {
		return unwritten(name, err)
	}
	return nil
}

// unwritten says why there is no file of that name. Names of files that were to become it would be news to the user.
func unwritten(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("write %s: %w", name, err)
}

// fill has write fill something that is there and no file.
func fill(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(buffered(f, write), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func buffered(out io.Writer, write func(io.Writer) error) error {
	b := bufio.NewWriter(out)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}
