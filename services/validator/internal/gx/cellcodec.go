package gx

import (
	"math/big"

	"github.com/leathq/leat/pkg/arrowio"
	"github.com/leathq/leat/services/validator/internal/codec"
)

// The tags of encoded cells.
const (
	tagNone = iota
	tagFalse
	tagTrue
	tagInt
	tagUint
	tagFloat
	tagSingle
	tagText
	tagStamp
	tagDay
	tagExact
	tagList
	tagBytes
)

// appendCell writes a cell. Cells that are equal bytes are equal.
func appendCell(a *codec.Append, c any) {
	switch v := c.(type) {
	case bool:
		a.Byte(tagFalse + byte(bit(v)))
	case int64:
		a.Byte(tagInt)
		a.Int(v)
	case uint64:
		a.Byte(tagUint)
		a.Uint(v)
	case float64:
		a.Byte(tagFloat)
		a.Float(v)
	case single:
		a.Byte(tagSingle)
		a.Float(float64(v))
	case string:
		a.Byte(tagText)
		a.Bytes([]byte(v))
	case []byte:
		a.Byte(tagBytes)
		a.Bytes(v)
	case stamp:
		a.Byte(tagStamp)
		a.Int(v.At)
		a.Byte(byte(v.Unit))
		a.Bytes([]byte(v.Zone))
	case day:
		a.Byte(tagDay)
		a.Int(int64(v))
	case exact:
		a.Byte(tagExact)
		a.Byte(byte(bit(v.Unscaled.Sign() < 0)))
		a.Bytes(v.Unscaled.Bytes())
		a.Int(int64(v.Scale))
	case []any:
		a.Byte(tagList)
		appendCells(a, v)
	default:
		a.Byte(tagNone)
	}
}

func appendCells(a *codec.Append, cells []any) {
	a.Uint(uint64(len(cells)))
	for _, c := range cells {
		appendCell(a, c)
	}
}

func readCells(r *codec.Reader) []any { return readCellsAt(r, 0) }

func readCellsAt(r *codec.Reader, depth int) []any {
	out := make([]any, r.Count(1))
	for i := range out {
		out[i] = readCellAt(r, depth)
	}
	return out
}

func readCell(r *codec.Reader) any { return readCellAt(r, 0) }

func readCellAt(r *codec.Reader, depth int) any {
	if depth > maxDepth {
		r.Fail("a cell is nested deeper than %d levels", maxDepth)
		return nil
	}
	switch tag := r.Byte(); tag {
	case tagNone:
		return nil
	case tagFalse, tagTrue:
		return tag == tagTrue
	case tagInt:
		return r.Int()
	case tagUint:
		return r.Uint()
	case tagFloat:
		return r.Float()
	case tagSingle:
		return single(r.Float())
	case tagText:
		return string(r.Bytes())
	case tagBytes:
		return append([]byte{}, r.Bytes()...)
	case tagStamp:
		return readStamp(r)
	case tagDay:
		d := r.Int()
		if d != int64(int32(d)) {
			r.Fail("a day %d is out of range", d)
		}
		return day(d)
	case tagExact:
		return readExact(r)
	case tagList:
		return readCellsAt(r, depth+1)
	default:
		r.Fail("a cell has the unknown tag %d", tag)
		return nil
	}
}

func readStamp(r *codec.Reader) any {
	s := stamp{At: r.Int(), Unit: arrowio.Unit(r.Byte())}
	s.Zone = string(r.Bytes())
	if s.Unit > arrowio.Nano {
		r.Fail("a point in time has the unknown unit %d", s.Unit)
		s.Unit = arrowio.Nano
	}
	return s
}

func readExact(r *codec.Reader) any {
	negative := r.Byte() == 1
	digits := r.Bytes()
	e := exact{Unscaled: new(big.Int)}
	scale := r.Int()
	if len(digits) > 32 || scale < -76 || scale > 76 {
		r.Fail("a decimal has more digits than its type")
		return e
	}
	e.Unscaled.SetBytes(digits)
	if negative {
		e.Unscaled.Neg(e.Unscaled)
	}
	e.Scale = int32(scale)
	return e
}
