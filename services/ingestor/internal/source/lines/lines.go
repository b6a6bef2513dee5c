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
	from    int   // where the line that was given last begins in buf
	next    int   // where the one after it does
	to      int   // what of buf is filled
	offset  int64 // of buf[next] in the stream
	number  int64 // of the line that ends before next
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

// Number is that of the line which was given last, or of the last of them.
func (l *Reader) Number() int64 { return l.number }

// Next is the next line without its end (a line feed, with or without a carriage return before it), valid until the next call. Long says that the
// line is longer than allowed: what comes is how it begins, and the rest is skipped. At the end the error is io.EOF; another is the stream's.
func (l *Reader) Next() (line []byte, long bool, err error) {
	l.from = l.next
	n, err := l.find(0)
	switch {
	case err != nil:
		return nil, false, err
	case n < 0:
		return l.skip()
	case int64(n) > l.longest:
		return l.take(n)[:l.longest], true, nil
	}
	return l.take(n), false, nil
}

// More is the line that was given last together with the one after it, with the end between them as it stands there. Ok is false where there is none,
// or where both together are longer than allowed; then the next line is still to come.
func (l *Reader) More() (both []byte, ok bool, err error) {
	n, err := l.find(l.next - l.from)
	if err == io.EOF || err == nil && (n < 0 || int64(n) > l.longest) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return l.take(n), true, nil
}

// First is the first line of what was given last.
func (l *Reader) First() []byte {
	line := l.buf[l.from:l.next]
	if n := bytes.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// Back takes the lines after the first of those that More gave back: they are still to come.
func (l *Reader) Back() {
	n := bytes.IndexByte(l.buf[l.from:l.next], '\n')
	if n < 0 {
		return
	}
	l.number -= int64(bytes.Count(l.buf[l.from+n+1:l.next], []byte{'\n'}))
	if l.next > l.from+n+1 && l.buf[l.next-1] != '\n' {
		l.number--
	}
	l.offset -= int64(l.next - (l.from + n + 1))
	l.next = l.from + n + 1
}

// take is buf[from:from+n] as a line; the next one begins behind the line feed, if one follows.
func (l *Reader) take(n int) []byte {
	line := l.buf[l.from : l.from+n]
	next := min(l.from+n+1, l.to)
	l.offset += int64(next - l.next)
	l.next = next
	l.number++
	if n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// find is how long the line from l.from on is, where the first bytes of it are known to be passed over; -1: longer than allowed.
func (l *Reader) find(looked int) (int, error) {
	if l.from+looked == l.to && l.err == nil {
		l.fill()
	}
	for begin := looked; ; {
		if n := bytes.IndexByte(l.buf[l.from+looked:l.to], '\n'); n >= 0 {
			return looked + n, nil
		}
		looked = l.to - l.from
		if l.err != nil {
			if looked == begin || l.err != io.EOF {
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

// fill reads more behind what is there, and keeps that from l.from on.
func (l *Reader) fill() {
	if l.from > 0 {
		l.to = copy(l.buf, l.buf[l.from:l.to])
		l.next -= l.from
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
	head, begin := bytes.Clone(l.buf[l.from:l.from+int(min(l.longest, int64(l.to-l.from)))]), l.offset
	for {
		n := bytes.IndexByte(l.buf[l.next:l.to], '\n')
		if n >= 0 {
			l.offset += int64(n) + 1
			l.next += n + 1
			break
		}
		l.offset += int64(l.to - l.next)
		l.from, l.next = l.to, l.to
		if l.err == io.EOF {
			break
		}
		if l.err != nil {
			l.offset = begin // whoever reads on must not begin within the line
			return nil, false, l.err
		}
		l.fill()
	}
	l.from = l.next
	l.number++
	return head, true, nil
}
