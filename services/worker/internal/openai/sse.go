package openai

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/services/worker/internal/openai/h1"
)

// sseReader cuts an upstream's event stream into the data of its events, wherever the reads are split. Comments,
// heartbeats and the fields event, id and retry are passed over; so is a byte order mark. Lines end with LF or CR LF.
type sseReader struct {
	r     io.Reader
	buf   []byte
	start int // of what is still needed
	pos   int // of the next line
	end   int
	from  int // data of the event in hand: buf[from:to]; from < 0: none yet
	to    int
	multi []byte // data of an event with several data lines
	max   int
	err   error
	fresh bool
	again bool   // the last call found only a part of an event
	idle  func() // called before every read, which may block
}

// errEventSize says that an event is larger than the limit.
var errEventSize = errors.New("an event of the upstream's stream is too large")

func (s *sseReader) reset(r io.Reader, buf []byte, limit int, idle func()) {
	*s = sseReader{r: r, buf: buf, from: -1, max: limit, multi: s.multi[:0], fresh: true, idle: idle}
}

// next returns the data of the next event; it is valid until the next call. io.EOF is the end of the stream; a last
// event without its blank line is handed out before it. h1.ErrAgain, of a reader that does not wait, is not the end.
func (s *sseReader) next() ([]byte, error) {
	if !s.again {
		s.from, s.multi = -1, s.multi[:0]
		s.start = s.pos
	}
	s.again = false
	for {
		n := bytes.IndexByte(s.buf[s.pos:s.end], '\n')
		if n < 0 {
			if s.err == nil {
				s.fill()
				continue
			}
			if s.err == h1.ErrAgain {
				s.err, s.again = nil, true
				return nil, h1.ErrAgain
			}
			if s.err == io.EOF && s.pos < s.end {
				s.line(s.pos, s.end)
				s.pos = s.end
			}
			if data := s.data(); data != nil && s.err == io.EOF {
				return data, nil
			}
			return nil, s.err
		}
		from := s.pos
		s.pos += n + 1
		if s.line(from, s.pos-1) {
			if data := s.data(); data != nil {
				return data, nil
			}
		}
		if s.from < 0 {
			s.start = s.pos
		}
	}
}

// line takes one line; it returns true for the blank one that ends an event.
func (s *sseReader) line(from, to int) (blank bool) {
	if s.fresh {
		s.fresh = false
		if bytes.HasPrefix(s.buf[from:to], []byte("\xef\xbb\xbf")) {
			from += 3
		}
	}
	if to > from && s.buf[to-1] == '\r' {
		to--
	}
	line := s.buf[from:to]
	if len(line) == 0 {
		return true
	}
	if !bytes.HasPrefix(line, []byte("data:")) {
		return false
	}
	from += 5
	if from < to && s.buf[from] == ' ' {
		from++
	}
	if s.from < 0 {
		s.from, s.to = from, to
		return false
	}
	if len(s.multi) == 0 {
		s.multi = append(s.multi, s.buf[s.from:s.to]...)
	}
	s.multi = append(append(s.multi, '\n'), s.buf[from:to]...)
	return false
}

// data is what the event in hand carries; nil where it carries nothing.
func (s *sseReader) data() []byte {
	if s.from < 0 {
		return nil
	}
	if len(s.multi) > 0 {
		return s.multi
	}
	return s.buf[s.from:s.to]
}

// fill reads once more, moving what is still needed to the front or into a larger buffer where it must.
func (s *sseReader) fill() {
	if s.start == s.end && s.from < 0 {
		s.start, s.pos, s.end = 0, 0, 0 // the same few cache lines again: going through the buffer cost 5 % with 1,000 streams
	}
	if s.end == len(s.buf) {
		kept := s.end - s.start
		if kept+len(s.multi) > s.max {
			s.err = fmt.Errorf("%w: more than %d bytes", errEventSize, s.max)
			return
		}
		into := s.buf
		if kept > len(s.buf)/2 {
			into = make([]byte, 2*len(s.buf))
		}
		copy(into, s.buf[s.start:s.end])
		s.buf, s.pos, s.end = into, s.pos-s.start, kept
		if s.from >= 0 {
			s.from, s.to = s.from-s.start, s.to-s.start
		}
		s.start = 0
	}
	s.idle()
	n, err := s.r.Read(s.buf[s.end:])
	s.end += n
	s.err = err
}
