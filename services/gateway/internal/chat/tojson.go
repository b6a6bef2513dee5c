package chat

import (
	"errors"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// filterToJSON is json.dumps(value, ensure_ascii=False), as transformers defines the filter: a space behind commas and
// colons, keys in the order given.
func filterToJSON(_ *exec.Evaluator, in *exec.Value, va *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	for name := range va.KwArgs {
		if name != "indent" && name != "ensure_ascii" && name != "sort_keys" {
			return exec.AsValue(errors.New("tojson: " + name + " is not supported"))
		}
	}
	w := &jsonWriter{sorted: va.GetKeywordArgument("sort_keys", false).IsTrue(), ascii: va.GetKeywordArgument("ensure_ascii", false).IsTrue()}
	if indent := argument(va, 1, "indent"); indent.IsInteger() { // json.dumps(x, ensure_ascii, indent)
		w.indent = strings.Repeat(" ", min(16, max(0, indent.Integer())))
		w.pretty = true
	}
	if err := w.value(in, 0); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(w.b.String())
}

type jsonWriter struct {
	b                     strings.Builder
	pretty, sorted, ascii bool
	indent                string
}

func (w *jsonWriter) value(v *exec.Value, depth int) error {
	switch {
	case depth > maxDepth:
		return errors.New("tojson: the value is nested too deep")
	case v.IsError():
		return v
	case v.IsNil():
		w.b.WriteString("null")
	case v.IsBool():
		w.b.WriteString(strings.ToLower(v.String()))
	case v.IsNumber():
		w.b.WriteString(v.String())
	case v.IsString():
		w.text(v.String())
	case v.IsList():
		return w.list(v, depth)
	case v.IsDict():
		return w.dict(v, depth)
	default:
		return errors.New("tojson: the value is no JSON")
	}
	return nil
}

func (w *jsonWriter) list(v *exec.Value, depth int) (err error) {
	w.b.WriteByte('[')
	n := 0
	v.Iterate(func(i, count int, item, _ *exec.Value) bool {
		w.separate(i, depth+1)
		n, err = count, w.value(exec.ToValue(item), depth+1)
		return err == nil
	}, func() {})
	w.finish(n, depth)
	w.b.WriteByte(']')
	return err
}

func (w *jsonWriter) dict(v *exec.Value, depth int) error {
	keys := v.Keys()
	if w.sorted {
		slices.SortFunc(keys, func(a, b *exec.Value) int { return strings.Compare(a.String(), b.String()) })
	} else if _, ordered := v.Interface().(*exec.Dict); !ordered {
		slices.SortStableFunc(keys, func(a, b *exec.Value) int { return messageOrder(a.String()) - messageOrder(b.String()) })
	}
	w.b.WriteByte('{')
	for i, key := range keys {
		w.separate(i, depth+1)
		w.text(key.String())
		w.b.WriteString(": ")
		item, _ := v.GetItem(key.String())
		if err := w.value(exec.ToValue(item), depth+1); err != nil {
			return err
		}
	}
	w.finish(len(keys), depth)
	w.b.WriteByte('}')
	return nil
}

// messageOrder puts a message's fields, which come in a Go map, into the order in which clients write them.
func messageOrder(key string) int {
	switch key {
	case "role":
		return 0
	case "content":
		return 1
	}
	return 2
}

func (w *jsonWriter) separate(i, depth int) {
	switch {
	case i > 0 && w.pretty:
		w.b.WriteByte(',')
	case i > 0:
		w.b.WriteString(", ")
	}
	w.newline(depth)
}

func (w *jsonWriter) finish(n, depth int) {
	if n > 0 {
		w.newline(depth)
	}
}

func (w *jsonWriter) newline(depth int) {
	if w.pretty {
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat(w.indent, depth))
	}
}

func (w *jsonWriter) text(s string) {
	const hex = "0123456789abcdef"
	w.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(r)
		case strings.ContainsRune("\n\r\t\b\f", r):
			w.b.WriteString(map[rune]string{'\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}[r])
		case r < ' ' || w.ascii && r >= 0x7f && r <= 0xffff:
			w.b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				w.b.WriteByte(hex[r>>shift&15])
			}
		default:
			w.b.WriteRune(r)
		}
	}
	w.b.WriteByte('"')
}
