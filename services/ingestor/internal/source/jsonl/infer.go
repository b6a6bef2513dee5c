package jsonl

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// observe notes the types of a record. An error says that it is none.
func observe(s *table.Shape, line []byte, where string) error {
	t := &text{b: line}
	if t.peek() != '{' {
		return fmt.Errorf("not a JSON object")
	}
	if err := t.observe(s, where); err != nil {
		return err
	}
	if t.peek(); t.i < len(t.b) {
		return t.fail("something follows the object")
	}
	return nil
}

func (t *text) observe(s *table.Shape, where string) error {
	switch c := t.peek(); c {
	case '{':
		s.See(arrowio.Struct, where)
		return t.object(func(key []byte) error { return t.observe(s.Field(string(key)), where) })
	case '[':
		s.See(arrowio.List, where)
		return t.array(func(int) error { return t.observe(s.Elem(), where) })
	case '"':
		s.See(arrowio.String, where)
	case 't', 'f':
		s.See(arrowio.Bool, where)
	case 'n':
	default:
		return t.observeNumber(s, where)
	}
	return t.skip()
}

func (t *text) observeNumber(s *table.Shape, where string) error {
	n, whole, err := t.number()
	if err != nil {
		return err
	}
	k := arrowio.Float64
	if whole {
		k = arrowio.Int64
		if _, ok := table.Integer(n); !ok {
			k = arrowio.Uint64
		}
	}
	s.See(k, where)
	return nil
}
