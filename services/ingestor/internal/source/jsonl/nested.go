package jsonl

import (
	"fmt"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

func (p *parser) list(g *target, c *arrowio.ColumnBuilder) error {
	if g.kind != arrowio.List && g.kind != arrowio.LargeList && g.kind != arrowio.FixedList {
		return g.unfit("an array")
	}
	n, e := 0, c.Elem()
	err := p.array(func(int) error {
		n++
		return p.value(&g.elem[0], e)
	})
	switch {
	case err != nil:
		return err
	case g.kind == arrowio.FixedList && n != g.width:
		return fmt.Errorf("column %q: has %d elements, not %d", g.name, n, g.width)
	}
	c.Close()
	return nil
}

func (p *parser) nested(g *target, c *arrowio.ColumnBuilder) error {
	switch g.kind {
	case arrowio.Struct:
		return p.structure(g, c)
	case arrowio.Map:
		return p.mapping(g, c)
	}
	return g.unfit("an object")
}

func (p *parser) structure(g *target, c *arrowio.ColumnBuilder) error {
	p.serial++
	serial := p.serial
	err := p.object(func(key []byte) error {
		i, ok := g.names[string(key)]
		switch {
		case !ok && g.strict:
			return fmt.Errorf("column %q: has a field %q, which its type does not have", g.name, key)
		case !ok:
			return p.skip()
		case g.seen[i] == serial:
			return fmt.Errorf("column %q: has the field %q twice", g.name, key)
		}
		g.seen[i] = serial
		return p.value(&g.elem[i], c.Child(i))
	})
	if err != nil {
		return err
	}
	for i := range g.elem {
		if g.seen[i] == serial {
			continue
		}
		if err := g.elem[i].missing(c.Child(i)); err != nil {
			return err
		}
	}
	c.Close()
	return nil
}

func (p *parser) mapping(g *target, c *arrowio.ColumnBuilder) error {
	err := p.object(func(key []byte) error {
		key, err := g.utf8(key)
		if err != nil {
			return err
		}
		if err := table.AppendText(c.Child(0), key); err != nil {
			return err
		}
		if err := p.value(&g.elem[1], c.Child(1)); err != nil {
			return err
		}
		c.Entry()
		return nil
	})
	if err == nil {
		c.Close()
	}
	return err
}
