package distinct

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/leathq/leat/services/validator/internal/spill"
)

const partitions = 64

// files are a table's entries cut by hash. They are written until they are read; after that a state begins others.
type files struct {
	runs [partitions]spill.Run
	read bool
}

// partition says in which file a value lies. Its seed is fixed, so that what a state writes does not depend on the process.
func partition(value []byte) int { return int(xxh3.HashSeed(value, 0x6c656174) >> 58) }

// bound moves everything to scratch files where the table has outgrown its bound.
func (s *State) bound() error {
	if s.memory() <= s.options.Bytes || len(s.list) == 0 {
		return nil
	}
	return s.flush()
}

// flush moves all entries to scratch files and begins the table anew. Digests cannot be: of a text that is in two files as one, nobody has the bytes.
func (s *State) flush() error {
	if s.options.Digests {
		return ErrOutgrown
	}
	out, err := s.writing()
	if err != nil {
		return err
	}
	var buffer []byte
	for e, rows := range s.entries() {
		x := Entry{Value: s.value(e), Count: s.list[e].count, First: s.list[e].first, Repeats: rows}
		if buffer, err = out.write(x, buffer); err != nil {
			return err
		}
	}
	s.table, s.texts = table{}, texts{}
	s.list, s.repeats = s.list[:0], nil
	return nil
}

// writing returns files that can be written to.
func (s *State) writing() (*files, error) {
	if n := len(s.files); n > 0 && !s.files[n-1].read {
		return s.files[n-1], nil
	}
	if s.options.Space == nil {
		return nil, fmt.Errorf("count distinct values (%d in memory): %w", len(s.list), spill.ErrNone)
	}
	f := &files{}
	for i := range f.runs {
		run, err := s.options.Space.Create()
		if err != nil {
			return nil, errors.Join(err, f.remove())
		}
		f.runs[i] = run
	}
	s.files = append(s.files, f)
	return f, nil
}

func (f *files) remove() error {
	var err error
	for _, r := range f.runs {
		if r != nil {
			err = errors.Join(err, r.Remove())
		}
	}
	return err
}

func (f *files) write(x Entry, buffer []byte) ([]byte, error) {
	b := appendEntry(buffer[:0], x)
	if _, err := f.runs[partition(x.Value)].Write(b); err != nil {
		return b, fmt.Errorf("write distinct values to scratch space: %w", err)
	}
	return b, nil
}

func appendEntry(b []byte, x Entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(x.Value)))
	b = append(b, x.Value...)
	b = binary.AppendUvarint(b, x.Count)
	b = binary.AppendUvarint(b, x.First)
	b = binary.AppendUvarint(b, uint64(len(x.Repeats)))
	last := x.First
	for _, row := range x.Repeats {
		b = binary.AppendUvarint(b, row-last)
		last = row
	}
	return b
}

// adopt copies the entries of another state's files, their rows shifted.
func (s *State) adopt(from *files, shift uint64) error {
	out, err := s.writing()
	if err != nil {
		return err
	}
	var buffer []byte
	for p := range from.runs {
		err := from.each(p, func(x Entry) error {
			x.First += shift
			for i := range x.Repeats {
				x.Repeats[i] += shift
			}
			buffer, err = out.write(x, buffer)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each reads a partition's entries; each is valid until the next.
func (f *files) each(p int, yield func(Entry) error) (err error) {
	f.read = true
	file, err := f.runs[p].Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := &entryReader{r: bufio.NewReaderSize(file, 64<<10)}
	for {
		x, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read distinct values from scratch space: %w", err)
		}
		if err := yield(x); err != nil {
			return err
		}
	}
}

// entryReader reads what this process wrote to its own scratch files.
type entryReader struct {
	r     *bufio.Reader
	value []byte
	rows  []uint64
}

// next returns io.EOF at the end between entries alone.
func (e *entryReader) next() (Entry, error) {
	n, err := binary.ReadUvarint(e.r)
	if err != nil {
		return Entry{}, err
	}
	if uint64(cap(e.value)) < n {
		e.value = make([]byte, n)
	}
	e.value = e.value[:n]
	if _, err := io.ReadFull(e.r, e.value); err != nil {
		return Entry{}, noEOF(err)
	}
	var numbers [3]uint64
	for i := range numbers {
		if numbers[i], err = binary.ReadUvarint(e.r); err != nil {
			return Entry{}, noEOF(err)
		}
	}
	last := numbers[1]
	e.rows = e.rows[:0]
	for range numbers[2] {
		d, err := binary.ReadUvarint(e.r)
		if err != nil {
			return Entry{}, noEOF(err)
		}
		last += d
		e.rows = append(e.rows, last)
	}
	return Entry{Value: e.value, Count: numbers[0], First: numbers[1], Repeats: e.rows}, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// part returns a table of the entries of partition p of all files.
func (s *State) part(p int) (*State, error) {
	all := New(s.kind, Options{Repeats: AllRows, Bytes: 1 << 62})
	if s.options.Repeats == 0 {
		all.options.Repeats = 0
	}
	for _, f := range s.files {
		if err := f.each(p, func(x Entry) error { all.put(x); return nil }); err != nil {
			return nil, err
		}
	}
	all.tidy(0)
	return all, nil
}
