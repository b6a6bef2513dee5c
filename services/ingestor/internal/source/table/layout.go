package table

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/ingestor/internal/source"
)

// Layout is how records become rows, settled: it goes with every partition, so that all of them read alike. It must not be changed.
type Layout struct {
	Fields []Field  `json:"fields"`
	Rest   string   `json:"rest"` // Refuse: a record with a field that no column takes is refused; else it is dropped
	UTF8   string   `json:"utf8,omitempty"`
	Drops  []string `json:"drops,omitempty"` // fields that a record may have though no column takes them
}

// Field is a column of a Layout.
type Field struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Nullable bool            `json:"nullable,omitempty"`
	From     []Step          `json:"from,omitempty"`     // none: a constant
	Implicit bool            `json:"implicit,omitempty"` // From is not of the record but of its file: its name, its partition
	Cast     bool            `json:"cast,omitempty"`     // the type was declared: "12" may become 12
	Loose    bool            `json:"loose,omitempty"`    // a file may lack it, or have it in a type whose values fit exactly
	JSON     bool            `json:"json,omitempty"`     // the value's JSON text
	Const    json.RawMessage `json:"const,omitempty"`
	Default  json.RawMessage `json:"default,omitempty"`
}

// Undeclared says whether the types of some columns must be taken from the input.
func (o *Options) Undeclared() bool {
	return o.Rest == Keep || slices.ContainsFunc(o.Columns, func(c Column) bool { return c.Type == "" && c.Const == nil })
}

// Resolve settles the layout. In is what the input's records have, in order; implicit is what their files have beside that, and Resolve takes only
// where a column names it.
func (o *Options) Resolve(in, implicit []arrowio.Field) (*Layout, error) {
	l := &Layout{Rest: o.Rest, UTF8: o.UTF8, Drops: o.Drop}
	taken := map[string]bool{}
	for _, d := range o.Drop {
		taken[d] = true
	}
	for _, c := range o.Columns {
		f, err := c.resolve(in, implicit)
		if err != nil {
			return nil, err
		}
		if len(f.From) > 0 {
			taken[f.From[0].Key] = true
		}
		l.Fields = append(l.Fields, f)
	}
	if o.Rest == Keep {
		l.Rest = Refuse
		for _, f := range in {
			if !taken[f.Name] {
				l.Fields = append(l.Fields, Field{Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable, From: []Step{{Key: f.Name}}})
			}
		}
	}
	if name, twice := l.Schema().Duplicate(); twice {
		return nil, source.Errorf(source.Schema, "column %q comes twice; give one of them another name under `columns`, or `drop` it", name)
	}
	if len(l.Fields) == 0 {
		return nil, source.Errorf(source.Schema, "no column is left: the input has %s", strings.Join(namesOf(in), ", "))
	}
	return l, nil
}

func (c *Column) resolve(in, implicit []arrowio.Field) (Field, error) {
	f := Field{Name: c.Name, Nullable: !c.Required, Cast: c.Type != ""}
	if err := f.setType(c); err != nil {
		return f, err
	}
	if c.Const != nil {
		f.Nullable = false
		return f, f.setValue(&f.Const, "const", c.Const)
	}
	from := c.From
	if from == "" {
		from = c.Name
	}
	var err error
	if f.From, err = ParsePath(from); err != nil {
		return f, err
	}
	if err := f.find(c, in, implicit); err != nil {
		return f, err
	}
	if c.Default != nil {
		f.Nullable = false
		return f, f.setValue(&f.Default, "default", c.Default)
	}
	return f, nil
}

func (f *Field) setType(c *Column) error {
	switch c.Type {
	case "":
		return nil
	case "json":
		f.Type, f.JSON = "string", true
		return nil
	}
	t, err := arrowio.ParseType(c.Type)
	if err != nil {
		return source.Errorf(source.Invalid, "source: column %q: %w", c.Name, err)
	}
	f.Type = t.String()
	return nil
}

// find takes the type from where the column comes from, where none is declared.
func (f *Field) find(c *Column, in, implicit []arrowio.Field) error {
	if i := index(implicit, f.From[0].Key); i >= 0 && index(in, f.From[0].Key) < 0 {
		f.Implicit = true
		if f.Type == "" {
			f.Type = implicit[i].Type.String()
		}
		return nil
	}
	g, ok := reach(in, f.From)
	switch {
	case f.Type != "":
		return nil
	case !ok && c.Default != nil: // the default says its type
		return nil
	case !ok:
		return source.Errorf(source.Schema, "column %q: the input has no %q%s; it has %s. Give the column a `type` if only later records have it",
			c.Name, path(f.From), source.Suggest(f.From[0].Key, namesOf(in)), strings.Join(namesOf(in), ", "))
	}
	f.Type = g.Type.String()
	f.Nullable = f.Nullable && (g.Nullable || len(f.From) > 1)
	return nil
}

func index(fs []arrowio.Field, name string) int {
	return slices.IndexFunc(fs, func(f arrowio.Field) bool { return f.Name == name })
}

func namesOf(fs []arrowio.Field) []string {
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = f.Name
	}
	return out
}

func reach(in []arrowio.Field, steps []Step) (arrowio.Field, bool) {
	var f arrowio.Field
	for n, s := range steps {
		switch {
		case s.Index != nil:
			if n == 0 || f.Type.Kind != arrowio.List && f.Type.Kind != arrowio.LargeList && f.Type.Kind != arrowio.FixedList {
				return f, false
			}
			f = f.Type.Elem[0]
		default:
			i := index(in, s.Key)
			if i < 0 {
				return f, false
			}
			f = in[i]
		}
		in = nil
		if f.Type.Kind == arrowio.Struct {
			in = f.Type.Elem
		}
	}
	return f, true
}

// Schema is the rows' schema.
func (l *Layout) Schema() *arrowio.Schema {
	s := &arrowio.Schema{Fields: make([]arrowio.Field, len(l.Fields))}
	for i, f := range l.Fields {
		t, err := arrowio.ParseType(f.Type)
		if err != nil {
			panic("table: a layout with the type " + f.Type) // Resolve and UnmarshalJSON let none in
		}
		s.Fields[i] = arrowio.Field{Name: f.Name, Type: t, Nullable: f.Nullable}
	}
	return s
}

// Loosen makes a layout of a table that has a schema of its own, to which its files need not hold to the letter. ByFile are the fields that a file gives
// all its records.
func (l *Layout) Loosen(byFile []string) {
	for i := range l.Fields {
		f := &l.Fields[i]
		if len(f.From) == 1 && slices.Contains(byFile, f.From[0].Key) {
			f.Implicit = true
		}
		f.Loose = len(f.From) > 0 && !f.Implicit
	}
}

// Check says what a layout that came from elsewhere cannot have.
func (l *Layout) Check() error {
	if len(l.Fields) == 0 {
		return source.Errorf(source.Malformed, "the partition has no columns")
	}
	for _, f := range l.Fields {
		if _, err := arrowio.ParseType(f.Type); err != nil {
			return source.Errorf(source.Malformed, "the partition's column %q: %w", f.Name, err)
		}
	}
	return nil
}
