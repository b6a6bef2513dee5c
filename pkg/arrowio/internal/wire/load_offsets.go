package wire

import (
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

type offset interface {
	int32 | int64
	arrow.FixedWidthType
}

func nullCount(b []byte, n int) int { return n - bitutil.CountSetBits(b, 0, n) }

// offsets takes and checks n+1 offsets that never go backwards: the first is not negative and the last is last. longest is the widest step and
// where it is. With no values, the buffer may be empty.
func offsets[T offset](l *loader, f *field, n int) (b *memory.Buffer, last T, longest T, at int, err error) {
	raw, err := l.take(f)
	if err != nil {
		return nil, 0, 0, 0, err
	}
	var size T = 4
	if _, ok := any(size).(int64); ok {
		size = 8
	}
	if n == 0 {
		return memory.NewBufferBytes(make([]byte, size)), 0, 0, 0, nil
	}
	if len(raw)/int(size) < n+1 {
		return nil, 0, 0, 0, short(f, "offsets", len(raw), (n+1)*int(size))
	}
	o := arrow.GetData[T](raw)[:n+1]
	if o[0] < 0 {
		return nil, 0, 0, 0, malformed(f.where(), "its offsets begin at %d", o[0])
	}
	last = o[0]
	for i, next := range o[1:] {
		step := next - last
		if next < last {
			return nil, 0, 0, 0, malformed(f.where()+", row "+strconv.Itoa(i), "offsets go backwards, from %d to %d", last, next)
		}
		if step > longest {
			longest, at = step, i
		}
		last = next
	}
	return memory.NewBufferBytes(raw), last, longest, at, nil
}

func (l *loader) long(f *field, row int, is int64) error {
	return &LimitError{
		What: "bytes of one value", Where: f.where() + ", row " + strconv.Itoa(row), Is: is, Limit: l.limits.MaxString,
		Remedy: "raise the limit, or cut the value where the data comes from",
	}
}

func text[T offset](l *loader, f *field) (arrow.ArrayData, error) {
	n, nulls, valid, err := l.begin(f)
	if err != nil {
		return nil, err
	}
	o, last, longest, at, err := offsets[T](l, f, n)
	if err != nil {
		return nil, err
	}
	b, err := l.take(f)
	switch {
	case err != nil:
		return nil, err
	case int64(last) > int64(len(b)):
		return nil, malformed(f.where(), "its offsets go to %d in %d bytes", last, len(b))
	case over(int64(longest), l.limits.MaxString):
		return nil, l.long(f, at, int64(longest))
	}
	d := array.NewData(f.dt, n, []*memory.Buffer{valid, o, memory.NewBufferBytes(b)}, nil, nulls, 0)
	if l.limits.ValidateUTF8 && (f.dt.ID() == arrow.STRING || f.dt.ID() == arrow.LARGE_STRING) && n > 0 {
		return d, checkUTF8(f, arrow.GetData[T](o.Bytes())[:n+1], b, valid)
	}
	return d, nil
}

// checkUTF8 names the first row whose text is not UTF-8. Text that is valid as a whole is only looked at where it is cut.
func checkUTF8[T offset](f *field, o []T, b []byte, valid *memory.Buffer) error {
	first, last := o[0], o[len(o)-1]
	whole := utf8.Valid(b[first:last])
	for i, to := range o[1:] {
		from := o[i]
		if whole && (from == to || utf8.RuneStart(b[from]) && (to == last || utf8.RuneStart(b[to]))) {
			continue
		}
		if utf8.Valid(b[from:to]) || valid != nil && !bitutil.BitIsSet(valid.Bytes(), i) {
			continue
		}
		return malformed(f.where()+", row "+strconv.Itoa(i), "the text is not UTF-8; declare the column binary, or mend the text where it comes from")
	}
	return nil
}

func list[T offset](l *loader, f *field) (arrow.ArrayData, error) {
	n, nulls, valid, err := l.begin(f)
	if err != nil {
		return nil, err
	}
	o, last, _, _, err := offsets[T](l, f, n)
	if err != nil {
		return nil, err
	}
	child, err := l.array(f.children[0])
	if err != nil {
		return nil, err
	}
	if int64(last) > int64(child.Len()) {
		return nil, malformed(f.where(), "its offsets go to %d of %d elements", last, child.Len())
	}
	return array.NewData(f.dt, n, []*memory.Buffer{valid, o}, []arrow.ArrayData{child}, nulls, 0), nil
}

func (l *loader) dictionary(f *field) (arrow.ArrayData, error) {
	d, err := l.fixed(f, f.index)
	if err != nil {
		return nil, err
	}
	values := l.known[f.dict]
	if values == nil {
		if d.NullN() < d.Len() {
			return nil, malformed(f.where(), "its dictionary %d has not come before it", f.dict)
		}
		values = array.MakeArrayOfNull(memory.DefaultAllocator, f.dt.(*arrow.DictionaryType).ValueType, 0).Data()
	}
	if err := checkIndices(f, d, values.Len()); err != nil {
		return nil, err
	}
	return array.NewDataWithDictionary(f.dt, d.Len(), d.Buffers(), d.NullN(), 0, values.(*array.Data)), nil
}

func checkIndices(f *field, d *array.Data, n int) error {
	b := d.Buffers()[1].Bytes()
	at := -1
	switch f.index.ID() {
	case arrow.INT8:
		at = outside[int8](b, d, n)
	case arrow.INT16:
		at = outside[int16](b, d, n)
	case arrow.INT32:
		at = outside[int32](b, d, n)
	case arrow.INT64:
		at = outside[int64](b, d, n)
	case arrow.UINT8:
		at = outside[uint8](b, d, n)
	case arrow.UINT16:
		at = outside[uint16](b, d, n)
	case arrow.UINT32:
		at = outside[uint32](b, d, n)
	case arrow.UINT64:
		at = outside[uint64](b, d, n)
	}
	if at >= 0 {
		return malformed(f.where()+", row "+strconv.Itoa(at), "it names a value that its dictionary of %d does not have", n)
	}
	return nil
}

// outside is the first index that is not null and names none of n values, -1 where none is.
func outside[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](b []byte, d *array.Data, n int) int {
	if d.Len() == 0 {
		return -1
	}
	valid := d.Buffers()[0]
	for i, v := range arrow.GetData[T](b)[:d.Len()] {
		// A negative index is a large one without its sign.
		if uint64(int64(v)) >= uint64(n) && (valid == nil || bitutil.BitIsSet(valid.Bytes(), i)) {
			return i
		}
	}
	return -1
}
