package warc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/leathq/leat/services/ingestor/internal/source"
)

// record is a WARC record: its headers, by name in lower case, and its block.
type record struct {
	headers map[string]string
	block   []byte
	long    bool // the block is longer than allowed: what is here is how it begins
}

// broken is a record that cannot be read: the reason to refuse it, and what stood there.
type broken struct {
	reason string
	raw    []byte
}

func (b *broken) Error() string { return b.reason }

// scanner reads the records of a stream, which is unpacked. One goroutine.
type scanner struct {
	r       *bufio.Reader
	name    string
	offset  int64 // of what comes next
	longest int64
	buf     []byte
}

// maxHeader bounds a record's headers, in bytes.
const maxHeader = 1 << 20

func newScanner(r io.Reader, name string, offset, longest int64) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 256<<10), name: name, offset: offset, longest: longest}
}

// line is the next line with its end; what is longer than the reader's buffer is an error.
func (s *scanner) line() ([]byte, error) {
	l, err := s.r.ReadSlice('\n')
	s.offset += int64(len(l))
	if errors.Is(err, io.EOF) && len(l) > 0 {
		return l, nil
	}
	return l, err
}

// next is the next record; io.EOF is the end. A *broken record is passed over up to where the next one begins.
func (s *scanner) next() (*record, error) {
	first, err := s.version()
	if err != nil {
		return nil, err
	}
	if !isVersion(first) {
		return nil, s.resume(first, fmt.Sprintf("a record begins with %.40q, not with WARC/1.0 or WARC/1.1", bytes.TrimSpace(first)))
	}
	head := bytes.Clone(first)
	headers := map[string]string{}
	last := ""
	for {
		l, err := s.line()
		if errors.Is(err, io.EOF) || err == nil && l[len(l)-1] != '\n' {
			return nil, s.truncated("in its headers")
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		head = append(head, l...)
		text := bytes.TrimRight(l, "\r\n")
		if len(text) == 0 {
			break
		}
		name, value, ok := strings.Cut(string(text), ":")
		switch {
		case err != nil || len(head) > maxHeader:
			return nil, s.resume(head, fmt.Sprintf("the record's headers are longer than %d bytes", maxHeader))
		case (text[0] == ' ' || text[0] == '\t') && last != "":
			headers[last] += " " + strings.TrimSpace(string(text))
		case !ok:
			return nil, s.resume(head, fmt.Sprintf("the record has a header without a colon: %.80q", text))
		default:
			last = strings.ToLower(strings.TrimSpace(name))
			headers[last] = strings.TrimSpace(value)
		}
	}
	n, err := strconv.ParseInt(headers["content-length"], 10, 64)
	if err != nil || n < 0 {
		return nil, s.resume(head, fmt.Sprintf("the record's Content-Length is %q", headers["content-length"]))
	}
	return s.body(&record{headers: headers}, n)
}

func isVersion(line []byte) bool { return bytes.HasPrefix(line, []byte("WARC/1.")) }

// version is the first line that is not empty.
func (s *scanner) version() ([]byte, error) {
	for {
		l, err := s.line()
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if len(bytes.TrimSpace(l)) > 0 {
			return l, nil
		}
	}
}

func (s *scanner) body(r *record, n int64) (*record, error) {
	kept := min(n, s.longest)
	r.long = kept < n
	if r.long {
		kept = min(kept, source.MaxRaw)
	}
	if int64(cap(s.buf)) < kept {
		// A length that is not true must not take memory for what is not there.
		s.buf = make([]byte, 0, min(kept, 1<<20))
	}
	b := bytes.NewBuffer(s.buf[:0])
	got, err := io.CopyN(b, s.r, kept)
	s.offset += got
	s.buf = b.Bytes()
	if err == nil {
		var dropped int64
		dropped, err = io.CopyN(io.Discard, s.r, n-kept)
		s.offset += dropped
	}
	if errors.Is(err, io.EOF) {
		return nil, s.truncated(fmt.Sprintf("in a record of %d bytes", n))
	}
	r.block = b.Bytes()
	return r, err
}

func (s *scanner) truncated(where string) error {
	return source.Errorf(source.Truncated, "%s ends %s, after %d unpacked bytes; get a whole copy of it", s.name, where, s.offset)
}

// resume passes over what is not a record, up to the line with which one begins.
func (s *scanner) resume(raw []byte, reason string) error {
	raw = bytes.Clone(raw)
	for {
		next, err := s.r.Peek(7)
		if err == nil && isVersion(next) || len(next) == 0 {
			return &broken{reason, raw}
		}
		l, err := s.line()
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				return &broken{reason, raw}
			}
			return err
		}
		if len(raw) < source.MaxRaw {
			raw = append(raw, l...)
		}
	}
}
