package wire

import (
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

// plain are types that have no parameters.
var plain = map[int]arrow.DataType{
	tagNull: arrow.Null, tagBinary: arrow.BinaryTypes.Binary, tagUtf8: arrow.BinaryTypes.String, tagBool: arrow.FixedWidthTypes.Boolean,
	tagLargeBinary: arrow.BinaryTypes.LargeBinary, tagLargeUtf8: arrow.BinaryTypes.LargeString,
	tagBinaryView: arrow.BinaryTypes.Binary, tagUtf8View: arrow.BinaryTypes.String,
}

// typed sets the field's type from its tag and table.
func (f *field) typed(tag int, t table) (err error) {
	if dt, ok := plain[tag]; ok {
		f.dt, f.view = dt, tag == tagBinaryView || tag == tagUtf8View
		return f.want(0)
	}
	if name, ok := refused[tag]; ok {
		return f.bad("%s is not read here; cast the column to a plain type where the data comes from", name)
	}
	switch tag {
	case tagInt:
		f.dt, err = integer(t)
	case tagFloat:
		f.dt, err = pickType("floating point precision", t.i16(0, 0), arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64)
	case tagDecimal:
		f.dt, err = decimal(t)
	case tagDate:
		f.dt, err = pickType("unit of dates", t.i16(0, 1), arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64)
	case tagTime:
		f.dt, err = clock(t)
	case tagTimestamp:
		f.dt, err = timestamp(t)
	case tagDuration:
		var u arrow.TimeUnit
		u, err = unit(t.i16(0, 1))
		f.dt = &arrow.DurationType{Unit: u}
	case tagInterval:
		f.dt, err = pickType("unit of intervals", t.i16(0, 0), arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval)
	case tagFixedBinary:
		w := t.i32(0, 0)
		f.dt = &arrow.FixedSizeBinaryType{ByteWidth: w}
		if w < 0 {
			err = fmt.Errorf("a width of %d bytes", w)
		}
	default:
		return f.nested(tag, t)
	}
	if err != nil {
		return f.bad("%v", err)
	}
	return f.want(0)
}

func (f *field) nested(tag int, t table) error {
	switch tag {
	case tagStruct:
		f.dt = arrow.StructOf(arrowFields(f.children)...)
		return nil
	case tagList, tagLargeList, tagFixedList, tagMap:
		if err := f.want(1); err != nil {
			return err
		}
	default:
		return f.bad("number %d is none that is known", tag)
	}
	elem := arrowFields(f.children)[0]
	switch tag {
	case tagList:
		f.dt = arrow.ListOfField(elem)
	case tagLargeList:
		f.dt = arrow.LargeListOfField(elem)
	case tagFixedList:
		n := t.i32(0, 0)
		if n <= 0 {
			return f.bad("a list of %d elements each", n)
		}
		f.dt = arrow.FixedSizeListOfField(int32(n), elem)
	case tagMap:
		return f.mapping(t)
	}
	return nil
}

func (f *field) mapping(t table) error {
	e := f.children[0]
	if len(e.children) != 2 || e.dt.ID() != arrow.STRUCT || e.isDict {
		return f.bad("a map whose entries are not a key and a value")
	}
	kv := arrowFields(e.children)
	kv[0].Nullable = false
	m := arrow.MapOfFields(kv[0], kv[1])
	m.KeysSorted = t.bool(0)
	f.dt = m
	e.dt = m.Elem()
	return nil
}

func (f *field) want(children int) error {
	if len(f.children) != children {
		return f.bad("%s with %d nested fields, not %d", f.dt, len(f.children), children)
	}
	return nil
}

func pickType(what string, i int, of ...arrow.DataType) (arrow.DataType, error) {
	if i < 0 || i >= len(of) {
		return nil, fmt.Errorf("%s %d is none that is known", what, i)
	}
	return of[i], nil
}

func integer(t table) (arrow.DataType, error) {
	p := arrow.PrimitiveTypes
	of := map[int][2]arrow.DataType{8: {p.Uint8, p.Int8}, 16: {p.Uint16, p.Int16}, 32: {p.Uint32, p.Int32}, 64: {p.Uint64, p.Int64}}
	w := t.i32(0, 0)
	pair, ok := of[w]
	if !ok {
		return nil, fmt.Errorf("an integer of %d bits", w)
	}
	if t.bool(1) {
		return pair[1], nil
	}
	return pair[0], nil
}

func decimal(t table) (arrow.DataType, error) {
	p, s, w := t.i32(0, 0), t.i32(1, 0), t.i32(2, 128)
	most := map[int]int{128: 38, 256: 76}[w]
	switch {
	case most == 0:
		return nil, fmt.Errorf("a decimal of %d bits is not read here; cast it to decimal128 where the data comes from", w)
	case p < 1 || p > most || s < -10000 || s > 10000:
		return nil, fmt.Errorf("decimal%d(%d, %d)", w, p, s)
	case w == 128:
		return &arrow.Decimal128Type{Precision: int32(p), Scale: int32(s)}, nil
	}
	return &arrow.Decimal256Type{Precision: int32(p), Scale: int32(s)}, nil
}

func unit(i int) (arrow.TimeUnit, error) {
	if i < 0 || i > 3 {
		return 0, fmt.Errorf("unit of time %d is none that is known", i)
	}
	return arrow.TimeUnit(i), nil
}

func clock(t table) (arrow.DataType, error) {
	u, err := unit(t.i16(0, 1))
	switch w := t.i32(1, 32); {
	case err != nil:
		return nil, err
	case w == 32 && u <= arrow.Millisecond:
		return &arrow.Time32Type{Unit: u}, nil
	case w == 64 && u >= arrow.Microsecond:
		return &arrow.Time64Type{Unit: u}, nil
	default:
		return nil, fmt.Errorf("a time of %d bits in %s", w, u)
	}
}

func timestamp(t table) (arrow.DataType, error) {
	u, err := unit(t.i16(0, 0))
	zone := t.text(1)
	if !utf8.ValidString(zone) || len(zone) > 256 {
		return nil, fmt.Errorf("a time zone of %d bytes", len(zone))
	}
	return &arrow.TimestampType{Unit: u, TimeZone: zone}, err
}
