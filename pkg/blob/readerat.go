package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// ReaderAt reads an object here and there, as formats with a footer want it, and says how long it is. Each read of a store
// that is no directory is a request of its own within ctx, so read in large pieces. The caller closes it.
func (s *Store) ReaderAt(ctx context.Context, key string) (ReadAtCloser, int64, error) {
	o, err := s.Stat(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	d, ok := s.driver.(*directory)
	if !ok {
		return &ranges{s, ctx, key, o.Bytes}, o.Bytes, nil
	}
	f, err := d.open(key)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s from %s: %w", key, s.url, err)
	}
	return f, o.Bytes, nil
}

// ReadAtCloser is what ReaderAt returns; ReadAt may be called at once from several goroutines.
type ReadAtCloser interface {
	io.ReaderAt
	io.Closer
}

var _ ReadAtCloser = (*os.File)(nil)

// ranges reads an object by ranges.
type ranges struct {
	store *Store
	ctx   context.Context // io.ReaderAt has no room for it
	key   string
	size  int64
}

func (r *ranges) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s at %d: before its start", r.key, off)
	}
	want := min(int64(len(p)), r.size-off)
	if want <= 0 {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	in, err := r.store.driver.get(r.ctx, r.key, off, want)
	if err != nil {
		return 0, fmt.Errorf("read %s from %s: %w", r.key, r.store.url, err)
	}
	defer in.Close()
	n, err := io.ReadFull(in, p[:want])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return n, fmt.Errorf("read %s from %s: it ended %d bytes early; was it replaced?", r.key, r.store.url, want-int64(n))
	}
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (r *ranges) Close() error { return nil }
