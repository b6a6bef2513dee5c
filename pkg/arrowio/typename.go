package arrowio

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// names of kinds without parameters, as Arrow's implementations print them.
var names = map[Kind]string{
	Null: "null", Bool: "bool", Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64", Uint8: "uint8", Uint16: "uint16",
	Uint32: "uint32", Uint64: "uint64", Float16: "halffloat", Float32: "float", Float64: "double", Date32: "date32[day]", Date64: "date64[ms]",
	String: "string", LargeString: "large_string", Binary: "binary", LargeBinary: "large_binary", Other: "other",
}

var units = [...]string{Second: "s", Milli: "ms", Micro: "us", Nano: "ns"}

// String is the unit's suffix: s, ms, us or ns.
func (u Unit) String() string {
	if int(u) < len(units) {
		return units[u]
	}
	return fmt.Sprintf("unit(%d)", u)
}

// String is Arrow's own name, such as "timestamp[us, tz=UTC]", "decimal128(10, 2)", "list<item: string>" or
// "dictionary<values=string, indices=int32>". ParseType reads it.
func (t Type) String() string {
	if n, ok := names[t.Kind]; ok {
		return n
	}
	switch t.Kind {
	case Decimal128:
		return fmt.Sprintf("decimal128(%d, %d)", t.Precision, t.Scale)
	case Decimal256:
		return fmt.Sprintf("decimal256(%d, %d)", t.Precision, t.Scale)
	case Time32:
		return "time32[" + t.Unit.String() + "]"
	case Time64:
		return "time64[" + t.Unit.String() + "]"
	case Duration:
		return "duration[" + t.Unit.String() + "]"
	case Timestamp:
		if t.Zone == "" {
			return "timestamp[" + t.Unit.String() + "]"
		}
		return "timestamp[" + t.Unit.String() + ", tz=" + t.Zone + "]"
	case Interval:
		return intervals[t.Width]
	case FixedBinary:
		return fmt.Sprintf("fixed_size_binary[%d]", t.Width)
	}
	return t.nested()
}

var intervals = map[int]string{4: "month_interval", 8: "day_time_interval", 16: "month_day_nano_interval"}

func (t Type) nested() string {
	switch t.Kind {
	case List:
		return "list<" + fieldsText(t.Elem) + ">"
	case LargeList:
		return "large_list<" + fieldsText(t.Elem) + ">"
	case FixedList:
		return fmt.Sprintf("fixed_size_list<%s>[%d]", fieldsText(t.Elem), t.Width)
	case Struct:
		return "struct<" + fieldsText(t.Elem) + ">"
	case Map:
		s := "map<" + t.Elem[0].Type.String() + ", " + t.Elem[1].Type.String()
		if !t.Elem[1].Nullable {
			s += " not null"
		}
		if t.Ordered {
			s += ", keys_sorted"
		}
		return s + ">"
	case Dictionary:
		s := "dictionary<values=" + t.Elem[0].Type.String() + ", indices=" + t.Index.String()
		if t.Ordered {
			s += ", ordered=1"
		}
		return s + ">"
	}
	return fmt.Sprintf("kind(%d)", t.Kind)
}

func fieldsText(fs []Field) string {
	var b strings.Builder
	for i, f := range fs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoted(f.Name))
		b.WriteString(": ")
		b.WriteString(f.Type.String())
		if !f.Nullable {
			b.WriteString(" not null")
		}
	}
	return b.String()
}

var plain = regexp.MustCompile(`^[\pL\pN_.\-$@/ ]*$`)

// quoted is a name as it is where it can be read back so, else in quotes.
func quoted(name string) string {
	if plain.MatchString(name) && strings.TrimSpace(name) == name {
		return name
	}
	return strconv.Quote(name)
}
