package jsonl

import (
	"fmt"

	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// parser puts records, one JSON object each, into the columns of a sink. It reads no JSON into memory but the values themselves. One goroutine.
type parser struct {
	text
	sink    *table.Sink
	root    *node
	columns []target // by column
	seen    []uint64 // by column, the serial of the record that had it last
	serial  uint64
	size    int
}

// node is an object, or an array, on the way to columns.
type node struct {
	names map[string]*step
	order []*step // as the records before had them, to guess the next one
	index map[int]*step
	drop  map[string]bool // fields that may be there
	free  bool            // any other field may be there too
}

// step is a field, or an element, that a column wants or that leads to one.
type step struct {
	key     string
	columns []int
	sub     *node
}

func newParser(s *table.Sink) *parser {
	l := s.Layout()
	fields := l.Schema().Fields
	p := &parser{sink: s, root: &node{free: l.Rest != table.Refuse, drop: map[string]bool{}}, seen: make([]uint64, len(fields))}
	for _, d := range l.Drops {
		p.root.drop[d] = true
	}
	for i, f := range l.Fields {
		t := newTarget(fields[i], f.Cast, l.Rest == table.Refuse, l.UTF8 == table.Replace)
		t.json = f.JSON
		p.columns = append(p.columns, t)
		if len(f.From) == 0 || f.Implicit {
			p.seen[i] = fixed
			continue
		}
		p.root.add(f.From, i)
	}
	return p
}

// fixed marks columns that are not of the record.
const fixed = ^uint64(0)

func (n *node) add(path []table.Step, column int) {
	s := n.step(path[0])
	if len(path) == 1 {
		s.columns = append(s.columns, column)
		return
	}
	if s.sub == nil {
		s.sub = &node{free: true}
	}
	s.sub.add(path[1:], column)
}

func (n *node) step(s table.Step) *step {
	if s.Index != nil {
		if n.index == nil {
			n.index = map[int]*step{}
		}
		if n.index[*s.Index] == nil {
			n.index[*s.Index] = &step{}
		}
		return n.index[*s.Index]
	}
	if n.names == nil {
		n.names = map[string]*step{}
	}
	found := n.names[s.Key]
	if found == nil {
		found = &step{key: s.Key}
		n.names[s.Key] = found
		n.order = append(n.order, found)
	}
	return found
}

// record appends one record. An error is the reason to refuse it: the caller takes it back.
func (p *parser) record(line []byte) error {
	p.b, p.i, p.depth, p.size = line, 0, 0, len(line)
	if p.peek() != '{' {
		if p.i < len(line) {
			return fmt.Errorf("not a JSON object: it begins with %q", line[p.i])
		}
		return p.ended()
	}
	p.serial++
	serial := p.serial
	if err := p.fields(p.root, serial); err != nil {
		return err
	}
	if p.peek(); p.i < len(p.b) {
		return p.fail("something follows the object: %q", p.b[p.i])
	}
	for i := range p.columns {
		if s := p.seen[i]; s == serial || s == fixed {
			continue
		}
		if err := p.sink.Absent(i); err != nil {
			return err
		}
	}
	return p.sink.Done(p.size)
}

func (p *parser) fields(n *node, serial uint64) error {
	next := 0
	return p.object(func(key []byte) error {
		var s *step
		if next < len(n.order) && n.order[next].key == string(key) {
			s = n.order[next]
			next++
		} else if s = n.names[string(key)]; s == nil {
			if !n.free && !n.drop[string(key)] {
				return fmt.Errorf("the field %q is in no column; name it under `columns` or `drop`", key)
			}
			return p.skip()
		}
		return p.step(s, serial)
	})
}

func (p *parser) step(s *step, serial uint64) error {
	if s.sub == nil && len(s.columns) == 1 {
		return p.column(s.columns[0], serial)
	}
	p.peek()
	from := p.i
	for _, c := range s.columns {
		p.i = from
		if err := p.column(c, serial); err != nil {
			return err
		}
	}
	if s.sub == nil {
		return nil
	}
	p.i = from
	switch p.peek() {
	case '{':
		return p.fields(s.sub, serial)
	case '[':
		return p.array(func(i int) error {
			if e := s.sub.index[i]; e != nil {
				return p.step(e, serial)
			}
			return p.skip()
		})
	}
	return p.skip()
}

func (p *parser) column(i int, serial uint64) error {
	if p.seen[i] == serial {
		return fmt.Errorf("the field for column %q comes twice", p.columns[i].name)
	}
	p.seen[i] = serial
	if p.peek() == 'n' {
		if err := p.word("null"); err != nil {
			return err
		}
		return p.sink.Absent(i)
	}
	return p.value(&p.columns[i], p.sink.Column(i))
}
