package wire

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// Schema is a stream's or file's schema, and what its fields are when read.
type Schema struct {
	Arrow  *arrow.Schema
	fields []*field
	values map[int64]*field // of dictionaries, by their id
}

// field is a column or what is nested in one.
type field struct {
	name     string
	parent   *field
	dt       arrow.DataType
	children []*field
	dict     int64 // id, where isDict
	isDict   bool
	index    arrow.DataType
	view     bool // Utf8View or BinaryView, which dt says as String or Binary
	nullable bool
	meta     arrow.Metadata
}

// The tags of Schema.fbs' Type.
const (
	tagNull = iota + 1
	tagInt
	tagFloat
	tagBinary
	tagUtf8
	tagBool
	tagDecimal
	tagDate
	tagTime
	tagTimestamp
	tagInterval
	tagList
	tagStruct
	tagUnion
	tagFixedBinary
	tagFixedList
	tagMap
	tagDuration
	tagLargeBinary
	tagLargeUtf8
	tagLargeList
	tagRunEnd
	tagBinaryView
	tagUtf8View
	tagListView
	tagLargeListView
)

// refused are the types that are known and not read.
var refused = map[int]string{tagUnion: "union", tagRunEnd: "run_end_encoded", tagListView: "list_view", tagLargeListView: "large_list_view"}

type schemaReader struct {
	limits Limits
	count  int
	values map[int64]*field
}

// readSchema reads a Schema table.
func readSchema(t table, l Limits) (*Schema, error) {
	if t.i16(0, 0) != 0 {
		return nil, malformed("schema", "the data is big-endian, which is not read here; write it on a little-endian machine")
	}
	r := &schemaReader{limits: l, values: map[int64]*field{}}
	fs, err := r.fields(t, 1, 1, nil)
	if err != nil {
		return nil, err
	}
	meta, err := metadata(t, 2)
	if err != nil {
		return nil, err
	}
	return &Schema{Arrow: arrow.NewSchema(arrowFields(fs), &meta), fields: fs, values: r.values}, nil
}

func arrowFields(fs []*field) []arrow.Field {
	out := make([]arrow.Field, len(fs))
	for i, f := range fs {
		out[i] = arrow.Field{Name: f.name, Type: f.dt, Nullable: f.nullable, Metadata: f.meta}
	}
	return out
}

// metadata reads a list of key and value.
func metadata(t table, i int) (arrow.Metadata, error) {
	pos, n := t.vector(i, 4)
	keys, values := make([]string, 0, n), make([]string, 0, n)
	for j := range n {
		kv := t.c.table(pos + 4*j)
		keys, values = append(keys, kv.text(0)), append(values, kv.text(1))
		if t.c.err != nil {
			return arrow.Metadata{}, t.c.err
		}
	}
	if t.c == nil {
		return arrow.Metadata{}, nil
	}
	return arrow.NewMetadata(keys, values), t.c.err
}

func (r *schemaReader) fields(t table, i, depth int, parent *field) ([]*field, error) {
	pos, n := t.vector(i, 4)
	if over(int64(r.count+n), int64(r.limits.MaxColumns)) {
		return nil, &LimitError{What: "columns of the schema, nested ones included", Is: int64(r.count + n), Limit: int64(r.limits.MaxColumns)}
	}
	if n > 0 && over(int64(depth), int64(r.limits.MaxDepth)) {
		return nil, &LimitError{What: "depth of the schema", Is: int64(depth), Limit: int64(r.limits.MaxDepth)}
	}
	r.count += n
	out := make([]*field, n)
	for j := range n {
		f, err := r.field(t.c.table(pos+4*j), depth, parent)
		if err != nil {
			return nil, err
		}
		out[j] = f
	}
	if t.c == nil {
		return nil, nil
	}
	return out, t.c.err
}

func (r *schemaReader) field(t table, depth int, parent *field) (*field, error) {
	f := &field{name: t.text(0), nullable: t.bool(1), parent: parent}
	if !utf8.ValidString(f.name) {
		return nil, malformed(f.where(), "the name is not UTF-8")
	}
	var err error
	if f.meta, err = metadata(t, 6); err != nil {
		return nil, err
	}
	if f.children, err = r.fields(t, 5, depth+1, f); err != nil {
		return nil, err
	}
	typ, _ := t.sub(3)
	if err := f.typed(t.i8(2, 0), typ); err != nil {
		return nil, err
	}
	if t.c != nil && t.c.err != nil {
		return nil, t.c.err
	}
	if d, ok := t.sub(4); ok {
		return f, r.dictionary(f, d)
	}
	return f, nil
}

// dictionary turns a field into one of indices, whose values are what the field says.
func (r *schemaReader) dictionary(f *field, d table) error {
	f.isDict, f.dict = true, d.i64(0)
	f.index = arrow.PrimitiveTypes.Int32
	if it, ok := d.sub(1); ok {
		dt, err := integer(it)
		if err != nil {
			return malformed(f.where(), "its indices: %v", err)
		}
		f.index = dt
	}
	values := *f
	values.isDict, values.nullable, values.meta = false, true, arrow.Metadata{}
	f.children = nil
	if old, ok := r.values[f.dict]; ok && !arrow.TypeEqual(old.dt, values.dt) {
		return malformed(f.where(), "its dictionary %d has two types", f.dict)
	}
	r.values[f.dict] = &values
	f.dt = &arrow.DictionaryType{IndexType: f.index, ValueType: values.dt, Ordered: d.bool(2)}
	return d.c.err
}

func (f *field) bad(format string, args ...any) error {
	return malformed(f.where(), "its type: %s", fmt.Sprintf(format, args...))
}

// where is the field for people: column "a", field "b".
func (f *field) where() string {
	if f.parent == nil {
		return "column " + strconv.Quote(f.name)
	}
	return f.parent.where() + ", field " + strconv.Quote(f.name)
}
