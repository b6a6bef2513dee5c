package file

import (
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/pkg/arrowio/internal/wire"
)

// file is where messages lie. Nothing larger than what is left of it, or than its limit, is read.
type file struct {
	r      io.ReaderAt
	size   int64
	limits arrowio.Limits
}

func (f file) read(from, n int64) ([]byte, error) {
	if n > f.size-from {
		return nil, &arrowio.MalformedError{What: fmt.Sprintf("%d bytes are wanted at %d of %d: the file is cut off", n, from, f.size)}
	}
	if l := f.limits.MaxBytes; l > 0 && n > l {
		return nil, &arrowio.LimitError{What: "bytes of one batch in the file", Is: n, Limit: l, Remedy: "write it in smaller batches (pyarrow: chunksize=65536), or raise the limit"}
	}
	b := make([]byte, n)
	if k, err := f.r.ReadAt(b, from); int64(k) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = &arrowio.MalformedError{What: fmt.Sprintf("the file ended at %d of %d bytes: it was cut while it was read", from+int64(k), f.size)}
		}
		return nil, err
	}
	return b, nil
}

// message reads the message at from, and says where the next one is; nil is the end.
func (f file) message(from int64) (*wire.Message, int64, error) {
	if from >= f.size {
		return nil, from, nil
	}
	head, err := f.read(from, min(8, f.size-from))
	if err != nil {
		return nil, 0, err
	}
	before, n, end, err := wire.Prefix(head)
	if err != nil || end {
		return nil, 0, err
	}
	meta, err := f.read(from+int64(before), int64(n))
	if err != nil {
		return nil, 0, err
	}
	m, size, err := wire.Header(meta)
	if err != nil {
		return nil, 0, err
	}
	from += int64(before + n)
	body, err := f.read(from, size)
	if err != nil {
		return nil, 0, err
	}
	return m.WithBody(body), from + size, nil
}

// stream gives messages one after another.
type stream struct {
	file
	at int64
}

func (s *stream) next() (*wire.Message, error) {
	m, at, err := s.message(s.at)
	s.at = at
	return m, err
}

// indexed gives the messages that a footer names.
type indexed struct {
	file
	blocks []wire.Block
}

func (s *indexed) next() (*wire.Message, error) {
	if len(s.blocks) == 0 {
		return nil, nil
	}
	b := s.blocks[0]
	s.blocks = s.blocks[1:]
	m, _, err := s.message(b.From)
	if err == nil && m == nil {
		err = &arrowio.MalformedError{What: fmt.Sprintf("there is no message at %d, where the footer says one is", b.From)}
	}
	return m, err
}
