package file

import (
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// codec is what the library has of a compression.
type codec interface {
	compress.ErrorCodec
	compress.StreamingCodec
}

// The library's Zstd and Snappy give as many bytes as the compressed data says, and a page's header has no say in it: a few bytes may ask for
// gigabytes. These replace them, in the way that the library has for it, by ones that give no more than the page has room for. The others are bounded as they are.
func init() { //nolint:gochecknoinits // the library has one map of codecs, which may only be written before anything reads it
	replace(compress.Codecs.Zstd, func(c codec) compress.Codec { return &zstdCodec{codec: c} })
	replace(compress.Codecs.Snappy, func(c codec) compress.Codec { return snappyCodec{c} })
}

func replace(name compress.Compression, by func(codec) compress.Codec) {
	old, err := compress.GetCodec(name)
	c, ok := old.(codec)
	if err != nil || !ok {
		panic(fmt.Sprintf("the Parquet library has no %s as it was known: %v", name, err))
	}
	compress.RegisterCodec(name, by(c))
}

type snappyCodec struct{ codec }

// DecodeWithError fills dst at most.
func (c snappyCodec) DecodeWithError(dst, src []byte) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return nil, err
	}
	if n > len(dst) {
		return nil, fmt.Errorf("a page of %d bytes has %d when decompressed", len(dst), n)
	}
	return c.codec.DecodeWithError(dst, src)
}

// zstdCodec has a decoder for each class of sizes, as a decoder's bound is set when it is made.
type zstdCodec struct {
	codec
	classes [4]struct {
		once    sync.Once
		decoder *zstd.Decoder
		err     error
	}
}

// DecodeWithError fills dst, or somewhat more, at most.
func (c *zstdCodec) DecodeWithError(dst, src []byte) ([]byte, error) {
	i, size := 0, 1<<20
	for size < len(dst) && i < len(c.classes)-1 {
		i, size = i+1, size<<3
	}
	class := &c.classes[i]
	class.once.Do(func() {
		class.decoder, class.err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(uint64(size)))
	})
	if class.err != nil {
		return nil, class.err
	}
	out, err := class.decoder.DecodeAll(src, dst[:0])
	if err == nil && len(out) > len(dst) {
		return nil, fmt.Errorf("a page of %d bytes has more when decompressed", len(dst))
	}
	return out, err
}
