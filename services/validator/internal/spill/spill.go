// Package spill keeps what a state cannot hold in memory in files until it is asked for. Files are scratch: they do not outlive the process's use of them and are never a result.
package spill

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// Space makes runs. Its Create may be called by several states at once.
type Space interface {
	// Create returns an empty run. An error says where there was no room.
	Create() (Run, error)
}

// Run is a file that is written once, from its beginning, and then read as often as wanted. Not for concurrent use.
type Run interface {
	io.Writer
	// Open ends the writing and returns the run's bytes from their beginning. The caller closes it.
	Open() (io.ReadCloser, error)
	// Remove gives the run's room back; the run cannot be used after that. It may be called while a reader is open.
	Remove() error
}

// ErrNone says that a state has outgrown its bound and was given no Space.
var ErrNone = errors.New("the bound on memory is reached and there is no scratch space: give one or raise the bound")

// Dir makes runs as files of a directory, which must be there.
type Dir string

// Create returns an empty run.
func (d Dir) Create() (Run, error) {
	f, err := os.CreateTemp(string(d), "run-*")
	if err != nil {
		return nil, fmt.Errorf("create a scratch file in %s: %w", d, err)
	}
	return &file{f: f, w: bufio.NewWriterSize(f, 64<<10)}, nil
}

type file struct {
	f *os.File
	w *bufio.Writer
}

func (r *file) Write(p []byte) (int, error) {
	if r.w == nil {
		return 0, fmt.Errorf("write scratch file %s: it is being read already", r.f.Name())
	}
	return r.w.Write(p)
}

func (r *file) Open() (io.ReadCloser, error) {
	if r.w != nil {
		if err := r.w.Flush(); err != nil {
			return nil, fmt.Errorf("write scratch file: %w", err)
		}
		r.w = nil
	}
	f, err := os.Open(r.f.Name())
	if err != nil {
		return nil, fmt.Errorf("read scratch file: %w", err)
	}
	return f, nil
}

func (r *file) Remove() error {
	return errors.Join(r.f.Close(), os.Remove(r.f.Name()))
}
