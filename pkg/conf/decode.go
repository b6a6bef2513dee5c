package conf

import (
	"fmt"
	"reflect"
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
	for _, p := range pairs {
		key := reflect.ValueOf(p.key).Convert(v.Type().Key())
		e := reflect.New(v.Type().Elem()).Elem()
		if old := merged.MapIndex(key); old.IsValid() {
			e.Set(old)
		} else {
			setDefaults(e)
		}
		l.origins[path+"."+p.key] = Origin{Layer: File, Name: l.File, Line: line(p.keyNode)}
		l.decode(p.node, e, path+"."+p.key, secret)
		merged.SetMapIndex(key, e)
	}
	v.Set(merged)
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
