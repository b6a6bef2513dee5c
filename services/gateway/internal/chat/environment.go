package chat

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

// environment is what a template may use: gonja's filters, tests and methods with some replaced, no statement that
// reads files, no function that runs on.
func environment(bos, eos string) *exec.Environment {
	statements := guards()
	for _, name := range []string{"for", "if", "set", "macro", "call", "filter", "with", "do", "break", "continue", "block"} {
		if p, ok := builtins.ControlStructures.Get(name); ok {
			statements[name] = p
		}
	}
	methods := builtins.Methods
	methods.Str, methods.Dict = stringMethods(), dictMethods()
	global := map[string]any{"bos_token": bos, "eos_token": eos, "range": rangeOf}
	for _, name := range []string{"namespace", "dict", "joiner", "cycler"} {
		global[name], _ = builtins.GlobalFunctions.Get(name)
	}
	return &exec.Environment{
		Context:           exec.NewContext(global),
		Filters:           filters(),
		Tests:             builtins.Tests,
		ControlStructures: exec.NewControlStructureSet(statements),
		Methods:           methods,
	}
}

// filters is gonja's, with those replaced that differ.
func filters() *exec.FilterSet {
	replaced := map[string]exec.FilterFunction{"tojson": filterToJSON, "trim": filterTrim, "items": filterItems, filterMethod: callMethod}
	for _, name := range []string{
		"batch", "dictsort", "groupby", "list", "map", "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique",
	} {
		if f, ok := builtins.Filters.Get(name); ok {
			replaced[name] = toList(f)
		}
	}
	return exec.NewFilterSet(map[string]exec.FilterFunction{}).Update(builtins.Filters).Update(exec.NewFilterSet(replaced))
}

// toList makes a filter answer with lists of our own.
func toList(f exec.FilterFunction) exec.FilterFunction {
	return func(e *exec.Evaluator, in *exec.Value, va *exec.VarArgs) *exec.Value {
		out := f(e, in, va)
		if !out.IsList() {
			return out
		}
		if _, done := out.Interface().(list); done {
			return out
		}
		items := make(list, out.Len())
		for i := range items {
			items[i] = out.Index(i)
		}
		return exec.AsValue(items)
	}
}

// list is a list whose negative indices reach its first element, which those of gonja's own lists do not.
type list []any

// GetItem implements gonja's exec.ItemGetter.
func (l list) GetItem(key any) (*exec.Value, bool) {
	i, ok := key.(int)
	if i < 0 {
		i += len(l)
	}
	if !ok || i < 0 || i >= len(l) {
		return exec.AsValue(nil), false
	}
	return exec.ToValue(l[i]), true
}

// rangeOf is range([start, ]stop[, step]) as a list; gonja's own leaves a goroutine behind where a loop breaks off.
func rangeOf(va *exec.VarArgs) *exec.Value {
	bounds := []int{0, 0, 1}
	for i, arg := range va.Args {
		if i == 3 || !arg.IsInteger() {
			return exec.AsValue(errors.New("range takes one to three integers"))
		}
		bounds[i] = arg.Integer()
	}
	if len(va.Args) == 1 {
		bounds[0], bounds[1] = 0, bounds[0]
	}
	start, stop, step := bounds[0], bounds[1], bounds[2]
	if step == 0 || len(va.Args) == 0 {
		return exec.AsValue(errors.New("range takes one to three integers and no step of 0"))
	}
	out := list{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(out) == maxRange {
			return exec.AsValue(fmt.Errorf("range gives at most %d numbers", maxRange))
		}
		out = append(out, i)
	}
	return exec.AsValue(out)
}

func filterTrim(_ *exec.Evaluator, in *exec.Value, va *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	chars := va.GetKeywordArgument("chars", nil)
	if len(va.Args) > 0 {
		chars = va.Args[0]
	}
	return exec.AsValue(strip(in.String(), chars, strings.TrimFunc))
}
