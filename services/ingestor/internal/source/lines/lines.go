// Package lines cuts a stream of bytes into lines in bounded memory. It knows no format.
package lines

import (
	"bytes"
	"io"
)

// Reader reads lines. It is used by one goroutine.
type Reader struct {
	r       io.Reader
	buf     []byte
	from    int   // what is read of buf
	to      int   // what is filled of it
	offset  int64 // of buf[from] in the stream
	number  int64 // of the line before
	longest int64
	err     error // of r
}

const block = 256 << 10

// NewReader reads r, whose first byte is at an offset and begins the line after the one with a number. A line longer than longest bytes comes cut.
func NewReader(r io.Reader, offset, number, longest int64) *Reader {
	return &Reader{r: r, buf: make([]byte, block), offset: offset, number: number, longest: longest}
}

// Offset is where the next line begins.
func (l *Reader) Offset() int64 { return l.offset }

// Number is that of the line which Next gave last.
func (l *Reader) Number() int64 { return l.number }

// Next is the next line without its end (a line feed, with or without a carriage return before it), valid until the next call. Long says that the
// line is longer than allowed: what comes is how it begins, and the rest is skipped. At the end the error is io.EOF; another is the stream's.
func (l *Reader) Next() (line []byte, long bool, err error) {
	n, err := l.find()
	switch {
	case err != nil:
		return nil, false, err
	case n < 0:
		return l.skip()
	}
	line = l.buf[l.from : l.from+n]
	l.take(n + 1)
	l.number++
	return trim(line), false, nil
}

func trim(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// take moves past n bytes, or to the end where a last line has no line feed.
func (l *Reader) take(n int) {
	n = min(n, l.to-l.from)
	l.from += n
	l.offset += int64(n)
}

// find is how long the next line is; -1: longer than allowed.
func (l *Reader) find() (int, error) {
	for looked := 0; ; {
		if n := bytes.IndexByte(l.buf[l.from+looked:l.to], '\n'); n >= 0 {
			return looked + n, nil
		}
		looked = l.to - l.from
		if l.err != nil {
			if looked == 0 || l.err != io.EOF {
				return 0, l.err
			}
			return looked, nil
		}
		if int64(looked) > l.longest {
			return -1, nil
		}
		l.fill()
	}
}

// fill reads more behind what is not taken yet.
func (l *Reader) fill() {
	if l.from > 0 {
		l.to = copy(l.buf, l.buf[l.from:l.to])
		l.from = 0
	}
	if l.to == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	for l.err == nil {
		n, err := l.r.Read(l.buf[l.to:])
		l.to += n
		l.err = err
		if n > 0 {
			return
		}
	}
}

// skip gives the beginning of a line that is too long, and moves past its end.
func (l *Reader) skip() ([]byte, bool, error) {
	head := bytes.Clone(l.buf[l.from : l.from+int(min(l.longest, int64(l.to-l.from)))])
	for {
		n := bytes.IndexByte(l.buf[l.from:l.to], '\n')
		if n >= 0 {
			l.take(n + 1)
			break
		}
		l.take(l.to - l.from)
		if l.err == io.EOF {
			break
		}
		if l.err != nil {
			return nil, false, l.err
		}
		l.fill()
	}
	l.number++
	return head, true, nil
}
