package chat

import (
	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

type dictMethod = exec.Method[map[string]any]

// dictMethods is gonja's, with those replaced that would lose the order of a dictionary, of its members' values too.
func dictMethods() *exec.MethodSet[map[string]any] {
	all := map[string]dictMethod{
		"items":  eachMember(func(key, value *exec.Value) any { return list{key.Interface(), value.Interface()} }),
		"keys":   eachMember(func(key, _ *exec.Value) any { return key.Interface() }),
		"values": eachMember(func(_, value *exec.Value) any { return value.Interface() }),
		"get": func(_ map[string]any, self *exec.Value, va *exec.VarArgs) (any, error) {
			if v, ok := self.GetItem(va.First().String()); ok {
				return v.Interface(), nil
			}
			if len(va.Args) > 1 {
				return va.Args[1].Interface(), nil
			}
			return nil, nil
		},
	}
	for _, name := range []string{"copy", "clear", "pop", "update", "setdefault"} {
		if m, ok := builtins.Methods.Dict.Get(name); ok {
			all[name] = m
		}
	}
	return exec.NewMethodSet(all)
}

func eachMember(of func(key, value *exec.Value) any) dictMethod {
	return func(_ map[string]any, self *exec.Value, va *exec.VarArgs) (any, error) {
		if err := va.Take(); err != nil {
			return nil, exec.ErrInvalidCall(err)
		}
		return members(self, of), nil
	}
}

func members(dict *exec.Value, of func(key, value *exec.Value) any) list {
	out := list{}
	for _, key := range dict.Keys() {
		value, _ := dict.GetItem(key.String())
		out = append(out, of(key, exec.ToValue(value)))
	}
	return out
}

// filterItems is dict | items, in order as well.
func filterItems(_ *exec.Evaluator, in *exec.Value, _ *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	return exec.AsValue(members(in, func(key, value *exec.Value) any { return list{key.Interface(), value.Interface()} }))
}
