package conf

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// EnvPrefix starts every environment variable that belongs to us.
const EnvPrefix = "LEAT_"

// field is one key of a configuration: a section, if it has fields, else a setting.
type field struct {
	key, path string
	flag      string
	envs      []string // by falling rank; the first is derived from the flag
	doc       string
	oneof     []string
	secret    bool
	section   bool
	value     reflect.Value // addressable
	fields    []*field
	base      reflect.Value // what the entries of this list start from; the zero Value: their type's defaults
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isText says whether values of t read themselves from text.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// isSection says whether t is a struct whose fields are keys.
func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct && !isText(t) }

// isScalar says whether a value of t fits into one word of text.
func isScalar(t reflect.Type) bool {
	if isText(t) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// checkType refuses a type that could be neither read nor printed; the error is the programmer's.
func checkType(t reflect.Type, path string) error {
	switch {
	case isScalar(t):
		return nil
	case isSection(t):
		_, err := fieldsOf(reflect.New(t).Elem(), path)
		return err
	case t.Kind() == reflect.Slice:
		return checkType(t.Elem(), path+"[]")
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		return checkType(t.Elem(), path+".*")
	}
	return fmt.Errorf("conf: %s has type %s, which cannot be configured", path, t)
}

// keyOf is the yaml key of a struct's field; false where it is not configuration.
func keyOf(sf reflect.StructField) (string, bool) {
	key, _, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
	return key, key != "" && key != "-"
}

// fieldsOf lists the keys of a struct in its order; embedded structs without a key are spliced in.
func fieldsOf(v reflect.Value, path string) ([]*field, error) {
	var out []*field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		key, tagged := keyOf(sf)
		if sf.Anonymous && !tagged && isSection(sf.Type) {
			inner, err := fieldsOf(v.Field(i), path)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		}
		if !tagged {
			continue
		}
		if !sf.IsExported() {
			return nil, fmt.Errorf("conf: %s is tagged but not exported", join(path, sf.Name))
		}
		f, err := newField(sf, key, path, v.Field(i))
		if err != nil {
			return nil, err
		}
		if sf.Tag.Get("inherit") == "true" {
			if f.base = embedded(v, sf.Type.Elem()); !f.base.IsValid() {
				return nil, fmt.Errorf("conf: %s inherits, but no %s is embedded beside it", f.path, sf.Type.Elem())
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// embedded is the struct of type t that is spliced into v.
func embedded(v reflect.Value, t reflect.Type) reflect.Value {
	for i := range v.NumField() {
		if sf := v.Type().Field(i); sf.Anonymous && sf.Type == t {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func newField(sf reflect.StructField, key, path string, v reflect.Value) (*field, error) {
	f := &field{
		key: key, path: join(path, key), doc: sf.Tag.Get("doc"), flag: sf.Tag.Get("flag"),
		secret: sf.Tag.Get("secret") == "true", section: isSection(sf.Type), value: v,
	}
	if list := sf.Tag.Get("oneof"); list != "" {
		f.oneof = strings.Split(list, "|")
	}
	if f.flag != "" {
		f.envs = append(f.envs, envName(f.flag))
	}
	if env := sf.Tag.Get("env"); env != "" {
		f.envs = append(f.envs, env)
	}
	if f.section {
		var err error
		f.fields, err = fieldsOf(v, f.path)
		return f, err
	}
	return f, checkType(sf.Type, f.path)
}

// leaves calls visit for every setting beneath the fields, in order.
func leaves(fields []*field, visit func(*field)) {
	for _, f := range fields {
		if f.section {
			leaves(f.fields, visit)
			continue
		}
		visit(f)
	}
}

func envName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
