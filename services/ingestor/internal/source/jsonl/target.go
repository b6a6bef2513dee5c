package jsonl

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source/table"
)

// target is a place for a JSON value: a column, or what is nested in one.
type target struct {
	name   string
	kind   arrowio.Kind
	width  int
	null   bool // may be null
	cast   bool // the type was declared
	json   bool // keeps the JSON text
	strict bool // an object with a field that is not known is refused
	fix    bool // what is not UTF-8 is replaced
	names  map[string]int
	elem   []target
	seen   []uint64 // Struct: by field, the serial of the object that had it last
}

func newTarget(f arrowio.Field, cast, strict, fix bool) target {
	t := target{name: f.Name, kind: f.Type.Kind, width: f.Type.Width, null: f.Nullable, cast: cast, strict: strict, fix: fix}
	if t.kind == arrowio.Dictionary {
		return t
	}
	for _, e := range f.Type.Elem {
		t.elem = append(t.elem, newTarget(e, cast, strict, fix))
	}
	if t.kind == arrowio.Struct {
		t.names, t.seen = map[string]int{}, make([]uint64, len(t.elem))
		for i, e := range t.elem {
			t.names[e.name] = i
		}
	}
	return t
}

func (g *target) unfit(what string) error {
	return fmt.Errorf("column %q: is %s, not %s", g.name, what, g.kindText())
}

func (g *target) kindText() string {
	switch g.kind {
	case arrowio.Struct, arrowio.Map:
		return "an object"
	case arrowio.List, arrowio.LargeList, arrowio.FixedList:
		return "an array"
	case arrowio.Timestamp:
		return "a timestamp"
	}
	return arrowio.Type{Kind: g.kind}.String()
}

// value appends the next value of the text to a column. An error is the reason to refuse the record, which takes back what was appended.
func (p *parser) value(g *target, c *arrowio.ColumnBuilder) error {
	first := p.peek()
	if first == 'n' {
		if err := p.word("null"); err != nil {
			return err
		}
		return g.missing(c)
	}
	if g.json {
		return p.verbatim(g, c)
	}
	switch first {
	case '"':
		return p.str(g, c)
	case '{':
		return p.nested(g, c)
	case '[':
		return p.list(g, c)
	case 't', 'f':
		return p.boolean(g, c, first == 't')
	}
	return p.num(g, c)
}

func (g *target) missing(c *arrowio.ColumnBuilder) error {
	if !g.null {
		return fmt.Errorf("column %q must not be null", g.name)
	}
	c.Null()
	return nil
}

// utf8 is s as a column of strings may have it.
func (g *target) utf8(s []byte) ([]byte, error) {
	if utf8.Valid(s) {
		return s, nil
	}
	if g.fix {
		return bytes.ToValidUTF8(s, []byte("\uFFFD")), nil
	}
	return nil, fmt.Errorf("column %q: is not UTF-8 (`invalid_utf8: replace` takes such records with U+FFFD)", g.name)
}

func (p *parser) verbatim(g *target, c *arrowio.ColumnBuilder) error {
	from := p.i
	if err := p.skip(); err != nil {
		return err
	}
	s, err := g.utf8(p.b[from:p.i])
	if err == nil {
		c.Binary(s)
	}
	return err
}

func (p *parser) str(g *target, c *arrowio.ColumnBuilder) error {
	s, escaped, wide, err := p.quoted()
	if err == nil && escaped {
		s, err = p.plain(s)
	}
	if err == nil && (wide || escaped) {
		s, err = g.utf8(s)
	}
	switch {
	case err != nil:
		return err
	case g.kind == arrowio.String || g.kind == arrowio.LargeString:
		c.Binary(s)
		return nil
	case !g.cast && g.kind != arrowio.Dictionary:
		return g.unfit("a string")
	case g.kind == arrowio.Struct || g.kind == arrowio.Map || g.kind == arrowio.List || g.kind == arrowio.LargeList || g.kind == arrowio.FixedList:
		return g.unfit("a string")
	}
	return table.AppendText(c, s)
}

func (p *parser) boolean(g *target, c *arrowio.ColumnBuilder, v bool) error {
	w := "false"
	if v {
		w = "true"
	}
	if err := p.word(w); err != nil {
		return err
	}
	switch {
	case g.kind == arrowio.Bool:
		c.Bool(v)
		return nil
	case g.cast && table.Textual(g.kind):
		return table.AppendText(c, []byte(w))
	}
	return g.unfit("a bool")
}

func (p *parser) num(g *target, c *arrowio.ColumnBuilder) error {
	s, whole, err := p.number()
	if err != nil {
		return err
	}
	switch k := g.kind; {
	case k == arrowio.Int64 && whole:
		if n, ok := table.Integer(s); ok {
			c.Int64(n)
			return nil
		}
	case k == arrowio.Float64 || k == arrowio.Float32:
		if n, ok := table.Integer(s); whole && !g.cast && (!ok || n > table.Exact || n < -table.Exact) {
			return fmt.Errorf("column %q: %.40s cannot be kept exactly as %s; declare a `type` for it", g.name, s, g.kindText())
		}
		return table.AppendText(c, s)
	case k >= arrowio.Int8 && k <= arrowio.Uint64:
		if !whole {
			return p.fraction(g, c, s)
		}
	case k == arrowio.Decimal128 || k == arrowio.Decimal256:
	case g.cast && table.Textual(k):
	case k == arrowio.Dictionary:
	default:
		return g.unfit(fmt.Sprintf("the number %.40s", s))
	}
	return table.AppendText(c, s)
}

// fraction takes 3.0 and 1e3 as integers where the type was declared.
func (p *parser) fraction(g *target, c *arrowio.ColumnBuilder, s []byte) error {
	whole, zeros, point := bytes.Cut(s, []byte("."))
	if g.cast && point && len(bytes.Trim(zeros, "0")) == 0 {
		return table.AppendText(c, whole)
	}
	return g.unfit(fmt.Sprintf("the number %.40s", s))
}
