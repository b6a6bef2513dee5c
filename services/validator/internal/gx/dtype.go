package gx

import (
	"strings"

	"github.com/leathq/leat/pkg/arrowio"
)

// class is how pandas treats a column: what can be compared, added and searched in it.
type class uint8

const (
	isInt class = iota
	isUint
	isBool
	isFloat
	isText
	isStamp  // datetime64
	isDay    // date32: Python dates in an object column
	isNumber // decimals: an object column
	isCategory
	isObject // anything else
)

// classOf says how pandas holds an Arrow type.
func classOf(t arrowio.Type) class {
	switch t.Kind {
	case arrowio.Int8, arrowio.Int16, arrowio.Int32, arrowio.Int64:
		return isInt
	case arrowio.Uint8, arrowio.Uint16, arrowio.Uint32, arrowio.Uint64:
		return isUint
	case arrowio.Bool:
		return isBool
	case arrowio.Float16, arrowio.Float32, arrowio.Float64:
		return isFloat
	case arrowio.String, arrowio.LargeString:
		return isText
	case arrowio.Timestamp, arrowio.Date64:
		return isStamp
	case arrowio.Date32, arrowio.Null: // without a value both are a column of objects, which are compared one by one
		return isDay
	case arrowio.Decimal128, arrowio.Decimal256:
		return isNumber
	case arrowio.Dictionary:
		return isCategory
	}
	return isObject
}

// dtype names the column's dtype in pandas; gaps says that the column has nulls somewhere, which turns integers into
// floats and booleans into objects.
func dtype(t arrowio.Type, gaps bool) string {
	switch classOf(t) {
	case isInt, isUint:
		if gaps {
			return "float64"
		}
		return t.String()
	case isBool:
		if gaps {
			return "object"
		}
		return "bool"
	case isFloat:
		return floatName(t)
	case isText:
		return "str"
	case isStamp:
		return stampName(t)
	case isCategory:
		return "category"
	}
	if t.Kind == arrowio.Duration {
		return "timedelta64[" + t.Unit.String() + "]"
	}
	return "object"
}

func floatName(t arrowio.Type) string {
	switch t.Kind {
	case arrowio.Float16:
		return "float16"
	case arrowio.Float32:
		return "float32"
	}
	return "float64"
}

func stampName(t arrowio.Type) string {
	if t.Kind == arrowio.Date64 {
		return "datetime64[ms]"
	}
	unit := t.Unit.String()
	if t.Zone == "" {
		return "datetime64[" + unit + "]"
	}
	return "datetime64[" + unit + ", " + t.Zone + "]"
}

// scalar names the type of the dtype's values, numpy's type.__name__.
func scalar(name string) string {
	switch {
	case name == "str":
		return "str"
	case name == "object":
		return "object_"
	case name == "category":
		return "CategoricalDtypeType"
	case strings.HasPrefix(name, "datetime64[") && strings.Contains(name, ","):
		return "Timestamp"
	case strings.HasPrefix(name, "datetime64"):
		return "datetime64"
	case strings.HasPrefix(name, "timedelta64"):
		return "timedelta64"
	case name == "bool":
		return "bool"
	}
	return name
}

// DType names the dtype that pandas gives a column of an Arrow type; gaps says that a row has no value.
func DType(t arrowio.Type, gaps bool) string { return dtype(t, gaps) }
