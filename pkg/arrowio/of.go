package arrowio

import (
	"fmt"
	"math/big"
	"reflect"
)

// Values are a named column of Go values, for batches written by hand; see BatchOf.
type Values struct {
	field  Field
	append func(c *ColumnBuilder) error
	n      int
}

// Of is a column of Go values: bool, ints, floats, string, []byte or time.Time; or pointers to them, nil being null. Only a column of pointers is nullable.
func Of[T any](name string, vs []T) Values {
	var zero T
	t, nullable := typeOfGo(zero)
	return OfType(Field{Name: name, Type: t, Nullable: nullable}, vs)
}

// OfType is Of with the column's type given; values are what ColumnBuilder.Value takes.
func OfType[T any](f Field, vs []T) Values {
	return Values{field: f, n: len(vs), append: func(c *ColumnBuilder) error {
		for i, v := range vs {
			if err := c.Value(pointed(v)); err != nil {
				return fmt.Errorf("value %d: %w", i, err)
			}
		}
		return nil
	}}
}

func typeOfGo(v any) (t Type, nullable bool) {
	plain := map[string]Kind{
		"bool": Bool, "int8": Int8, "int16": Int16, "int32": Int32, "int64": Int64, "int": Int64, "uint8": Uint8, "uint16": Uint16, "uint32": Uint32,
		"uint64": Uint64, "float32": Float32, "float64": Float64, "string": String, "[]uint8": Binary, "time.Time": Timestamp,
	}
	name := fmt.Sprintf("%T", v)
	if name[0] == '*' {
		name, nullable = name[1:], true
	}
	k, ok := plain[name]
	if !ok {
		panic(fmt.Sprintf("arrowio: Of takes no %s; use OfType", name))
	}
	t = Type{Kind: k}
	if k == Timestamp {
		t.Unit, t.Zone = Micro, "UTC"
	}
	return t, nullable
}

// pointed is what v points to, nil where v is a nil pointer; a *big.Rat is a value of its own.
func pointed(v any) any {
	if _, ok := v.(*big.Rat); ok {
		return v
	}
	r := reflect.ValueOf(v)
	switch {
	case r.Kind() != reflect.Pointer:
		return v
	case r.IsNil():
		return nil
	}
	return r.Elem().Interface()
}

// BatchOf is a batch of columns written by hand. It panics where they do not fit each other: for tests and tables in code.
func BatchOf(columns ...Values) *Batch {
	s := &Schema{}
	for _, v := range columns {
		s.Fields = append(s.Fields, v.field)
	}
	b := NewBuilder(s)
	for i, v := range columns {
		if err := v.append(b.Column(i)); err != nil {
			panic(fmt.Sprintf("arrowio: column %q: %v", v.field.Name, err))
		}
	}
	return b.Batch()
}
