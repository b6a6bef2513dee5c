package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// lined reads a file whose lines or paragraphs are rows.
type lined struct {
	rows
	*files.Lines
	text  []byte
	place files.Place // where the row begins that comes next
}

// Place implements files.Reader.
func (l *lined) Place() files.Place { return l.place }

// Fill implements files.Reader.
func (l *lined) Fill(_ context.Context, s *table.Sink) error {
	for !s.Full() {
		next := l.line
		if l.format.Each == paragraph {
			next = l.paragraph
		}
		err := next(s)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		l.place = l.Lines.Place()
		if err != nil {
			return err
		}
	}
	return nil
}

// one is the next line, without a byte order mark.
func (l *lined) one() ([]byte, bool, error) {
	b, long, err := l.Next()
	if err == nil && l.Number() == 1 {
		b, err = files.Begin(b, l.name)
	}
	return b, long, err
}

func (l *lined) line(s *table.Sink) error {
	b, long, err := l.one()
	if err != nil {
		return err
	}
	l.row(s, l.Number(), b, long)
	return nil
}

func (l *lined) row(s *table.Sink, number int64, text []byte, long bool) {
	switch {
	case long:
		s.Reject(number, fmt.Sprintf("the %s is longer than %d bytes (`max_record_bytes`)", l.format.Each, s.Limits().Record), text)
	case bytes.IndexByte(text, 0) >= 0:
		s.Reject(number, "the text holds a NUL byte; is this a text file?", text)
	case len(bytes.TrimSpace(text)) > 0:
		l.put(s, number, text, []byte(l.rows.name), fmt.Append(nil, number), text)
	}
}

// paragraph reads up to the next empty line, so that a chunk ends between paragraphs.
func (l *lined) paragraph(s *table.Sink) error {
	l.text = l.text[:0]
	first, tooLong := int64(0), false
	for {
		b, long, err := l.one()
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		if ended || len(bytes.TrimSpace(b)) == 0 {
			if first > 0 {
				l.row(s, first, l.text, tooLong)
			}
			if ended {
				return io.EOF
			}
			return nil
		}
		if first == 0 {
			first = l.Number()
		} else if !tooLong {
			l.text = append(l.text, '\n')
		}
		tooLong = tooLong || long || int64(len(l.text)+len(b)) > s.Limits().Record
		if !tooLong || len(l.text) == 0 {
			l.text = append(l.text, b...)
		}
	}
}
