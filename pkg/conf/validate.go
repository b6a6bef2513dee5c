package conf

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// validator is what a struct implements to refuse values that its types allow.
type validator interface{ Validate() error }

// validate calls every Validate, innermost first, and turns complaints into problems that name the source.
func (l *loader) validate() {
	for _, s := range l.Sections {
		l.validateValue(reflect.ValueOf(s.Into).Elem(), s.Key)
	}
}

func (l *loader) validateValue(v reflect.Value, path string) {
	switch {
	case isSection(v.Type()):
		for i := range v.NumField() {
			sf := v.Type().Field(i)
			key, tagged := keyOf(sf)
			if sf.Anonymous && !tagged && isSection(sf.Type) {
				l.validateValue(v.Field(i), path)
			} else if tagged {
				l.validateValue(v.Field(i), join(path, key))
			}
		}
		l.callValidate(v, path)
	case isScalar(v.Type()):
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			l.validateValue(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case v.Kind() == reflect.Map:
		keys := v.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
		for _, k := range keys {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(v.MapIndex(k))
			l.validateValue(e, path+"."+k.String())
		}
		l.callValidate(v, path)
	}
}

func (l *loader) callValidate(v reflect.Value, path string) {
	val, ok := v.Addr().Interface().(validator)
	if !ok {
		return
	}
	for _, err := range flatten(val.Validate()) {
		var r *Refusal
		if !errors.As(err, &r) {
			set := l.setIn(path)
			l.refuseFrom(slices.Collect(maps.Values(set)), "%s%s%s", prefix(path), strings.TrimPrefix(err.Error(), path+": "), told(set))
			continue
		}
		key := join(path, r.Key)
		l.refuseFrom([]Origin{l.originOf(key)}, "%s%s (%s) %s", key, l.shown(key), l.originOf(key), r.Allowed)
	}
}

// refuseFrom counts a complaint as one about the command line where flags alone set what it is about.
func (l *loader) refuseFrom(from []Origin, format string, args ...any) {
	flags := 0
	for _, o := range from {
		if o.Layer == Flag {
			flags++
		}
	}
	if flags > 0 && flags == len(from) {
		l.refuseUsage(format, args...)
		return
	}
	l.refuse(format, args...)
}

// prefix is a section's name in front of its complaint.
func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// shown is " = value" of a key, unless it is secret or no single value.
func (l *loader) shown(path string) (out string) {
	leaves(l.fields, func(f *field) {
		if f.path == path && !f.secret && isScalar(f.value.Type()) {
			out = " = " + text(f.value)
		}
	})
	return out
}

// setIn lists the keys of a section that are no defaults, for complaints that name none.
func (l *loader) setIn(path string) map[string]Origin {
	out := map[string]Origin{}
	for key, from := range l.origins {
		if parent(key) == path {
			out[key] = from
		}
	}
	return out
}

// told spells what setIn found.
func told(set map[string]Origin) string {
	if len(set) == 0 {
		return ""
	}
	var out []string
	for key, from := range set {
		out = append(out, key+" by "+from.String())
	}
	sort.Strings(out)
	return " (set: " + strings.Join(out, ", ") + ")"
}

// originOf is the origin of a key or of the nearest thing around it that has one.
func (l *Loaded) originOf(path string) Origin {
	for ; path != ""; path = parent(path) {
		if o, ok := l.origins[path]; ok {
			return o
		}
	}
	return Origin{}
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}
