package quantile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/leathq/leat/services/validator/internal/spill"
)

// source yields keys in order with their counts; done where there are no more.
type source interface {
	next() (p pair, ok bool, err error)
	close() error
}

// cells is a source over sorted keys.
type cells struct{ keys []uint64 }

func (c *cells) next() (pair, bool, error) {
	if len(c.keys) == 0 {
		return pair{}, false, nil
	}
	key, n := c.keys[0], 1
	for n < len(c.keys) && c.keys[n] == key {
		n++
	}
	c.keys = c.keys[n:]
	return pair{key, uint64(n)}, true, nil
}

func (c *cells) close() error { return nil }

type pairs struct{ run []pair }

func (p *pairs) next() (pair, bool, error) {
	if len(p.run) == 0 {
		return pair{}, false, nil
	}
	first := p.run[0]
	p.run = p.run[1:]
	return first, true, nil
}

func (p *pairs) close() error { return nil }

// stored is a source over a scratch file: differences of keys and counts as variable-length numbers.
type stored struct {
	run    spill.Run
	file   io.ReadCloser
	reader *bufio.Reader
	key    uint64
}

func (s *stored) next() (pair, bool, error) {
	if s.file == nil {
		f, err := s.run.Open()
		if err != nil {
			return pair{}, false, err
		}
		s.file, s.reader = f, bufio.NewReaderSize(f, 64<<10)
	}
	step, err := binary.ReadUvarint(s.reader)
	if errors.Is(err, io.EOF) {
		return pair{}, false, nil
	}
	if err != nil {
		return pair{}, false, fmt.Errorf("read values from scratch space: %w", err)
	}
	count, err := binary.ReadUvarint(s.reader)
	if err != nil {
		return pair{}, false, fmt.Errorf("read counts from scratch space: %w", err)
	}
	s.key += step
	return pair{s.key, count}, true, nil
}

func (s *stored) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// sources are all parts of a state, each in order. They read; the state is unchanged but for the order of its cells.
func (s *State) sources() []source {
	s.order()
	var out []source
	if len(s.cells) > 0 {
		out = append(out, &cells{s.cells})
	}
	if len(s.run) > 0 {
		out = append(out, &pairs{s.run})
	}
	for _, r := range s.spilled {
		out = append(out, &stored{run: r})
	}
	return out
}

func (s *State) order() {
	if !s.sorted {
		sortKeys(s.cells)
		s.sorted = true
	}
}

var errStop = errors.New("enough")

// merge calls yield for every key of the sources in order, once, with its whole count. errStop ends it without an error.
func merge(from []source, yield func(pair) error) (err error) {
	defer func() {
		for _, s := range from {
			err = errors.Join(err, s.close())
		}
	}()
	heads := make([]pair, 0, len(from))
	live := make([]source, 0, len(from))
	for _, s := range from {
		p, ok, err := s.next()
		if err != nil {
			return err
		}
		if ok {
			heads, live = append(heads, p), append(live, s)
		}
	}
	m := merging{heads, live}
	for len(m.live) > 0 {
		p, err := m.next()
		if err != nil {
			return err
		}
		if err := yield(p); errors.Is(err, errStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// merging is sources that have more, with the first pair of each.
type merging struct {
	heads []pair
	live  []source
}

// next takes the least key from all sources that have it.
func (m *merging) next() (pair, error) {
	total := pair{key: m.heads[0].key}
	for _, h := range m.heads[1:] {
		total.key = min(total.key, h.key)
	}
	for i := 0; i < len(m.live); {
		if m.heads[i].key != total.key {
			i++
			continue
		}
		total.count += m.heads[i].count
		p, ok, err := m.live[i].next()
		if err != nil {
			return pair{}, err
		}
		if m.heads[i] = p; ok {
			i++
			continue
		}
		m.heads, m.live = slices.Delete(m.heads, i, i+1), slices.Delete(m.live, i, i+1)
	}
	return total, nil
}

// compact turns cells into a run, in memory while half of the bound holds it, else in a scratch file.
func (s *State) compact() error {
	s.order()
	out := newRunWriter(s)
	if err := merge([]source{&cells{s.cells}, &pairs{s.run}}, out.add); err != nil {
		return errors.Join(err, out.drop())
	}
	out.into(s)
	s.cells = s.cells[:0]
	return nil
}

// runWriter collects a run in memory and moves it to a scratch file where it outgrows half of the bound.
type runWriter struct {
	state  *State
	run    []pair
	file   spill.Run
	last   uint64
	buffer []byte
}

func newRunWriter(s *State) *runWriter { return &runWriter{state: s} }

func (w *runWriter) add(p pair) error {
	if w.file != nil {
		return w.store(p)
	}
	w.run = append(w.run, p)
	if int64(len(w.run))*16 <= w.state.options.Bytes/2 {
		return nil
	}
	if w.state.options.Space == nil {
		return fmt.Errorf("keep the values of a column: %w", spill.ErrNone)
	}
	f, err := w.state.options.Space.Create()
	if err != nil {
		return err
	}
	w.file = f
	for _, q := range w.run {
		if err := w.store(q); err != nil {
			return err
		}
	}
	w.run = nil
	return nil
}

func (w *runWriter) store(p pair) error {
	w.buffer = binary.AppendUvarint(binary.AppendUvarint(w.buffer[:0], p.key-w.last), p.count)
	w.last = p.key
	if _, err := w.file.Write(w.buffer); err != nil {
		return fmt.Errorf("write values to scratch space: %w", err)
	}
	return nil
}

// into gives the run to a state.
func (w *runWriter) into(s *State) {
	s.run = w.run
	if w.file != nil {
		s.spilled = append(s.spilled, w.file)
	}
}

func (w *runWriter) drop() error {
	if w.file == nil {
		return nil
	}
	return w.file.Remove()
}
