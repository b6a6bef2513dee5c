package arrowio

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// simple pairs kinds without parameters with their types.
var simple = map[Kind]arrow.DataType{
	Null: arrow.Null, Bool: arrow.FixedWidthTypes.Boolean,
	Int8: arrow.PrimitiveTypes.Int8, Int16: arrow.PrimitiveTypes.Int16, Int32: arrow.PrimitiveTypes.Int32, Int64: arrow.PrimitiveTypes.Int64,
	Uint8: arrow.PrimitiveTypes.Uint8, Uint16: arrow.PrimitiveTypes.Uint16, Uint32: arrow.PrimitiveTypes.Uint32, Uint64: arrow.PrimitiveTypes.Uint64,
	Float16: arrow.FixedWidthTypes.Float16, Float32: arrow.PrimitiveTypes.Float32, Float64: arrow.PrimitiveTypes.Float64,
	Date32: arrow.FixedWidthTypes.Date32, Date64: arrow.FixedWidthTypes.Date64,
	String: arrow.BinaryTypes.String, LargeString: arrow.BinaryTypes.LargeString, Binary: arrow.BinaryTypes.Binary, LargeBinary: arrow.BinaryTypes.LargeBinary,
}

var kinds = func() map[arrow.Type]Kind {
	m := make(map[arrow.Type]Kind, len(simple))
	for k, t := range simple {
		m[t.ID()] = k
	}
	return m
}()

// dataType is the library's type of a valid Type.
func dataType(t Type) arrow.DataType {
	if dt, ok := simple[t.Kind]; ok {
		return dt
	}
	switch t.Kind {
	case Decimal128:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case Decimal256:
		return &arrow.Decimal256Type{Precision: t.Precision, Scale: t.Scale}
	case Time32:
		return &arrow.Time32Type{Unit: arrow.TimeUnit(t.Unit)}
	case Time64:
		return &arrow.Time64Type{Unit: arrow.TimeUnit(t.Unit)}
	case Duration:
		return &arrow.DurationType{Unit: arrow.TimeUnit(t.Unit)}
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.TimeUnit(t.Unit), TimeZone: t.Zone}
	case FixedBinary:
		return &arrow.FixedSizeBinaryType{ByteWidth: t.Width}
	case Interval:
		return map[int]arrow.DataType{4: arrow.FixedWidthTypes.MonthInterval, 8: arrow.FixedWidthTypes.DayTimeInterval, 16: arrow.FixedWidthTypes.MonthDayNanoInterval}[t.Width]
	}
	return nestedDataType(t)
}

func nestedDataType(t Type) arrow.DataType {
	switch t.Kind {
	case List:
		return arrow.ListOfField(arrowField(t.Elem[0]))
	case LargeList:
		return arrow.LargeListOfField(arrowField(t.Elem[0]))
	case FixedList:
		return arrow.FixedSizeListOfField(int32(t.Width), arrowField(t.Elem[0]))
	case Struct:
		return arrow.StructOf(arrowFields(t.Elem)...)
	case Map:
		m := arrow.MapOfFields(arrowField(t.Elem[0]), arrowField(t.Elem[1]))
		m.KeysSorted = t.Ordered
		return m
	case Dictionary:
		return &arrow.DictionaryType{IndexType: dataType(*t.Index), ValueType: dataType(t.Elem[0].Type), Ordered: t.Ordered}
	}
	panic(fmt.Sprintf("arrowio: no column can have the kind %d", t.Kind))
}

func arrowField(f Field) arrow.Field {
	return arrow.Field{Name: f.Name, Type: dataType(f.Type), Nullable: f.Nullable, Metadata: arrowMetadata(f.Metadata)}
}

func arrowFields(fs []Field) []arrow.Field {
	out := make([]arrow.Field, len(fs))
	for i := range fs {
		out[i] = arrowField(fs[i])
	}
	return out
}

// arrowMetadata sorts the keys, so that the same map is the same bytes.
func arrowMetadata(m map[string]string) arrow.Metadata {
	if len(m) == 0 {
		return arrow.Metadata{}
	}
	keys := slices.Sorted(maps.Keys(m))
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = m[k]
	}
	return arrow.NewMetadata(keys, values)
}

func arrowSchema(s *Schema) *arrow.Schema {
	md := arrowMetadata(s.Metadata)
	return arrow.NewSchema(arrowFields(s.Fields), &md)
}

// SchemaOf is a schema of the library's in our terms; an error names the column whose type is refused. For packages below this one.
func SchemaOf(in *arrow.Schema) (*Schema, error) {
	s := &Schema{Fields: make([]Field, in.NumFields()), Metadata: metadataOf(in.Metadata())}
	for i := range s.Fields {
		f, err := fieldOf(in.Field(i))
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", in.Field(i).Name, err)
		}
		s.Fields[i] = f
	}
	return s, nil
}

// ArrowSchema is the schema as the library has it. For packages below this one.
func ArrowSchema(s *Schema) *arrow.Schema { return arrowSchema(s) }

func metadataOf(md arrow.Metadata) map[string]string {
	m := md.ToMap()
	if m["PARQUET:field_id"] == "-1" { // says that there is none
		delete(m, "PARQUET:field_id")
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

func fieldOf(f arrow.Field) (Field, error) {
	t, err := typeOf(f.Type)
	return Field{Name: f.Name, Type: t, Nullable: f.Nullable, Metadata: metadataOf(f.Metadata)}, err
}

var errType = errors.New("this type is not read here; cast it to a plain one where the data comes from")

func typeOf(dt arrow.DataType) (Type, error) {
	if k, ok := kinds[dt.ID()]; ok {
		return Type{Kind: k}, nil
	}
	switch dt := dt.(type) {
	case *arrow.Decimal128Type:
		return Type{Kind: Decimal128, Precision: dt.Precision, Scale: dt.Scale}, nil
	case *arrow.Decimal256Type:
		return Type{Kind: Decimal256, Precision: dt.Precision, Scale: dt.Scale}, nil
	case *arrow.Time32Type:
		return Type{Kind: Time32, Unit: Unit(dt.Unit)}, nil
	case *arrow.Time64Type:
		return Type{Kind: Time64, Unit: Unit(dt.Unit)}, nil
	case *arrow.DurationType:
		return Type{Kind: Duration, Unit: Unit(dt.Unit)}, nil
	case *arrow.TimestampType:
		return Type{Kind: Timestamp, Unit: Unit(dt.Unit), Zone: dt.TimeZone}, nil
	case *arrow.FixedSizeBinaryType:
		return Type{Kind: FixedBinary, Width: dt.ByteWidth}, nil
	case *arrow.MonthIntervalType:
		return Type{Kind: Interval, Width: 4}, nil
	case *arrow.DayTimeIntervalType:
		return Type{Kind: Interval, Width: 8}, nil
	case *arrow.MonthDayNanoIntervalType:
		return Type{Kind: Interval, Width: 16}, nil
	}
	return nestedTypeOf(dt)
}

func nestedTypeOf(dt arrow.DataType) (t Type, err error) {
	switch dt := dt.(type) {
	case arrow.ExtensionType: // what it is stored as
		return typeOf(dt.StorageType())
	case *arrow.ListType:
		t, err = withElem(Type{Kind: List}, dt.ElemField())
	case *arrow.LargeListType:
		t, err = withElem(Type{Kind: LargeList}, dt.ElemField())
	case *arrow.FixedSizeListType:
		t, err = withElem(Type{Kind: FixedList, Width: int(dt.Len())}, dt.ElemField())
	case *arrow.StructType:
		t, err = withElem(Type{Kind: Struct}, dt.Fields()...)
	case *arrow.MapType:
		t, err = withElem(Type{Kind: Map, Ordered: dt.KeysSorted}, dt.KeyField(), dt.ItemField())
	case *arrow.DictionaryType:
		index, ierr := typeOf(dt.IndexType)
		t, err = withElem(Type{Kind: Dictionary, Index: &index, Ordered: dt.Ordered}, arrow.Field{Name: "values", Type: dt.ValueType, Nullable: true})
		err = errors.Join(ierr, err)
	default:
		return Type{Kind: Other}, fmt.Errorf("%s: %w", dt, errType)
	}
	return t, err
}

func withElem(t Type, fs ...arrow.Field) (Type, error) {
	for _, f := range fs {
		e, err := fieldOf(f)
		if err != nil {
			return t, err
		}
		t.Elem = append(t.Elem, e)
	}
	return t, nil
}
