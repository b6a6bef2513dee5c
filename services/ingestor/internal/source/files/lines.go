package files

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/leathq/leat/services/ingestor/internal/source"
	"github.com/leathq/leat/services/ingestor/internal/source/lines"
)

// Begin takes a byte order mark off the beginning of a text; that of UTF-16 is an error.
func Begin(b []byte, name string) ([]byte, error) {
	if bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return nil, source.Errorf(source.Malformed, "%s is UTF-16, and only UTF-8 is read; convert it, for instance with iconv -f UTF-16 -t UTF-8", name)
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), nil
}

// ByLines cuts a file where lines begin: a plain one into units of about size bytes, a packed one not at all. It reads the file through where it cuts
// it, to know the numbers of lines.
func ByLines(ctx context.Context, in Input, f File, size int64) ([]Unit, error) {
	c, err := Packed(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	n := (f.Size() + size/2) / max(size, 1)
	if c != Plain || n < 2 {
		return []Unit{{Bytes: f.Size()}}, nil
	}
	var out []Unit
	s := &scanner{ctx: ctx, f: f, buf: make([]byte, 1<<20)}
	for from := int64(0); from < f.Size(); from = s.at {
		u := Unit{From: from, Line: s.lines}
		if err := s.to(from + f.Size()/n); err != nil {
			return nil, fmt.Errorf("%s: %w", in.Name, err)
		}
		u.To = s.at
		u.Bytes = u.To - u.From
		out = append(out, u)
	}
	return out, nil
}

// scanner counts lines.
type scanner struct {
	ctx   context.Context
	f     File
	buf   []byte
	at    int64
	lines int64
}

// to moves to the first beginning of a line at or after an offset, or to the end.
func (s *scanner) to(offset int64) error {
	for s.at < s.f.Size() {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		b := s.buf[:min(int64(len(s.buf)), s.f.Size()-s.at)]
		if s.at < offset-1 {
			b = b[:min(int64(len(b)), offset-1-s.at)]
		}
		if _, err := s.f.ReadAt(b, s.at); err != nil && err != io.EOF {
			return err
		}
		if s.at >= offset-1 {
			if n := bytes.IndexByte(b, '\n'); n >= 0 {
				s.at, s.lines = s.at+int64(n)+1, s.lines+1
				return nil
			}
		}
		s.lines += int64(bytes.Count(b, []byte{'\n'}))
		s.at += int64(len(b))
	}
	return nil
}

// Lines reads a unit's lines. A Reader of a format embeds it.
type Lines struct {
	*lines.Reader
	unpacked io.ReadCloser
}

// OpenLines reads a unit from a place on; a longer line comes cut.
func OpenLines(f File, u Unit, at Place, longest int64) (*Lines, error) {
	if at == (Place{}) {
		at = Place{Offset: u.From, Line: u.Line}
	}
	r, err := Unpack(f, u.File, at.Offset, u.To)
	if err != nil {
		return nil, err
	}
	return &Lines{Reader: lines.NewReader(r, at.Offset, at.Line, longest), unpacked: r}, nil
}

// Place implements Reader.
func (l *Lines) Place() Place { return Place{Offset: l.Offset(), Line: l.Number()} }

// Close implements Reader.
func (l *Lines) Close() error { return l.unpacked.Close() }
