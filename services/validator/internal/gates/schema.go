package gates

import (
	"fmt"
	"slices"
)

// Column is a column of a schema. Type is Arrow's own name of its type.
type Column struct {
	Name     string
	Type     string
	Nullable bool
}

// Match is how closely a schema must follow the pinned one.
type Match string

// Matches.
const (
	// Equal: the same columns, types and nullability in the same order.
	Equal Match = "equal"
	// Compatible: what reads the pinned schema can read this one: every pinned column is there with its type or one whose values all fit into it, none may newly be null, and columns beside them are welcome, in any order.
	Compatible Match = "compatible"
)

// fits lists, for a pinned type, the types whose values it holds without loss.
var fits = map[string][]string{
	"int16":        {"int8", "uint8"},
	"int32":        {"int8", "int16", "uint8", "uint16"},
	"int64":        {"int8", "int16", "int32", "uint8", "uint16", "uint32"},
	"uint16":       {"uint8"},
	"uint32":       {"uint8", "uint16"},
	"uint64":       {"uint8", "uint16", "uint32"},
	"float":        {"halffloat", "int8", "int16", "uint8", "uint16"},
	"double":       {"halffloat", "float", "int8", "int16", "int32", "uint8", "uint16", "uint32"},
	"large_string": {"string"},
	"large_binary": {"binary", "string", "large_string"},
	"binary":       {"string"},
}

// other spellings of Arrow's names, so that schemas written by hand and by other tools meet.
var spellings = map[string]string{"utf8": "string", "large_utf8": "large_string", "float16": "halffloat", "float32": "float", "float64": "double"}

func canonical(name string) string {
	if c, ok := spellings[name]; ok {
		return c
	}
	return name
}

// Schema fails where the current schema does not match the pinned one. Without a pinned one (nil) there is no verdict yet. Value is the number of differences.
func Schema(pinned, current []Column, m Match) Verdict {
	v := Verdict{Gate: GateSchema}
	if pinned == nil {
		v.Status, v.Reason = Unknown, "no schema is pinned yet: this run's can be"
		return v
	}
	var differences []string
	switch m {
	case Compatible:
		differences = incompatible(pinned, current)
	default:
		differences = unequal(pinned, current)
	}
	v.Value = float64(len(differences))
	if len(differences) > 0 {
		v.Status = Fail
		v.Reason = fmt.Sprintf("the schema is not %s to the pinned one: %s", word(m), list(differences))
		return v
	}
	v.Status, v.Reason = Pass, fmt.Sprintf("%d columns, %s to the pinned schema", len(current), word(m))
	return v
}

func word(m Match) string {
	if m == Compatible {
		return "compatible"
	}
	return "equal"
}

func find(columns []Column, name string) int {
	return slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
}

func unequal(pinned, current []Column) (out []string) {
	for i, p := range pinned {
		at := find(current, p.Name)
		switch {
		case at < 0:
			out = append(out, fmt.Sprintf("column %q is missing", p.Name))
			continue
		case canonical(current[at].Type) != canonical(p.Type):
			out = append(out, fmt.Sprintf("column %q is %s, not %s", p.Name, current[at].Type, p.Type))
		case current[at].Nullable != p.Nullable:
			out = append(out, fmt.Sprintf("column %q %s", p.Name, may(current[at].Nullable)))
		}
		if len(pinned) == len(current) && at != i {
			out = append(out, fmt.Sprintf("column %q is number %d, not %d", p.Name, at+1, i+1))
		}
	}
	for _, c := range current {
		if find(pinned, c.Name) < 0 {
			out = append(out, fmt.Sprintf("column %q is new", c.Name))
		}
	}
	return append(out, doubles(current)...)
}

func may(nullable bool) string {
	if nullable {
		return "may be null, which it may not in the pinned schema"
	}
	return "may not be null, which it may in the pinned schema"
}

func incompatible(pinned, current []Column) (out []string) {
	for _, p := range pinned {
		at := find(current, p.Name)
		if at < 0 {
			out = append(out, fmt.Sprintf("column %q is missing", p.Name))
			continue
		}
		if c := current[at]; !holds(p.Type, c.Type) {
			out = append(out, fmt.Sprintf("column %q is %s, which does not fit into %s", p.Name, c.Type, p.Type))
		} else if c.Nullable && !p.Nullable {
			out = append(out, fmt.Sprintf("column %q %s", p.Name, may(true)))
		}
	}
	return append(out, doubles(current)...)
}

func holds(pinned, current string) bool {
	pinned, current = canonical(pinned), canonical(current)
	return pinned == current || slices.Contains(fits[pinned], current)
}

func doubles(columns []Column) (out []string) {
	for i, c := range columns {
		if find(columns, c.Name) < i {
			out = append(out, fmt.Sprintf("column %q is there twice", c.Name))
		}
	}
	return out
}
