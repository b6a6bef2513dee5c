package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"sync"

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
	in, done, err := decompressor(l.h.codec, b[8:])
	if err != nil {
		return nil, malformed("", "decompress a buffer: %v", err)
	}
	defer done()
	out, err := grow(in, n)
	if err != nil {
		return nil, malformed("", "decompress a buffer: %v", err)
	}
	if int64(len(out)) != n {
		return nil, malformed("", "a buffer that decompresses to %d bytes, not the %d that it says", len(out), n)
	}
	return out, nil
}

// Decompressors are kept: making one takes longer than most buffers do.
var lz4s, zstds sync.Pool

// decompressor reads what data stands for; done gives it back.
func decompressor(codec int, data []byte) (in io.Reader, done func(), err error) {
	if codec == 0 {
		z, ok := lz4s.Get().(*lz4.Reader)
		if !ok {
			z = lz4.NewReader(nil)
		}
		z.Reset(bytes.NewReader(data))
		return z, func() { lz4s.Put(z) }, nil
	}
	z, ok := zstds.Get().(*zstd.Decoder)
	if !ok {
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(256<<20))
	}
	if err == nil {
		err = z.Reset(bytes.NewReader(data))
	}
	return z, func() { zstds.Put(z) }, err
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
