package gx

import (
	"fmt"
	"slices"
	"strings"
)

// numpyTypes are names that numpy takes for a dtype, with the type of its values.
var numpyTypes = map[string]string{
	"int": "int64", "int64": "int64", "long": "int64", "i8": "int64", "i": "int32", "l": "int64", "q": "int64", "longlong": "int64", "intp": "int64", "int_": "int64", "p": "int64",
	"int8": "int8", "byte": "int8", "i1": "int8", "b": "int8", "int16": "int16", "short": "int16", "i2": "int16", "h": "int16",
	"int32": "int32", "intc": "int32", "i4": "int32", "uint8": "uint8", "ubyte": "uint8", "u1": "uint8", "B": "uint8",
	"uint16": "uint16", "ushort": "uint16", "u2": "uint16", "H": "uint16", "uint32": "uint32", "uintc": "uint32", "u4": "uint32", "I": "uint32",
	"uint64": "uint64", "ulong": "uint64", "uint": "uint64", "u8": "uint64", "L": "uint64", "Q": "uint64", "ulonglong": "uint64",
	"float": "float64", "float64": "float64", "double": "float64", "f8": "float64", "d": "float64", "float32": "float32", "single": "float32", "f4": "float32", "f": "float32",
	"float16": "float16", "half": "float16", "f2": "float16", "e": "float16", "longdouble": "longdouble", "g": "longdouble",
	"bool": "bool", "bool_": "bool", "?": "bool", "b1": "bool", "object": "object_", "object_": "object_", "O": "object_",
	"str": "str_", "str_": "str_", "U": "str_", "unicode": "str_", "bytes": "bytes_", "bytes_": "bytes_", "S": "bytes_", "a": "bytes_", "void": "void", "V": "void",
	"complex": "complex128", "complex128": "complex128", "complex64": "complex64", "c16": "complex128", "c8": "complex64", "D": "complex128", "F": "complex64",
	"datetime64": "datetime64", "M8": "datetime64", "M": "datetime64", "timedelta64": "timedelta64", "m8": "timedelta64", "m": "timedelta64",
}

// pandasTypes are names of pandas' classes, and of what its module of dtypes imports.
var pandasTypes = []string{"Timestamp", "Timedelta", "Period", "Interval", "Categorical", "CategoricalDtype", "StringDtype", "DatetimeTZDtype", "PeriodDtype",
	"IntervalDtype", "SparseDtype", "BooleanDtype", "ArrowDtype", "Int8Dtype", "Int16Dtype", "Int32Dtype", "Int64Dtype", "UInt8Dtype", "UInt16Dtype", "UInt32Dtype",
	"UInt64Dtype", "Float32Dtype", "Float64Dtype", "Series", "DataFrame", "Index", "NumpyEADtype", "ExtensionDtype", "Decimal", "date", "Any", "datetime"}

// nativeTypes are Python's own types by GX's names for them.
var nativeTypes = map[string]string{"none": "py NoneType", "bool": "py bool", "int": "py int", "long": "py int", "float": "py float", "bytes": "py bytes",
	"complex": "py complex", "str": "py str", "string_types": "py str", "list": "py list", "dict": "py dict"}

// resolve names the types that GX takes a type's name for.
func resolve(name string) []string {
	var out []string
	if t, ok := numpyName(name); ok {
		out = append(out, t)
	} else if slices.Contains(pandasTypes, name) {
		out = append(out, "pd "+name)
	}
	if t, ok := nativeTypes[strings.ToLower(name)]; ok {
		out = append(out, t)
	}
	return out
}

func numpyName(name string) (string, bool) {
	bare := strings.TrimLeft(name, "<=|")
	if unit := strings.IndexByte(bare, '['); unit > 0 && strings.HasSuffix(bare, "]") && !strings.ContainsAny(bare, ", ") {
		bare = bare[:unit]
		if t := numpyTypes[bare]; t != "datetime64" && t != "timedelta64" {
			return "", false
		}
	}
	if len(bare) > 1 && (bare[0] == 'U' || bare[0] == 'S') && strings.Trim(bare[1:], "0123456789") == "" {
		bare = bare[:1]
	}
	t, ok := numpyTypes[bare]
	return t, ok
}

func valuesOfType(b *builder) error { return types(b, []any{b.text("type_")}, false) }

func valuesInTypeList(b *builder) error {
	names, given := b.arg("type_list").([]any)
	if !given {
		names = nil
	}
	return types(b, names, true)
}

// types checks a column's dtype, or where that is "object" each of its values.
func types(b *builder, names []any, many bool) error {
	if b.plan.failures[b.condition] != nil {
		return raise{b.plan.failures[b.condition]}
	}
	c := b.plan.schema.Index(b.text("column"))
	if c < 0 {
		return raise{pythonErrorf("Error: The column %q in BatchData does not exist.", b.text("column"))}
	}
	var accepted []string
	for _, n := range names {
		accepted = append(accepted, resolve(n.(string))...)
	}
	values, err := b.valueTypes(c, accepted)
	if err != nil {
		return err
	}
	whole := !many && slices.Contains([]any{"object", "object_", "O"}, names[0])
	b.item.finish = func(p part, e *ending) outcome {
		name := e.dtype(c)
		if name != "object" || whole {
			return told(acceptsDtype(name, names, accepted, many), scalar(name))
		}
		if len(accepted) == 0 {
			return failed(fmt.Errorf("Unrecognized numpy/python type: %v", names))
		}
		return e.state.parts[values].(finisher).finish(e)
	}
	return nil
}

// valueTypes registers the check of each value for its Python type.
func (b *builder) valueTypes(c int, accepted []string) (int, error) {
	t := b.plan.schema.Fields[c].Type
	if k := classOf(t); k != isBool && k != isDay && k != isNumber && k != isObject {
		return -1, nil
	}
	good := slices.ContainsFunc(accepted, func(a string) bool { return instanceOf(classOf(t), a) })
	err := b.one(func(v *view, _ mask) (mask, error) {
		if good {
			return nil, nil
		}
		return make(mask, words(v.n)), nil
	})
	return b.item.part, err
}

// instanceOf is Python's isinstance for the values that pandas holds as objects.
func instanceOf(c class, name string) bool {
	switch c {
	case isBool:
		return name == "py bool" || name == "py int"
	case isDay:
		return name == "pd date"
	case isNumber:
		return name == "pd Decimal"
	}
	return false
}

// acceptsDtype compares a dtype with the accepted types: its values' type for one type, the dtype itself for a list.
func acceptsDtype(name string, names []any, accepted []string, many bool) bool {
	if many && names == nil {
		return true
	}
	kind := scalar(name)
	switch {
	case name == "str":
		return !many && slices.Contains(accepted, "py str")
	case name == "category":
		return many && false
	case kind == "Timestamp":
		return !many && slices.Contains(accepted, "pd Timestamp")
	case kind == "datetime64" && many:
		return slices.Contains(names, any(name)) || slices.Contains(names, any(strings.Replace(name, "datetime64", "M8", 1)))
	}
	return slices.Contains(accepted, kind)
}

func columnType(b *builder) error {
	want := b.text("type_")
	c, err := b.column("column")
	if err != nil {
		return err
	}
	kind, ok := dtypeNamed(want)
	if !ok {
		return lateErrorf("Unrecognized pandas type: %s (data type '%s' not understood)", want, want)
	}
	return b.known(func(e *ending) outcome {
		name := e.dtype(c)
		same := name == kind || kind == "datetime64" && scalar(name) == "datetime64" || kind == "timedelta64" && scalar(name) == "timedelta64"
		return told(same, name)
	})
}

// dtypeNamed is pandas_dtype: the dtype that a name means.
func dtypeNamed(name string) (string, bool) {
	switch name {
	case "str":
		return "str", true
	case "category", "string", "interval", "boolean", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64":
		return name, true
	}
	if strings.HasPrefix(name, "datetime64[") && strings.Contains(name, ", ") || strings.HasPrefix(name, "Sparse[") || strings.HasPrefix(name, "period[") {
		return name, strings.HasSuffix(name, "]")
	}
	bare := strings.TrimLeft(name, "<=|")
	t, ok := numpyName(name)
	switch {
	case !ok:
		return "", false
	case t == "object_":
		return "object", true
	case t == "datetime64" || t == "timedelta64":
		if unit := strings.IndexByte(bare, '['); unit > 0 {
			return t + bare[unit:], true
		}
	}
	return t, true
}
