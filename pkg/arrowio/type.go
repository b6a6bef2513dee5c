package arrowio

// Kind is a column's physical kind as kernels see it.
type Kind uint8

// The kinds. Other is what no column of a batch has: a type that arrow-go knows and this package refuses.
const (
	Null Kind = iota
	Bool
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float16
	Float32
	Float64
	Decimal128
	Decimal256
	Date32
	Date64
	Time32
	Time64
	Timestamp
	Duration
	Interval
	String
	LargeString
	Binary
	LargeBinary
	FixedBinary
	List
	LargeList
	FixedList
	Struct
	Map
	Dictionary
	Other
)

// Unit is a unit of time.
type Unit uint8

// The units.
const (
	Second Unit = iota
	Milli
	Micro
	Nano
)

// Type is a column's type. Which fields count depends on Kind; the others are zero.
type Type struct {
	Kind      Kind
	Unit      Unit    // Time32, Time64, Timestamp, Duration
	Zone      string  // Timestamp: IANA name or "+02:00"; empty: a wall clock
	Precision int32   // decimals: digits in all
	Scale     int32   // decimals: digits after the point
	Width     int     // FixedBinary: bytes; FixedList: elements; Interval: 4 (months), 8 (days and ms) or 16 (months, days, ns)
	Elem      []Field // lists: the element; Struct: the fields; Map: key and value; Dictionary: the value in Elem[0]
	Index     *Type   // Dictionary: an integer
	Ordered   bool    // Dictionary: the order of values means something; Map: keys are sorted
}

// Field is a column's or a nested field's name and type.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
	Metadata map[string]string // not part of what a schema is: fingerprints leave it out
}

// Equal says whether two types are the same, names and nullability of nested fields included, metadata not.
func (t Type) Equal(o Type) bool { return t.String() == o.String() }

// width is the size of one value in bits, for kinds that have one.
func (t Type) width() int {
	switch t.Kind {
	case Bool:
		return 1
	case Int8, Uint8:
		return 8
	case Int16, Uint16, Float16:
		return 16
	case Int32, Uint32, Float32, Date32, Time32:
		return 32
	case Int64, Uint64, Float64, Date64, Time64, Timestamp, Duration:
		return 64
	case Decimal128:
		return 128
	case Decimal256:
		return 256
	case FixedBinary, Interval:
		return 8 * t.Width
	case Dictionary:
		return t.Index.width()
	}
	return 0
}

func (k Kind) bytes() bool { return k >= String && k <= LargeBinary }
