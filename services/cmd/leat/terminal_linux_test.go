package main_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pair of a pseudo terminal: what is written to the second is read from the first.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(ours.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0), unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 160}))
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close(); _ = theirs.Close() })
	return ours, theirs
}

// On a terminal a run shows a bar for every stage, with its partitions, rows and rates.
func TestARunShowsBarsOnATerminal(t *testing.T) {
	dir, p := folder(t), up(t, "--store=file://"+filepath.Join(t.TempDir(), "store"))
	ours, theirs := terminal(t)
	c := leat(t.Context(), t, "data", "run", filepath.Join(dir, "good.yaml"), "--addr="+p.grpc)
	c.Stderr = theirs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	shown := &output{}
	_, _ = io.Copy(shown, ours) // it ends with an error when the other side is closed
	if code := c.code(t); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	for _, want := range []string{"ingest", "validate", "1/1 parts", "1,500 rows", "1,499 rows", "done"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("the terminal does not show %q:\n%q", want, shown.String())
		}
	}
	if !strings.Contains(c.out.String(), "complete") {
		t.Errorf("the end is %s", c.out.String())
	}
}
