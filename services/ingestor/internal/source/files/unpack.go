package files

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Compression is how a file is packed.
type Compression string

// The compressions. A file says itself which it has: its first bytes tell, its name does not matter.
const (
	Plain Compression = ""
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
	Bzip2 Compression = "bzip2"
)

// Packed looks at a file's first bytes.
func Packed(f File) (Compression, error) {
	head := make([]byte, 10)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return Plain, err
	}
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return Gzip, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd, nil
	case n == 10 && bytes.HasPrefix(head, []byte("BZh")) && (bytes.Equal(head[4:], []byte("1AY&SY")) || bytes.Equal(head[4:], []byte{0x17, 0x72, 0x45, 0x38, 0x50, 0x90})):
		return Bzip2, nil
	}
	return Plain, nil
}

// maxWindow bounds what unpacking zstd holds, in bytes: what its own command refuses to go beyond unless told.
const maxWindow = 128 << 20

// Unpack reads a file's content from an offset in it on; in a packed file what is before the offset is unpacked and dropped. To bounds a plain file,
// 0 being its end. Errors of the reader are *source.Error and name the file.
func Unpack(f File, name string, from, to int64) (io.ReadCloser, error) {
	c, err := Packed(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if to == 0 {
		to = f.Size()
	}
	if c == Plain {
		return io.NopCloser(io.NewSectionReader(f, from, to-from)), nil
	}
	u := &unpacked{name: name, kind: c}
	raw := bufio.NewReaderSize(io.NewSectionReader(f, 0, f.Size()), 1<<20)
	switch c {
	case Gzip:
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, u.explain(err)
		}
		u.r, u.close = z, z.Close
	case Zstd:
		z, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, u.explain(err)
		}
		u.r, u.close = z, func() error { z.Close(); return nil }
	case Bzip2:
		u.r, u.close = bzip2.NewReader(raw), func() error { return nil }
	}
	if _, err := io.CopyN(io.Discard, u, from); err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

type unpacked struct {
	name  string
	kind  Compression
	r     io.Reader
	n     int64
	close func() error
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	if err != nil && err != io.EOF {
		err = u.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (u *unpacked) Close() error { return u.close() }

func (u *unpacked) explain(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return source.Errorf(source.Truncated, "%s: the %s file ends before its content is complete, after %d unpacked bytes; get a whole copy of it", u.name, u.kind, u.n)
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return source.Errorf(source.TooLarge, "%s: unpacking it takes a window over %d MiB; pack it again without --long", u.name, maxWindow>>20)
	}
	return source.Errorf(source.Malformed, "%s: the %s file is damaged after %d unpacked bytes (%w); get a whole copy of it", u.name, u.kind, u.n, err)
}
