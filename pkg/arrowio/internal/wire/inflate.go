package wire

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// inflate decompresses a buffer: eight bytes say how long it will be, -1 that it is not compressed. Memory grows with what really comes out, up to
// what was said and to the limit.
func (l *loader) inflate(b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, malformed("", "a compressed buffer of %d bytes", len(b))
	}
	n := int64(binary.LittleEndian.Uint64(b))
	if n == -1 {
		return b[8:], nil
	}
	if n < 0 {
		return nil, malformed("", "a buffer that decompresses to %d bytes", n)
	}
	if l.inflated += n; over(l.inflated, l.limits.MaxBytes) {
		return nil, &LimitError{What: "bytes of a batch when decompressed", Is: l.inflated, Limit: l.limits.MaxBytes}
	}
	in := io.Reader(lz4.NewReader(bytes.NewReader(b[8:])))
	if l.h.codec == 1 {
		z, err := zstd.NewReader(bytes.NewReader(b[8:]), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, malformed("", "decompress a buffer: %v", err)
		}
		defer z.Close()
		in = z
	}
	out, err := grow(in, n)
	if err != nil {
		return nil, malformed("", "decompress a buffer: %v", err)
	}
	if int64(len(out)) != n {
		return nil, malformed("", "a buffer that decompresses to %d bytes, not the %d that it says", len(out), n)
	}
	return out, nil
}

// grow reads at most n bytes, taking memory as they come: a short input may say that it is long.
func grow(in io.Reader, n int64) ([]byte, error) {
	out := make([]byte, 0, min(n, 1<<20))
	for int64(len(out)) < n {
		if len(out) == cap(out) {
			bigger := make([]byte, len(out), min(n, 2*int64(cap(out))))
			copy(bigger, out)
			out = bigger
		}
		k, err := in.Read(out[len(out):cap(out)])
		out = out[:len(out)+k]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
