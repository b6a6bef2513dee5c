package chat

import (
	"errors"
	"strings"
	"unicode"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

type stringMethod = exec.Method[string]

// stringMethods is gonja's, with those replaced whose optional arguments or results are not Python's.
func stringMethods() *exec.MethodSet[string] {
	all := map[string]stringMethod{}
	for _, name := range []string{
		"capitalize", "casefold", "center", "count", "expandtabs", "find", "format", "isalnum", "isalpha", "isascii",
		"isdecimal", "isdigit", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust", "lower",
		"partition", "removeprefix", "removesuffix", "rfind", "rjust", "rpartition", "swapcase", "title", "upper", "zfill",
	} {
		if m, ok := builtins.Methods.Str.Get(name); ok {
			all[name] = m
		}
	}
	all["strip"] = stripMethod(strings.TrimFunc)
	all["lstrip"] = stripMethod(strings.TrimLeftFunc)
	all["rstrip"] = stripMethod(strings.TrimRightFunc)
	all["split"] = splitMethod(strings.SplitN, strings.Fields)
	all["rsplit"] = splitMethod(rsplitN, strings.Fields)
	all["splitlines"] = func(self string, _ *exec.Value, _ *exec.VarArgs) (any, error) {
		self = strings.ReplaceAll(strings.ReplaceAll(self, "\r\n", "\n"), "\r", "\n")
		if self == "" {
			return list{}, nil
		}
		return texts(strings.Split(strings.TrimSuffix(self, "\n"), "\n")), nil
	}
	all["replace"] = replaceMethod
	all["startswith"] = affixMethod(strings.HasPrefix)
	all["endswith"] = affixMethod(strings.HasSuffix)
	return exec.NewMethodSet(all)
}

// filterMethod is the filter that calls a method: the value, the method's name, its arguments.
const filterMethod = "__method__"

func callMethod(e *exec.Evaluator, in *exec.Value, va *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	name := va.First().String()
	args := &exec.VarArgs{Args: va.Args[min(1, len(va.Args)):], KwArgs: va.KwArgs}
	if m, ok := e.Environment.Methods.Str.Get(name); ok && in.IsString() {
		out, err := m(in.String(), in, args)
		if err != nil {
			return exec.AsValue(err)
		}
		return exec.ToValue(out)
	}
	if m, ok := e.Environment.Methods.Dict.Get(name); ok && in.IsDict() {
		if dict, isMap := in.ToGoSimpleType(false).(map[string]any); isMap {
			out, err := m(dict, in, args)
			if err != nil {
				return exec.AsValue(err)
			}
			return exec.ToValue(out)
		}
	}
	return exec.AsValue(errors.New(name + " is no method of this value"))
}

func texts(parts []string) list {
	out := make(list, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out
}

// strip trims the characters of chars, or white space where it is None.
func strip(s string, chars *exec.Value, trim func(string, func(rune) bool) string) string {
	if chars.IsNil() {
		return trim(s, isSpace)
	}
	set := chars.String()
	return trim(s, func(r rune) bool { return strings.ContainsRune(set, r) })
}

// isSpace is Python's str.isspace: Unicode's white space and the four information separators.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func stripMethod(trim func(string, func(rune) bool) string) stringMethod {
	return func(self string, _ *exec.Value, va *exec.VarArgs) (any, error) {
		return strip(self, argument(va, 0, "chars"), trim), nil
	}
}

// argument is the i-th argument, by place or name; nil where it is not given.
func argument(va *exec.VarArgs, i int, name string) *exec.Value {
	if i < len(va.Args) {
		return va.Args[i]
	}
	return va.GetKeywordArgument(name, nil)
}

func splitMethod(split func(s, sep string, n int) []string, fields func(string) []string) stringMethod {
	return func(self string, _ *exec.Value, va *exec.VarArgs) (any, error) {
		sep, most := argument(va, 0, "sep"), argument(va, 1, "maxsplit")
		n := -1
		if most.IsInteger() && most.Integer() >= 0 {
			n = most.Integer() + 1
		}
		switch {
		case sep.IsNil() && n < 0:
			return texts(fields(self)), nil
		case sep.IsNil():
			return nil, errors.New("split: maxsplit needs a separator here")
		case sep.String() == "":
			return nil, errors.New("split: empty separator")
		}
		return texts(split(self, sep.String(), n)), nil
	}
}

// rsplitN splits at the last separators, into at most n parts where n is not negative.
func rsplitN(s, sep string, n int) []string {
	parts := strings.Split(s, sep)
	if n < 0 || len(parts) <= n {
		return parts
	}
	first := len(parts) - n + 1
	return append([]string{strings.Join(parts[:first], sep)}, parts[first:]...)
}

func replaceMethod(self string, _ *exec.Value, va *exec.VarArgs) (any, error) {
	old, with, count := argument(va, 0, "old"), argument(va, 1, "new"), argument(va, 2, "count")
	if !old.IsString() || !with.IsString() {
		return nil, errors.New("replace: two strings are needed")
	}
	n := -1
	if count.IsInteger() {
		n = count.Integer()
	}
	return strings.Replace(self, old.String(), with.String(), n), nil
}

// affixMethod is startswith or endswith, of a string or of one of several.
func affixMethod(has func(s, affix string) bool) stringMethod {
	return func(self string, _ *exec.Value, va *exec.VarArgs) (any, error) {
		affix := va.First()
		if len(va.Args) != 1 || !affix.IsString() && !affix.IsList() {
			return nil, errors.New("startswith and endswith take one string or tuple here")
		}
		if affix.IsString() {
			return has(self, affix.String()), nil
		}
		found := false
		affix.Iterate(func(_, _ int, one, _ *exec.Value) bool {
			found = has(self, one.String())
			return !found
		}, func() {})
		return found, nil
	}
}
