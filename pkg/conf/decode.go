package conf

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// decode applies a node to a value of any supported type.
func (l *loader) decode(n ast.Node, v reflect.Value, path string, secret bool) {
	switch {
	case isScalar(v.Type()):
		word, ok := scalar(n)
		if !ok {
			l.refuse("%s: %s must be a single value, not %s", l.at(n), path, kind(n))
			return
		}
		if err := setText(v, word); err != nil && secret {
			l.refuse("%s: %s: the value (not shown) is malformed", l.at(n), path)
		} else if err != nil {
			l.refuse("%s: %s: %v", l.at(n), path, err)
		}
	case v.Kind() == reflect.Struct:
		l.decodeStruct(n, v, path)
	case v.Kind() == reflect.Slice:
		l.decodeList(n, v, path, secret)
	default:
		l.decodeMap(n, v, path, secret)
	}
}

func (l *loader) decodeStruct(n ast.Node, v reflect.Value, path string) {
	fields, err := fieldsOf(v, path)
	if err != nil {
		l.refuse("%v", err)
		return
	}
	l.readSection(n, fields, path, nil)
}

func (l *loader) decodeList(n ast.Node, v reflect.Value, path string, secret bool) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		l.refuse("%s: %s must be a list, not %s", l.at(n), path, kind(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		setDefaults(list.Index(i))
		l.decode(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i), secret)
	}
	v.Set(list)
}

// decodeHeirs reads a list whose entries start from the settings around it, which all layers have set by now.
func (l *loader) decodeHeirs(n ast.Node, f *field) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		l.refuse("%s: %s must be a list, not %s", l.at(n), f.path, kind(n))
		return
	}
	list := reflect.MakeSlice(f.value.Type(), len(seq.Values), len(seq.Values))
	around := strings.TrimSuffix(f.path, f.key)
	own := maps.Clone(l.origins)
	for i, item := range seq.Values {
		e, path := list.Index(i), fmt.Sprintf("%s[%d]", f.path, i)
		e.Set(f.base)
		for key, origin := range own {
			if tail, ok := strings.CutPrefix(key, around); ok && !strings.HasPrefix(key, f.path) {
				l.origins[path+"."+tail] = origin
			}
		}
		setDefaults(e)
		l.decode(item, e, path, f.secret)
	}
	f.value.Set(list)
}

// decodeMap adds entries to the default map; an entry whose key is there already keeps what the file does not name.
func (l *loader) decodeMap(n ast.Node, v reflect.Value, path string, secret bool) {
	pairs, ok := l.pairs(n, path)
	if !ok {
		return
	}
	merged := reflect.MakeMap(v.Type())
	for it := v.MapRange(); it.Next(); {
		merged.SetMapIndex(it.Key(), it.Value())
	}
	base := baseOf(v)
	slices.SortStableFunc(pairs, func(a, b pair) int { return first(a.key == base, b.key == base) })
	for _, p := range pairs {
		key := reflect.ValueOf(p.key).Convert(v.Type().Key())
		e := reflect.New(v.Type().Elem()).Elem()
		if old := merged.MapIndex(key); old.IsValid() {
			e.Set(old)
		} else if from := merged.MapIndex(reflect.ValueOf(base).Convert(v.Type().Key())); base != "" && from.IsValid() {
			e.Set(from)
			l.inherit(path+"."+base+".", path+"."+p.key+".")
		} else {
			setDefaults(e)
		}
		l.origins[path+"."+p.key] = Origin{Layer: File, Name: l.File, Line: line(p.keyNode)}
		l.decode(p.node, e, path+"."+p.key, secret)
		merged.SetMapIndex(key, e)
	}
	v.Set(merged)
}

// baseOf is the name of the entry that a map's other entries start from, or "". A base entry holds no lists or maps: the
// others would share them.
func baseOf(v reflect.Value) string {
	if b, ok := v.Interface().(interface{ Base() string }); ok {
		return b.Base()
	}
	return ""
}

// first orders what is true before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// inherit gives keys the origins of those that they start from.
func (l *loader) inherit(from, to string) {
	for key, origin := range maps.Clone(l.origins) {
		if tail, ok := strings.CutPrefix(key, from); ok {
			l.origins[to+tail] = origin
		}
	}
}

// setDefaults prepares a new entry of a map or list.
func setDefaults(v reflect.Value) {
	if d, ok := v.Addr().Interface().(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
}

// parent is the path without its last element: a.b is within a, a[0] within a.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
