package csv

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/leathq/leat/services/ingestor/internal/source/files"
	"github.com/leathq/leat/services/ingestor/internal/source/lines"
)

// cutter cuts lines into fields as RFC 4180 has it: a field that begins with a quote ends with one, and may hold delimiters, line ends, and quotes as
// two. A quote elsewhere in a field is a character like others. One goroutine.
type cutter struct {
	delimiter byte
	quote     byte     // 0: none
	nulls     [][]byte // that are not empty
	empty     bool     // the empty field is one too
	fields    [][]byte
	scratch   []byte
}

func newCutter(o *Options) *cutter {
	c := &cutter{delimiter: o.Delimiter[0]}
	if o.Quote != none {
		c.quote = o.Quote[0]
	}
	for _, n := range *o.Nulls {
		if n == "" {
			c.empty = true
			continue
		}
		c.nulls = append(c.nulls, []byte(n))
	}
	return c
}

var errOpen = errors.New("a quote is opened and not closed")

// cut gives a record's fields, valid until the next call; nil is a null. ErrOpen says that the record goes on in the next line.
func (c *cutter) cut(line []byte) ([][]byte, error) {
	c.fields = c.fields[:0]
	if c.quote == 0 || bytes.IndexByte(line, c.quote) < 0 {
		for {
			n := bytes.IndexByte(line, c.delimiter)
			if n < 0 {
				c.add(line)
				return c.fields, nil
			}
			c.add(line[:n])
			line = line[n+1:]
		}
	}
	return c.quoted(line)
}

// add is a field without quotes.
func (c *cutter) add(f []byte) {
	if c.empty && len(f) == 0 {
		c.fields = append(c.fields, nil)
		return
	}
	for _, n := range c.nulls {
		if bytes.Equal(n, f) {
			c.fields = append(c.fields, nil)
			return
		}
	}
	c.fields = append(c.fields, f[:len(f):len(f)])
}

func (c *cutter) quoted(line []byte) ([][]byte, error) {
	if cap(c.scratch) < len(line) { // fields point into it: it must not move while they are made
		c.scratch = make([]byte, 0, 2*len(line))
	}
	c.scratch = c.scratch[:0]
	for {
		if len(line) == 0 || line[0] != c.quote {
			n := bytes.IndexByte(line, c.delimiter)
			if n < 0 {
				c.add(line)
				return c.fields, nil
			}
			c.add(line[:n])
			line = line[n+1:]
			continue
		}
		f, rest, err := c.inQuotes(line[1:])
		if err != nil {
			return nil, err
		}
		c.fields = append(c.fields, f)
		if len(rest) == 0 {
			return c.fields, nil
		}
		if rest[0] != c.delimiter {
			return nil, fmt.Errorf("field %d: after the closing quote comes %q, not %q; a quote inside quotes is written as two", len(c.fields), rest[0], c.delimiter)
		}
		line = rest[1:]
	}
}

// inQuotes is a field whose opening quote is passed, and what follows its closing one.
func (c *cutter) inQuotes(s []byte) (field, rest []byte, err error) {
	n := bytes.IndexByte(s, c.quote)
	if n < 0 {
		return nil, nil, errOpen
	}
	if n+1 == len(s) || s[n+1] != c.quote {
		return s[:n:n], s[n+1:], nil
	}
	from := len(c.scratch)
	for {
		c.scratch = append(c.scratch, s[:n]...)
		if n+1 == len(s) || s[n+1] != c.quote {
			return c.scratch[from:len(c.scratch):len(c.scratch)], s[n+1:], nil
		}
		c.scratch = append(c.scratch, c.quote)
		s = s[n+2:]
		if n = bytes.IndexByte(s, c.quote); n < 0 {
			return nil, nil, errOpen
		}
	}
}

// records gives a stream's records.
type records struct {
	*cutter
	*lines.Reader
	name    string
	longest int64
}

// bad is a record that cannot be cut: the reason to refuse it.
type bad struct{ reason string }

func (b *bad) Error() string { return b.reason }

// next is a record's fields, where it begins, and the text of it. A *bad error refuses the record; io.EOF is the end. Where a quote is never closed, or
// not within the allowed length, its line alone is bad, and the lines behind it are read as what they are.
func (r *records) next() (fields [][]byte, number int64, raw []byte, err error) {
	raw, long, err := r.Next()
	if err != nil {
		return nil, 0, nil, err
	}
	if number = r.Number(); number == 1 {
		if raw, err = files.Begin(raw, r.name); err != nil {
			return nil, 0, nil, err
		}
	}
	if long {
		return nil, number, raw, &bad{fmt.Sprintf("the line is longer than %d bytes (`max_record_bytes`)", r.longest)}
	}
	fields, err = r.cut(raw)
	switch {
	case errors.Is(err, errOpen):
		if fields, raw, err = r.goOn(raw, number); err != nil {
			return nil, number, raw, err
		}
	case err != nil:
		return nil, number, raw, &bad{err.Error()}
	}
	if bytes.IndexByte(raw, 0) >= 0 {
		return nil, number, raw, &bad{"the record holds a NUL byte; is this a text file?"}
	}
	return fields, number, raw, nil
}

// goOn adds lines until the quote is closed.
func (r *records) goOn(first []byte, number int64) ([][]byte, []byte, error) {
	for open := len(first); ; {
		both, ok, err := r.More()
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			break
		}
		if number == 1 {
			both = bytes.TrimPrefix(both, []byte("\xef\xbb\xbf"))
		}
		if !r.closes(both[min(open, len(both)):]) {
			open = len(both)
			continue
		}
		fields, err := r.cut(both) // once for every field that has line ends, not for every line
		switch {
		case err == nil:
			return fields, both, nil
		case !errors.Is(err, errOpen):
			r.Back()
			return nil, r.First(), &bad{err.Error()}
		}
		open = len(both)
	}
	r.Back()
	return nil, r.First(), &bad{fmt.Sprintf("%v within %d bytes or before the end of the file", errOpen, r.longest)}
}

// closes says whether text inside quotes holds their end.
func (c *cutter) closes(s []byte) bool {
	for {
		n := bytes.IndexByte(s, c.quote)
		if n < 0 {
			return false
		}
		if n+1 == len(s) || s[n+1] != c.quote {
			return true
		}
		s = s[n+2:]
	}
}
